/** Measures what stations cost that lie within one thread: leaving the guest, a register of a model, a turn of the I/O loop. */

import { VirtualClock, WallClock } from '../../base/index.js';
import { assemble, createMachine, Ns16550a, parseImage, VirtualScheduler } from '../../vmm/index.js';
import { nextTurn } from '../wiring/host-time.js';

const CLOCK = new WallClock();

function timeNs(work: () => void): number {
  const startNs = CLOCK.now();
  work();
  return CLOCK.now() - startNs;
}

const TRAP_ROUNDS = 200;
const TRAP_EXITS = 5000;

/** A guest that reads a register of the test finisher, the smallest device there is, less the same loop on RAM. */
export function measureTrap(): number[] {
  const loop = (address: string) => `
    li a0, ${address}
loop:
    lw a2, 0(a0)
    j loop`;
  const timed = (address: string) => {
    const clock = new VirtualClock();
    const image = parseImage(assemble(loop(address)).bytes, 'trap');
    const machine = createMachine({ name: 'trap', engine: 'interpreter', image, clock });
    const scheduler = new VirtualScheduler(clock);
    if (machine.pace !== undefined) scheduler.add(machine.pace);
    // Two instructions of 10 ns for each exit.
    return () => timeNs(() => scheduler.runUntil(clock.now() + TRAP_EXITS * 20)) / TRAP_EXITS;
  };
  const exits = timed('0x100000');
  const plain = timed('0x80001000');
  for (let i = 0; i < 50; i++) exits() + plain();
  return Array.from({ length: TRAP_ROUNDS }, () => Math.max(0, exits() - plain()));
}

/** Nanoseconds of one register access of the NS16550A model. */
export function measureFrontend(): number[] {
  const uart = new Ns16550a({ clock: new VirtualClock(), line: { set: () => {} } });
  let seen = 0;
  const once = () =>
    timeNs(() => {
      for (let i = 0; i < 1000; i++) seen += uart.read(5, 1);
    }) / 1000;
  for (let i = 0; i < 200; i++) once();
  const samples = Array.from({ length: 1000 }, once);
  if (seen === 0) throw new Error('the UART says that it is never empty');
  return samples;
}

/** Nanoseconds of one turn of an event loop that never sleeps. */
export async function measureLoop(): Promise<number[]> {
  const samples: number[] = [];
  let last = CLOCK.now();
  for (let i = 0; i < 20_000; i++) {
    await nextTurn();
    const now = CLOCK.now();
    samples.push(now - last);
    last = now;
  }
  return samples.slice(1000);
}
