/** Opens an RV-DAQ16 behind Linux's UIO: registers as map 0, DMA memory as map 1 or as a u-dma-buf device. */

import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { HalError } from '../../errors.js';
import { BAR_BYTES } from '../../simulators/daq-board/registers.js';
import type { BoardIdentity, BoardPort } from '../board-port.js';
import { DAQ_IDENTITY } from '../daq-identity.js';
import { type DmaArea, LEAST_DMA_BYTES } from './bounce-ring.js';
import { MappedBoard } from './mapped-board.js';
import { type MappedMemory, memoryCalls } from './memory-calls.js';
import { foreignDaq, MappedDaq } from './rv-daq16.js';
import { listUioDevices, numberIn, UioDevice, type UioSystem } from './uio-device.js';

export interface UioBoardOptions extends UioSystem {
  /** `uio0` or `/dev/uio0`. */
  readonly device: string;
  /** A u-dma-buf device (`udmabuf0`) whose memory the board masters, where its driver offers none. */
  readonly dmaBuffer?: string;
}

export interface UioBoardInfo {
  /** As `openUioBoard` takes it. */
  readonly device: string;
  /** What the driver calls it. */
  readonly driver: string;
}

/**
 * The board, idle. `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_IN_USE`, `HAL_IO`; `HAL_UNSUPPORTED` when it is none, says by which
 * register, or when the driver gives too little: 4 KiB of registers, 96 KiB of DMA memory, an interrupt.
 */
export function openUioBoard(options: UioBoardOptions): BoardPort {
  const device = new UioDevice(options.device, options);
  const mappings: MappedMemory[] = [];
  try {
    const registers = device.map(0);
    mappings.push(registers);
    const isPage = registers.bytes.length >= BAR_BYTES;
    const foreign = isPage
      ? foreignDaq(registers.words)
      : `map 0 has ${registers.bytes.length} bytes, not ${BAR_BYTES}`;
    if (foreign !== undefined)
      throw new HalError('HAL_UNSUPPORTED', `${device.name} is no RV-DAQ16: ${foreign}`, {
        where: device.name,
        hint: 'Choose another device: ls -l /sys/class/uio; cat /sys/class/uio/uio*/name',
      });
    const { area, memory } = dmaOf(device, options);
    mappings.push(memory);
    return new MappedBoard({
      name: `uio:${device.name.replace('uio', '')}`,
      identity: identityOf(device),
      translation: new MappedDaq(registers.words, area),
      interruptFd: device.fd,
      rearm: () => device.rearm(),
      mappings,
      release: () => device.close(false),
    });
  } catch (error) {
    for (const mapping of mappings) mapping.unmap();
    device.close();
    throw error;
  }
}

/** Boards that may be opened; whether they are RV-DAQ16s is seen when they are. */
export function listUioBoards(system: UioSystem = {}): UioBoardInfo[] {
  return listUioDevices(system).map(({ name, driver }) => ({ device: name, driver }));
}

function identityOf(device: UioDevice): BoardIdentity {
  return {
    vendorId: device.identity('vendor') ?? DAQ_IDENTITY.vendorId,
    deviceId: device.identity('device') ?? DAQ_IDENTITY.deviceId,
    subsystemVendorId: device.identity('subsystem_vendor') ?? DAQ_IDENTITY.subsystemVendorId,
    subsystemId: device.identity('subsystem_device') ?? DAQ_IDENTITY.subsystemId,
    barBytes: DAQ_IDENTITY.barBytes,
  };
}

function dmaOf(device: UioDevice, options: UioBoardOptions): { area: DmaArea; memory: MappedMemory } {
  const { memory, busAddress } =
    options.dmaBuffer === undefined
      ? { memory: device.map(1), busAddress: device.maps[1].address }
      : mapBuffer(options.dmaBuffer, options);
  if (memory.bytes.length < LEAST_DMA_BYTES || busAddress === 0) {
    memory.unmap();
    throw new HalError(
      'HAL_UNSUPPORTED',
      `${device.name} has ${memory.bytes.length} bytes of DMA memory at ${busAddress}, and needs ${LEAST_DMA_BYTES}`,
      {
        where: device.name,
        hint: 'Give the driver more memory: uio_dmem_genirq’s dynamic regions, or u-dma-buf’s size.',
      },
    );
  }
  return { area: { bytes: memory.bytes, busAddress }, memory };
}

function mapBuffer(name: string, { dev = '/dev', sysfs = '/sys/class' }: UioSystem) {
  const folder = join(sysfs, 'u-dma-buf', name);
  const bytes = numberIn(join(folder, 'size'));
  const busAddress = numberIn(join(folder, 'phys_addr'));
  if (bytes === undefined || busAddress === undefined)
    throw new HalError('HAL_NOT_FOUND', `there is no u-dma-buf device ${name}`, {
      where: name,
      hint: `Load it: insmod u-dma-buf.ko ${name}=1048576`,
    });
  // With O_SYNC the driver maps without a cache, where the machine is not coherent.
  const fd = openSync(join(dev, name), constants.O_RDWR | constants.O_SYNC);
  try {
    return { memory: memoryCalls().map(fd, 0, bytes, name), busAddress };
  } finally {
    closeSync(fd);
  }
}
