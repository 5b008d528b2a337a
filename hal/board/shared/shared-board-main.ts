/** The program of a shared board: a simulated RV-DAQ16 in wall time behind the files of a folder, until its parent lets it go. */

import { constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { WallClock } from '../../../base/index.js';
import { createDaqBoard } from '../../simulators/daq-board/device.js';
import { BAR_BYTES } from '../../simulators/daq-board/registers.js';
import { memoryCalls } from '../mapped/memory-calls.js';
import { DMA_BUS_ADDRESS, DMA_BYTES, filesOf } from './layout.js';
import { PageBoard } from './page-board.js';
import type { SharedBoardSettings } from './shared-board.js';

const [folder, text] = process.argv.slice(2);
const settings = JSON.parse(text) as SharedBoardSettings;
const files = filesOf(folder);
const calls = memoryCalls();
/** Both ends of each pipe, so that a host may come and go: the pipes end with this process. */
const interruptFd = openSync(files.interrupt, constants.O_RDWR | constants.O_NONBLOCK);
const rearmFd = openSync(files.rearm, constants.O_RDWR | constants.O_NONBLOCK);
const registers = calls.map(openSync(files.registers, 'r+'), 0, BAR_BYTES, folder);
const dma = calls.map(openSync(files.dma, 'r+'), 0, DMA_BYTES, folder);

/** Longest pause of an idle board. */
const IDLE_MS = 1;
const pauseMs = settings.pollUs / 1000;
const nothing = new Int32Array(new SharedArrayBuffer(4));
const count = new Uint32Array(1);
const countBytes = new Uint8Array(count.buffer);

const clock = new WallClock({
  origin: { unixNs: BigInt(settings.originUnixNs), monotonicNs: BigInt(settings.originMonotonicNs) },
  polled: true,
});
const board = createDaqBoard({ clock, parameters: settings.parameters, seed: settings.seed });
const page = new PageBoard(board, registers.words, { bytes: dma.bytes, busAddress: DMA_BUS_ADDRESS }, () => {
  count[0]++;
  try {
    writeSync(interruptFd, countBytes);
  } catch {
    // The pipe is full of interrupts that nobody reads: the host has one to wake it.
  }
});

new Socket({ fd: rearmFd, readable: true, writable: false }).on('data', () => page.rearm());
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});

function turn(): void {
  clock.runDue();
  page.poll();
  Atomics.wait(nothing, 0, 0, page.isRunning ? pauseMs : IDLE_MS);
  setImmediate(turn);
}

process.send?.('ready');
turn();
