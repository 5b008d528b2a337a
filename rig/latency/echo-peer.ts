/** Starts the process that plays the device of a latency measurement. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RigError } from '../errors.js';

export interface PeerOrder {
  readonly exchanges: number;
  /** Least and greatest pause between an echo and the next character. */
  readonly gapMs: readonly [number, number];
  readonly seed: string;
  /** How long the other end may take until it echoes for the first time. */
  readonly answerMs: number;
}

export type PeerReport =
  | { readonly kind: 'ready'; readonly path: string }
  /** Nobody answered. */
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'measured';
      /** From before the character was written to after its echo was read. */
      readonly roundTripNs: Float64Array;
      /** When each character was about to be written: nanoseconds of `CLOCK_MONOTONIC`. */
      readonly sentNs: Float64Array;
      readonly lost: number;
      /** Echoes of another character. */
      readonly wrong: number;
    };

export type Measured = Extract<PeerReport, { kind: 'measured' }>;

export class EchoPeer {
  readonly #child: ChildProcess;
  readonly path: string;

  private constructor(child: ChildProcess, path: string) {
    this.#child = child;
    this.path = path;
  }

  static async start(): Promise<EchoPeer> {
    const child = fork(fileURLToPath(new URL('./echo-peer-main.js', import.meta.url)), [], {
      serialization: 'advanced',
      execArgv: [],
    });
    const report = await nextReport(child);
    if (report.kind !== 'ready') throw new RigError('RIG_INTERNAL', `the echo peer began with "${report.kind}"`);
    return new EchoPeer(child, report.path);
  }

  /** Resolves when every character has been sent; once. */
  async measure(order: PeerOrder): Promise<Measured> {
    const reported = nextReport(this.#child);
    this.#child.send(order);
    const report = await reported;
    if (report.kind === 'measured') return report;
    throw new RigError('RIG_TIMEOUT', `nothing was echoed within ${order.answerMs / 1000} s`, {
      where: this.path,
      hint: 'see in the trace of the run what its guest did',
    });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

function nextReport(child: ChildProcess): Promise<PeerReport> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void =>
      reject(new RigError('RIG_INTERNAL', `the echo peer ended with ${signal ?? `exit code ${code}`}`));
    child.once('exit', ended);
    child.once('message', (report: PeerReport) => {
      child.off('exit', ended);
      resolve(report);
    });
  });
}
