/** What a run brought, as plain data that crosses from the process of its cell, and back. */

import { type ArrivalColumns, arrivalsOf } from '../metrics/arrivals.js';
import type { StopReason, WireRun } from '../run/run-types.js';
import { classify, type ErrorRecord } from '../verdict/verdict.js';
import type { RunEvidence } from '../wiring/run-result.js';

/** Structured-clone data. Runs on real devices have neither a simulator's truth nor its scans. */
export type PlainEvidence = Omit<RunEvidence, 'wire' | 'stop' | 'truth' | 'scans'> & {
  readonly wire: Omit<WireRun, 'arrivals'> & { readonly arrivals: ArrivalColumns };
  readonly stop: Omit<StopReason, 'cause'> & { readonly cause?: ErrorRecord };
};

export function toPlain({ wire, stop, truth: _truth, scans: _scans, ...rest }: RunEvidence): PlainEvidence {
  const { cause, ...reason } = stop;
  return {
    ...rest,
    wire: { ...wire, arrivals: wire.arrivals.columns() },
    stop: cause === undefined ? reason : { ...reason, cause: classify(cause).error },
  };
}

export function fromPlain({ wire, stop, ...rest }: PlainEvidence): RunEvidence {
  const { cause, ...reason } = stop;
  return {
    ...rest,
    wire: { ...wire, arrivals: arrivalsOf(wire.arrivals) },
    stop: cause === undefined ? reason : { ...reason, cause: new ForeignError(cause) },
  };
}

/** An error of another process, with the code and layer it had there. */
export class ForeignError extends Error {
  readonly layer: ErrorRecord['layer'];
  readonly code: string;
  readonly where: string | undefined;
  readonly hint: string | undefined;

  constructor(record: ErrorRecord) {
    super(record.message);
    this.layer = record.layer;
    this.code = record.code;
    this.where = record.where;
    this.hint = record.hint;
    if (record.stack !== undefined) this.stack = record.stack;
  }
}
