/** The fixture of one cell: performs the runs a plan asks for, keeps what it attaches, and tears down in reverse. */

import { writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { RigError } from '../errors.js';
import { loadGuest } from '../guest-manifest.js';
import { findRecording } from '../paths.js';
import { consoleFileName, detailRun } from '../report/run-detail.js';
import { summarizeRun } from '../report/run-summary.js';
import type {
  Companion,
  RunLimits,
  RunRequest,
  RunResult,
  RunSchedule,
  SimulatorOverrides,
  StopReason,
} from '../run/run-types.js';
import { currentEvidence } from '../verdict/evidence.js';
import type { CellRecord } from '../verdict/records.js';
import { classify } from '../verdict/verdict.js';
import { RunView } from '../view/run-view.js';
import { ensureFolder, type SessionContext } from './context.js';
import { withDeadline } from './deadline.js';
import { cellSlug, type PlannedCell } from './matrix.js';
import { parseDurationNs, type TimeText } from './quantity.js';
import { stableJson } from './stable-json.js';

export interface RunOptions {
  /** On the clock of the binding: virtual with `sim` and `replay`, wall with `real`. A shorter recording ends earlier. */
  readonly for: TimeText;
  /** Over the plan's; the seed of the command line goes before both. */
  readonly seed?: string;
  readonly simulator?: SimulatorOverrides;
  /** What the guest finds in `/chosen/bootargs`; the guest's page says which settings it knows. */
  readonly bootargs?: string;
  readonly faults?: Readonly<Record<string, unknown>>;
  /** How many guests share the device (hosted). */
  readonly guests?: number;
  /** A guest of another image beside the first, without a device, joined to it by shared memory; `run.guest(1)` is its view. */
  readonly companion?: Companion;
  /** Interrupts whose latency is measured: `run.interrupt(NAME).latency`. */
  readonly interrupts?: readonly string[];
  /** Windows of the guest and its companion on one core: partitioned, with `real`. */
  readonly schedule?: RunSchedule;
  readonly limits?: RunLimits;
  /** Ways to end that are not an error here, beside `duration` and `trace-ended`. */
  readonly mayEndBy?: readonly StopReason['kind'][];
  /** `report`: an uncertified run is shown and is not an error by itself. Default `require`. */
  readonly certification?: 'require' | 'report';
}

/** Releases something; may be asynchronous. */
export type Release = () => void | Promise<void>;

const TEAR_DOWN_MS = 10_000;
/** What a run may take beyond its limit before the rig stops waiting for it. */
const GRACE_MS = 10_000;

export class Bench {
  readonly #runs = new Map<string, Promise<RunView>>();
  readonly #releases: { readonly name: string; readonly release: Release }[] = [];
  readonly #folder: string;
  #count = 0;

  constructor(
    readonly planned: PlannedCell,
    private readonly guest: string,
    private readonly seed: string,
    private readonly context: SessionContext,
    private readonly record: CellRecord,
  ) {
    this.#folder = join(context.outDir, 'runs', cellSlug(planned.cell));
  }

  /** Performs a run, or hands back the one already made with the same options in this cell. */
  run(options: RunOptions): Promise<RunView> {
    const key = stableJson(options);
    let run = this.#runs.get(key);
    if (run === undefined) {
      run = this.#perform(options);
      this.#runs.set(key, run);
    }
    return run;
  }

  /** Keeps `content` as a file of the running test, shown in the reports. */
  attach(name: string, content: string | Uint8Array): void {
    const evidence = currentEvidence();
    const file = `${this.record.tests.length + 1}-${basename(name)}`;
    const path = join(this.#folder, 'attachments', file);
    ensureFolder(join(this.#folder, 'attachments'));
    writeFileSync(path, content);
    evidence?.attachments.push({ name, path: relative(this.context.outDir, path).replaceAll('\\', '/') });
  }

  note(text: string): void {
    currentEvidence()?.notes.push(text);
  }

  defer(name: string, release: Release): void {
    this.#releases.push({ name, release });
  }

  /** Releases in reverse order, each within 10 s; one that fails is recorded and does not keep the others. */
  async tearDown(): Promise<void> {
    for (let item = this.#releases.pop(); item !== undefined; item = this.#releases.pop()) {
      const { name, release } = item;
      try {
        const late = () =>
          new RigError('RIG_TIMEOUT', `the tear-down of "${name}" took longer than ${TEAR_DOWN_MS / 1000} s`);
        await withDeadline(async () => release(), TEAR_DOWN_MS, late);
      } catch (thrown) {
        // What failed is the rig's own clean-up, whatever class was thrown: a deadline here says nothing about the product.
        this.record.failures.push({
          during: `tear-down of "${name}"`,
          verdict: 'ERROR',
          error: classify(thrown).error,
        });
      }
    }
  }

  async #perform(options: RunOptions): Promise<RunView> {
    const request = this.#request(options);
    const { cell } = this.planned;
    this.context.emit({ kind: 'run-begins', cell, asked: options.for });
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    this.context.abort.addEventListener('abort', abort);
    if (this.context.abort.aborted) stop.abort();
    const wallMs = request.limits?.wallMs ?? this.context.timeoutMs;
    try {
      const executor = await this.context.executor();
      const late = (): RigError => {
        stop.abort();
        return new RigError('RIG_TIMEOUT', `the run did not end within ${(wallMs + GRACE_MS) / 1000} s of host time`);
      };
      const result = await withDeadline(
        () => executor.execute({ ...request, abort: stop.signal }),
        wallMs + GRACE_MS,
        late,
      );
      this.#keep(result, options, request);
      refuseBadEnd(result, options, request.durationNs);
      return new RunView(result, 0, declaredChannels(this.guest));
    } finally {
      this.context.abort.removeEventListener('abort', abort);
    }
  }

  #request(options: RunOptions): RunRequest {
    const { cell, recordingPath } = this.planned;
    const durationNs = parseDurationNs(options.for);
    if (durationNs === 0)
      throw new RigError('RIG_PLAN', `a run for '${options.for}' lasts for nothing`, {
        where: 'for',
        hint: `say how long it lasts, for example for: '60 s'`,
      });
    const outDir = join(this.#folder, `run-${++this.#count}`);
    ensureFolder(outDir);
    return {
      cell,
      guest: this.guest,
      durationNs,
      seed: this.context.seed ?? options.seed ?? this.seed,
      outDir,
      ...(options.simulator === undefined ? {} : { simulator: options.simulator }),
      ...(options.bootargs === undefined ? {} : { bootargs: options.bootargs }),
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      ...(options.companion === undefined ? {} : { companion: options.companion }),
      ...(options.interrupts === undefined ? {} : { interrupts: options.interrupts }),
      ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
      ...(options.guests === undefined ? {} : { guests: options.guests }),
      ...(cell.binding === 'replay' ? { replayPath: this.#recording(recordingPath) } : {}),
      ...(cell.binding === 'real' && this.context.port !== undefined ? { port: this.context.port } : {}),
      ...(this.context.realTime === undefined ? {} : { realTime: this.context.realTime }),
      limits: { wallMs: this.context.timeoutMs, ...options.limits },
      progress: (progress) => this.context.emit({ kind: 'run-progress', cell, progress }),
    };
  }

  #recording(path: string | undefined): string {
    if (path !== undefined) return findRecording(path);
    throw new RigError('RIG_INPUT_MISSING', `the plan "${this.planned.cell.plan}" names no recording to replay`, {
      hint: 'give one with --recording FILE',
    });
  }

  #keep(result: RunResult, options: RunOptions, request: RunRequest): void {
    this.record.runs.push(summarizeRun(result, { ...options }, request.seed));
    this.record.details.push(detailRun(result, { outDir: this.context.outDir, runDir: request.outDir }));
    result.guests.forEach((guest, index) => {
      if (guest.console !== '') writeFileSync(join(request.outDir, consoleFileName(index)), guest.console);
    });
  }
}

/** Channels by the manifest; none where an executor made the run without a guest on disk. */
function declaredChannels(guest: string): string[] {
  try {
    return loadGuest(guest).manifest.channels.map((channel) => channel.name);
  } catch (thrown) {
    if (thrown instanceof RigError) return [];
    throw thrown;
  }
}

/** Turns an end that leaves the evidence incomplete into the error it stands for. */
function refuseBadEnd(result: RunResult, options: RunOptions, askedNs: number): void {
  const { stop, certification } = result;
  if (!options.mayEndBy?.includes(stop.kind)) {
    const details = { ...(stop.cause === undefined ? {} : { cause: stop.cause }) };
    if (stop.kind === 'aborted') throw new RigError('RIG_ABORTED', stop.sentence, details);
    if (stop.kind === 'device-lost') throw new RigError('RIG_DEVICE_LOST', stop.sentence, details);
    if (stop.kind === 'limit') {
      const hint = 'raise the limit, or see in the trace and the console what the guest did';
      throw new RigError(stop.limit === 'wall' ? 'RIG_TIMEOUT' : 'RIG_GUEST_ENDLESS', stop.sentence, { hint });
    }
    if (stop.kind === 'guest-finished' && (stop.code ?? 0) !== 0) throw new GuestFailed(stop.sentence);
    if (stop.kind === 'guest-finished' && result.durationNs < askedNs)
      throw new RigError(
        'RIG_GUEST_FAILED',
        `the guest finished after ${result.durationNs / 1e9} s of the ${askedNs / 1e9} s asked for: ${stop.sentence}`,
        { hint: `where a plan wants that, give the run mayEndBy: ['guest-finished']` },
      );
  }
  if (!certification.certified && (options.certification ?? 'require') === 'require')
    throw new RigError('RIG_NOT_CERTIFIED', certification.sentence, {
      hint: 'the replay of this run from its own journal differs, so its numbers cannot be trusted; keep the trace',
    });
}

/** The guest itself says that it failed: a failure of what is tested, not of the rig. */
class GuestFailed extends Error {
  // Verdicts go by the name, so that this counts as a failed assertion.
  override readonly name = 'AssertionError';
}
