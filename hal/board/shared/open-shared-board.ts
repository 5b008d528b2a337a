/** Opens a board that another process runs, by the folder of its files. */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { HalError } from '../../errors.js';
import { BAR_BYTES } from '../../simulators/daq-board/registers.js';
import type { BoardPort } from '../board-port.js';
import { DAQ_IDENTITY } from '../daq-identity.js';
import { MappedBoard } from '../mapped/mapped-board.js';
import { type MappedMemory, memoryCalls } from '../mapped/memory-calls.js';
import { foreignDaq, MappedDaq } from '../mapped/rv-daq16.js';
import { DMA_BUS_ADDRESS, DMA_BYTES, filesOf } from './layout.js';

const ONE = new Uint8Array(new Uint32Array([1]).buffer);

/**
 * The board, idle, of this process alone until it is closed. `HAL_NOT_FOUND` when nothing runs there, `HAL_IN_USE` when
 * somebody has it, `HAL_UNSUPPORTED` without koffi. It is polled: what is written takes effect a moment later, programmed
 * mode (FIFO_DATA) does not exist.
 */
export function openSharedBoard(path: string): BoardPort {
  const name = `shm:${path}`;
  const files = filesOf(path);
  const calls = memoryCalls();
  const open: number[] = [];
  const mappings: MappedMemory[] = [];
  const opened = (file: string, flags: number): number => {
    const fd = openFile(file, flags, name);
    open.push(fd);
    return fd;
  };
  try {
    const registersFd = opened(files.registers, constants.O_RDWR);
    if (!calls.lock(registersFd))
      throw new HalError('HAL_IN_USE', `${name} is in use`, { where: name, hint: 'Close the other port first.' });
    const dmaFd = opened(files.dma, constants.O_RDWR);
    // Without a process that reads it, this one cannot be opened: so a board that has ended is seen here.
    const rearmFd = opened(files.rearm, constants.O_WRONLY | constants.O_NONBLOCK);
    const interruptFd = opened(files.interrupt, constants.O_RDONLY | constants.O_NONBLOCK);
    const registers = calls.map(registersFd, 0, BAR_BYTES, name);
    mappings.push(registers);
    const dma = calls.map(dmaFd, 0, DMA_BYTES, name);
    mappings.push(dma);
    const foreign = foreignDaq(registers.words);
    if (foreign !== undefined)
      throw new HalError('HAL_UNSUPPORTED', `${name} is no RV-DAQ16: ${foreign}`, { where: name });
    return new MappedBoard({
      name,
      identity: DAQ_IDENTITY,
      translation: new MappedDaq(registers.words, { bytes: dma.bytes, busAddress: DMA_BUS_ADDRESS }),
      interruptFd,
      rearm: () => void writeSync(rearmFd, ONE),
      mappings,
      release: () => {
        for (const fd of [registersFd, dmaFd, rearmFd]) closeSync(fd);
      },
    });
  } catch (error) {
    for (const mapping of mappings) mapping.unmap();
    for (const fd of open) closeSync(fd);
    throw error;
  }
}

function openFile(file: string, flags: number, name: string): number {
  try {
    return openSync(file, flags);
  } catch (error) {
    throw new HalError('HAL_NOT_FOUND', `${name}: no board runs there`, {
      where: name,
      cause: error,
      hint: 'Start one with startSharedBoard and use its path.',
    });
  }
}
