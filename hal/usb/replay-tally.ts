/** Counts of a USB replay, and the report made of them. */

import { TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { UsbCursor, type UsbRecording } from '../trace/usb-cursor.js';
import { USB_EVENT } from '../trace/usb-record.js';
import type { UsbDivergence, UsbDivergenceReport, UsbReplayPolicy } from './replay-divergence.js';
import type { ReplayWindow } from './replay-window.js';

const MOST_SUBSTITUTIONS = 16;

export class ReplayTally {
  submitted = 0;
  matched = 0;
  beyondEnd = 0;
  /** Differences that took the place of what was recorded. */
  replaced = 0;
  #differences = 0;
  #substituted = 0;
  #first: UsbDivergence | undefined;
  readonly #substitutions: UsbDivergence[] = [];

  differ(found: UsbDivergence): void {
    this.#differences++;
    this.#first ??= found;
  }

  substitute(found: UsbDivergence): void {
    this.#substituted++;
    if (this.#substitutions.length < MOST_SUBSTITUTIONS) this.#substitutions.push(found);
  }

  /** `recorded`: submissions in the recording. */
  report(policy: UsbReplayPolicy, window: ReplayWindow, recorded: number): UsbDivergenceReport {
    const { submitted, matched, beyondEnd } = this;
    const consumed = matched + window.skipped + this.replaced;
    const unconsumed = Math.max(0, recorded - consumed);
    const rest = unconsumed === 0 ? 'nothing recorded is left' : `${unconsumed} recorded URBs are left`;
    const told = `${matched} of ${submitted} submissions are as recorded, ${rest}`;
    return {
      policy,
      submitted,
      matched,
      differences: this.#differences,
      substituted: this.#substituted,
      beyondEnd,
      first: this.#first,
      substitutions: [...this.#substitutions],
      skipped: window.skipped,
      unconsumed,
      expected: window.expected(),
      orphans: window.orphans,
      isochronous: window.isochronous,
      message: this.#first === undefined ? told : `${this.#first.message}; ${told}`,
    };
  }
}

/** Submissions of the device in the whole recording; what lies behind damage is not counted. */
export function countSubmissions(recording: UsbRecording): number {
  const cursor = new UsbCursor(recording);
  let count = 0;
  try {
    while (cursor.next()) {
      const { record } = cursor;
      const isFirst = record.transferType !== TRANSFER_TYPE.control || record.hasSetup;
      if (cursor.note === '' && record.event === USB_EVENT.submit && isFirst) count++;
    }
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
  }
  cursor.close();
  return count;
}
