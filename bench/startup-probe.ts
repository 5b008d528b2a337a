/** Runs in a process of its own: `startup-probe.js first-instruction|memory ENGINE XLEN` prints one number. */

import { timeNs } from './clock.js';
import { EMPTY, prepare, type Xlen } from './engine-programs.js';

/** Eight machines; each runs far enough that what an engine makes of the guest's code is there. */
const MACHINES = 8;
const BUSY_GUEST = 'state';
const BUSY_NS = 100e6;
/** One instruction at the machine's 100 MHz. */
const ONE_INSTRUCTION_NS = 10;

/** Milliseconds from the call of `createMachine` to the first retired instruction, the image's file read included. */
function firstInstruction(engine: string, xlen: Xlen): number {
  let instructions = 0;
  const ns = timeNs(() => {
    const { machine, scheduler } = prepare(engine, EMPTY, xlen);
    scheduler.runUntil(ONE_INSTRUCTION_NS);
    instructions = machine.instret;
  });
  if (instructions !== 1) throw new Error(`The machine retired ${instructions} instructions instead of the first.`);
  return ns / 1e6;
}

/** MiB of resident memory a machine, the pages of its RAM that it has touched included. */
function memory(engine: string, xlen: Xlen): number {
  const before = process.memoryUsage.rss();
  const machines = Array.from({ length: MACHINES }, () => prepare(engine, BUSY_GUEST, xlen));
  for (const { scheduler } of machines) scheduler.runUntil(BUSY_NS);
  const after = process.memoryUsage.rss();
  if (machines.some(({ machine }) => machine.instret === 0)) throw new Error('A machine has not run.');
  return (after - before) / MACHINES / 2 ** 20;
}

const [what, engine, width] = process.argv.slice(2);
const xlen: Xlen = width === '64' ? 64 : 32;
process.stdout.write(`${what === 'memory' ? memory(engine, xlen) : firstInstruction(engine, xlen)}\n`);
