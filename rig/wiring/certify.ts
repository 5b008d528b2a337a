/** Certification: every guest of a finished run is run again from the journal in its trace, and must do the same. */

import { createHash } from 'node:crypto';
import { openTrace, type TraceFile, upperPayloadOffset } from '../../hal/index.js';
import { type GuestImage, type ReplayResult, replayJournal } from '../../vmm/index.js';
import { type Certification, DEFAULT_ENGINE, type Engine } from '../run/run-types.js';
import { hostMs, nextTurn } from './host-time.js';

/** Payloads of the interface named `name`, one journal chunk each; the file is read as chunks are asked for. */
export function* journalChunks(trace: TraceFile, name: string): Generator<Uint8Array, void, undefined> {
  const wanted = trace.interfaces.find((described) => described.name === name);
  if (wanted === undefined) return;
  for (const packet of trace.packets()) {
    if (packet.interfaceIndex !== wanted.index) continue;
    const skip = upperPayloadOffset(packet.bytes, packet.offset, packet.length);
    if (skip < 0) continue;
    yield packet.bytes.slice(packet.offset + skip, packet.offset + packet.length);
  }
}

/** Names of the guests whose journals the trace holds. */
export function journalledGuests(trace: TraceFile): string[] {
  return trace.interfaces
    .filter((described) => described.name.startsWith('journal '))
    .map((described) => described.name.slice('journal '.length));
}

/** The image of every guest, or of each by its name. */
export type ImageOf = GuestImage | ((guest: string) => GuestImage);

function imageOf(image: ImageOf, name: string): GuestImage {
  return typeof image === 'function' ? image(name) : image;
}

export interface CertifiedGuest {
  readonly name: string;
  readonly replay: ReplayResult;
}

/** Whether the guest's journal has a first chunk: a recording that was killed early may have described it and no more. */
export function hasJournalBegun(trace: TraceFile, guest: string): boolean {
  for (const _ of journalChunks(trace, `journal ${guest}`)) return true;
  return false;
}

/** Runs every guest of the trace again; only those of `names` when given. */
export function replayGuests(tracePath: string, image: ImageOf, names?: readonly string[]): CertifiedGuest[] {
  const trace = openTrace(tracePath);
  return (names ?? journalledGuests(trace)).map((name) =>
    replayGuest(trace, imageOf(image, name), name, DEFAULT_ENGINE),
  );
}

function replayGuest(
  trace: TraceFile,
  image: GuestImage,
  name: string,
  engine: Engine,
  shouldStop?: () => boolean,
): CertifiedGuest {
  const config = shouldStop === undefined ? { image, engine } : { image, engine, shouldStop };
  return { name, replay: replayJournal(config, journalChunks(trace, `journal ${name}`)) };
}

/** Least host time that certification may take, however little the run may. */
const LEAST_CERTIFICATION_MS = 30_000;

/** Milliseconds of host time in which a run must be certified; a run without a limit has none here either. */
export function certificationMs(wallMs: number | undefined): number {
  return Math.max(LEAST_CERTIFICATION_MS, wallMs ?? Number.POSITIVE_INFINITY);
}

/**
 * Runs every guest of the trace, or of all of them, again, with another engine than the one that `ran` it, so that an engine's mistake does
 * not certify itself; within `mostMs` of host time by `nowMs`, longer is not certified. The event loop gets a turn between
 * guests, so that signals are seen.
 */
export async function certify(
  tracePaths: string | readonly string[],
  image: ImageOf,
  ran: Engine,
  mostMs: number,
  nowMs: () => number = hostMs,
): Promise<Certification> {
  const endMs = nowMs() + mostMs;
  const guests: CertifiedGuest[] = [];
  for (const tracePath of [tracePaths].flat()) {
    const trace = openTrace(tracePath);
    for (const name of journalledGuests(trace)) {
      const guest = replayGuest(trace, imageOf(image, name), name, otherEngine(ran), () => nowMs() > endMs);
      guests.push(guest);
      if (guest.replay.stopped) return judge(guests, mostMs);
      await nextTurn();
    }
  }
  return judge(guests, mostMs);
}

function otherEngine(engine: Engine): Engine {
  return engine === 'interpreter' ? 'translator' : 'interpreter';
}

/** One verdict over all guests; the first that differs is named. `mostMs` is what a stopped replay was allowed. */
export function judge(guests: readonly CertifiedGuest[], mostMs = Number.POSITIVE_INFINITY): Certification {
  const instret = guests.reduce((sum, { replay }) => sum + replay.instret, 0);
  const digests = {
    outputDigest: joint(guests.map(({ replay }) => replay.outputDigest)),
    ramDigest: joint(guests.map(({ replay }) => replay.ramDigest)),
    instret,
  };
  if (guests.length === 0)
    return { certified: false, sentence: 'the trace holds no journal, so there is nothing to run again', ...digests };
  const bad = guests.find(({ replay }) => !replay.identical);
  if (bad === undefined) {
    const entries = guests.reduce((sum, { replay }) => sum + replay.entries, 0);
    return {
      certified: true,
      sentence: `run again from ${entries} journal entries: same output, memory and ${instret} instructions`,
      ...digests,
    };
  }
  return { certified: false, sentence: `${bad.name}: ${whyNot(bad.replay, mostMs)}`, ...digests };
}

function whyNot(replay: ReplayResult, mostMs: number): string {
  if (replay.divergence !== undefined) return replay.divergence.sentence;
  if (replay.stopped)
    return `the replay took longer than ${mostMs / 1000} s of host time and was stopped at instruction ${replay.instret}`;
  if (!replay.complete) return `the journal stops at instruction ${replay.instret}, before the run ended`;
  const { recorded } = replay;
  if (recorded?.outputDigest !== replay.outputDigest) return 'the output of the run and of its replay differ';
  if (recorded.ramDigest !== replay.ramDigest) return 'the memory at the end of the run and of its replay differ';
  return 'the registers at the end of the run and of its replay differ';
}

function joint(digests: readonly string[]): string {
  if (digests.length === 1) return digests[0];
  return createHash('sha256').update(digests.join('\n')).digest('hex');
}
