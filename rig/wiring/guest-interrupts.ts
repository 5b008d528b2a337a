/** Interrupts of a run's guest: which are measured, what they waited, and what they can wait at most. */

import {
  INTERRUPT_NAMES,
  type InterruptLog,
  type InterruptName,
  latencyBound,
  readElfSymbols,
} from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { GuestRun, InterruptBound } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import { exitCost } from './exit-cost.js';
import type { OpenGuest } from './open-guest.js';

const NAMES = Object.keys(INTERRUPT_NAMES) as InterruptName[];
/** In the order in which a hart takes those that the kernel serves. */
const ORDER: readonly InterruptName[] = ['external', 'timer', 'doorbell', 'sharedMemory'];
/** A machine's default: 100 million instructions a second. */
const INSTRUCTION_NS = 10;

/** Bits of `mip`; `RIG_PLAN` for a name that is none. */
export function interruptBits(names: readonly string[]): number {
  let bits = 0;
  for (const name of names) {
    const known = NAMES.find((candidate) => candidate === name);
    if (known === undefined)
      throw new RigError('RIG_PLAN', `there is no interrupt named "${name}"`, {
        where: name,
        hint: `choose from: ${NAMES.join(', ')}`,
      });
    bits |= INTERRUPT_NAMES[known];
  }
  return bits;
}

/** What a guest's run tells of its interrupts; nothing where none was measured. */
export function measuredInterrupts(
  interrupts: Pick<InterruptLog, 'of'> | undefined,
  guest: OpenGuest,
  calibration: Calibration | undefined,
): Pick<GuestRun, 'interrupts' | 'interruptBounds'> {
  if (interrupts === undefined) return {};
  const samples: Record<string, Float64Array> = {};
  for (const name of NAMES) {
    const measured = interrupts.of(name);
    if (measured !== undefined) samples[name] = measured.samples;
  }
  return { interrupts: samples, interruptBounds: computedBounds(Object.keys(samples), guest, calibration) };
}

/** Adds to a run in wall time, whose guest is measured, what its interrupts can wait at most in virtual time. */
export function withBounds<E extends { readonly guests: readonly GuestRun[] }>(
  evidence: E,
  guest: OpenGuest,
  calibration: Calibration,
): E {
  const guests = evidence.guests.map((run) => {
    const { interrupts } = run;
    if (interrupts === undefined) return run;
    return { ...run, interruptBounds: computedBounds(Object.keys(interrupts), guest, calibration) };
  });
  return { ...evidence, guests };
}

/** Of those that have one: on the real-time kernel of the SDK alone. */
function computedBounds(
  names: readonly string[],
  guest: OpenGuest,
  calibration: Calibration | undefined,
): Record<string, InterruptBound> {
  const bounds: Record<string, InterruptBound> = {};
  const isKernel = readElfSymbols(guest.bytes, guest.name).some(({ name }) => name === 'rt_vectors');
  if (!isKernel || calibration === undefined) return bounds;
  for (const name of ORDER) if (names.includes(name)) bounds[name] = boundOf(guest, name, calibration);
  return bounds;
}

function boundOf(guest: OpenGuest, name: InterruptName, calibration: Calibration): InterruptBound {
  const cost = exitCost(calibration);
  const number = (of: InterruptName): number => 31 - Math.clz32(INTERRUPT_NAMES[of]);
  return latencyBound({
    image: guest.bytes,
    name: guest.name,
    interrupt: number(name),
    ahead: ORDER.slice(0, ORDER.indexOf(name)).map(number),
    costs: {
      instructionNs: INSTRUCTION_NS,
      accessNs: cost('mmio-write', 'device'),
      hypercallNs: cost('hypercall', undefined),
    },
  });
}
