/** Runs an image on an engine of ours, with nothing but RAM and the signal register round it. */

import type { Random } from '../../base/index.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import type { CreateVcpu } from '../cpu/suite/vcpu-bench.js';
import type { Vcpu } from '../cpu/vcpu.js';
import type { ProgramImage } from './image-builder.js';
import { IMAGE_BASE, SIGNAL, SIGNAL_GPA } from './image-layout.js';

/** An engine under test. */
export interface Engine {
  readonly name: string;
  readonly xlen: 32 | 64;
  readonly create: CreateVcpu;
}

export interface EngineResult {
  /** RAM from `IMAGE_BASE`. */
  readonly ram: Uint8Array;
  /** `instret` at the signal of each program. */
  readonly instret: readonly number[];
}

/** Far more than any program needs: what does not end by then does not end. */
const PROGRAM_LIMIT = 1_000_000;

/** How far the next `run` goes; whole by default. */
export type Slicing = (instret: number) => number;

/** Runs are cut at random, mostly after a few instructions, so that an engine has to stop anywhere. */
export function randomSlices(random: Random): Slicing {
  return (instret) => instret + 1 + random.below(2 ** (1 + random.below(8)));
}

/** Throws an `Error` that names the program at which the engine stopped making sense. */
export function runOnEngine(image: ProgramImage, engine: Engine, slicing?: Slicing): EngineResult {
  const memory = new GuestMemory(image.bytes.length, IMAGE_BASE);
  memory.write(IMAGE_BASE, image.bytes);
  const vcpu = engine.create({ memory, host: { readTime: (instret) => instret }, hypercalls: false });
  vcpu.reset(IMAGE_BASE, 0, 0);
  const instret: number[] = [];
  const fail = (what: string): never => {
    throw new Error(`${engine.name} ${what} at program ${image.programs[instret.length]?.seed} of RV${image.xlen}.`);
  };
  for (;;) {
    const end = (instret.at(-1) ?? 0) + PROGRAM_LIMIT;
    const until = slicing === undefined ? end : Math.min(end, slicing(vcpu.instret));
    const exit = vcpu.run(until);
    if (exit.reason === 'until' && vcpu.instret >= end) fail(`retired ${PROGRAM_LIMIT} instructions without an end`);
    if (exit.reason === 'lockup') fail(`locked up with pc 0x${vcpu.readPc().toString(16)}`);
    if (exit.reason === 'mmio-write' && exit.gpa === SIGNAL_GPA) {
      const isEnd = exit.value === SIGNAL.imageEnded;
      vcpu.completeMmioWrite();
      if (isEnd) break;
      instret.push(vcpu.instret);
    } else {
      answer(vcpu, exit.reason);
    }
  }
  return { ram: memory.read(IMAGE_BASE, image.bytes.length), instret };
}

/** Nothing else is on the bus. */
function answer(vcpu: Vcpu, reason: string): void {
  if (reason === 'mmio-read' || reason === 'mmio-write') vcpu.completeAccessFault();
  else if (reason === 'hypercall') throw new Error('Hypercalls are off, but the engine made one.');
}
