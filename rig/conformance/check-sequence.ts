/** Plays a sequence and checks it as its class of devices asks. */

import { checkAlive, FALSE_START_NS, mayBeFalseStart, type Tally } from './fault-checks.js';
import { checkBulk } from './fault-checks-bulk.js';
import { checkHid } from './fault-checks-hid.js';
import { checkSerial } from './fault-checks-serial.js';
import type { DeviceClass } from './fault-plans.js';
import { type Played, play, type Sequence } from './fault-sequences.js';

const CHECKS: Readonly<Record<DeviceClass, (played: Played, tally: Tally) => void>> = {
  serial: checkSerial,
  hid: checkHid,
  bulk: checkBulk,
};

/** Rejects with the seed, the plan and the first difference. */
export async function checkSequence(deviceClass: DeviceClass, sequence: Sequence, tally: Tally): Promise<Played> {
  try {
    let played = await play(sequence);
    if (mayBeFalseStart(deviceClass, played)) played = await play({ ...sequence, durationNs: FALSE_START_NS });
    checkAlive(deviceClass, played, tally);
    CHECKS[deviceClass](played, tally);
    return played;
  } catch (cause) {
    throw told(sequence, cause);
  }
}

/** `cause` with what is needed to play `sequence` again. */
export function told(sequence: Sequence, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`RIGVISOR_FAULT_SEED='${sequence.seed}': ${message}\n${JSON.stringify(sequence)}`, { cause });
}
