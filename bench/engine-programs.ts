/** The guests that engines are compared on, and how one of our machines runs one of them. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VirtualClock } from '../base/index.js';
import { createMachine, type MachineConfig, parseImage, VirtualScheduler, VmmError } from '../vmm/index.js';
import { timeNs } from './clock.js';

export type Xlen = 32 | 64;

/** `work` counts for the geometric means; `system` measures one mechanism and is shown beside. */
export type ProgramKind = 'work' | 'system';

export interface Program {
  readonly name: string;
  readonly kind: ProgramKind;
  readonly xlens: readonly Xlen[];
}

const BOTH: readonly Xlen[] = [32, 64];

/** The sources are `guests/bench/NAME.c`. */
export const PROGRAMS: readonly Program[] = [
  ...['list', 'state', 'crc16', 'sha256', 'quicksort', 'sieve', 'memcpy', 'fib', 'bytecode'].map(
    (name): Program => ({ name, kind: 'work', xlens: BOTH }),
  ),
  // Without hardware for doubles these would be integer programs again.
  { name: 'matrix', kind: 'work', xlens: [64] },
  { name: 'fft', kind: 'work', xlens: [64] },
  ...['trap', 'csr', 'uart', 'fencei'].map((name): Program => ({ name, kind: 'system', xlens: BOTH })),
];

/** Every engine there may be; a build that lacks one says so. */
export const ENGINES: readonly string[] = ['interpreter', 'translator'];

/** The guest that only ends: what starting and ending costs. */
export const EMPTY = 'empty';

/** Longer than any program takes at the machine's 100 MHz. */
const HORIZON_NS = 3600e9;

export function elfPath(name: string, xlen: Xlen): string {
  return fileURLToPath(new URL(`../../guests/bench/rv${xlen}/${name}.elf`, import.meta.url));
}

export interface EngineRun {
  readonly seconds: number;
  readonly instructions: number;
}

/** A machine of `engine` with one of the programs, ready to run. Throws what `createMachine` throws. */
export function prepare(engine: string, name: string, xlen: Xlen) {
  const clock = new VirtualClock();
  const scheduler = new VirtualScheduler(clock);
  let output = '';
  const machine = createMachine({
    name,
    // A name that this build does not know is refused there, which is how a contender is found to be missing.
    engine: engine as MachineConfig['engine'],
    image: parseImage(readFileSync(elfPath(name, xlen)), `rv${xlen}/${name}.elf`),
    clock,
    onConsole: (byte) => {
      output += String.fromCharCode(byte);
    },
  });
  scheduler.add(machine);
  return { machine, scheduler, output: () => output };
}

/** Builds the machine anew, then times its run to the end. Throws when the program does not say that its result is right. */
export function runOnEngine(engine: string, name: string, xlen: Xlen): EngineRun {
  const { machine, scheduler, output } = prepare(engine, name, xlen);
  const seconds = timeNs(() => scheduler.runUntil(HORIZON_NS)) / 1e9;
  if (machine.end?.kind !== 'pass' || !output().startsWith(`${name} ok `)) {
    throw new Error(
      `${name} on RV${xlen} ${engine} did not end well: ${machine.end?.sentence ?? 'no end'} ${output().trim()}`,
    );
  }
  return { seconds, instructions: machine.instret };
}

const PROBE = fileURLToPath(new URL('engine-probe.js', import.meta.url));

/**
 * The same in a process of its own, as QEMU starts in one: nothing that V8 has learnt or compiled in an earlier run helps.
 * The start of Node.js itself is not counted.
 */
export function runInProcess(engine: string, name: string, xlen: Xlen): EngineRun {
  const done = spawnSync(process.execPath, [PROBE, engine, name, String(xlen)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${name} on RV${xlen} ${engine} failed: ${done.stderr.trim()}`);
  return JSON.parse(done.stdout) as EngineRun;
}

/** Why this build has no such engine for this width; undefined when it has. */
export function whyMissing(engine: string, xlen: Xlen): string | undefined {
  try {
    prepare(engine, EMPTY, xlen);
    return undefined;
  } catch (error) {
    if (error instanceof VmmError && (error.code === 'VMM_CONFIG' || error.code === 'VMM_IMAGE')) return error.message;
    throw error;
  }
}
