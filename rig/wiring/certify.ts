/** Certification: every guest of a finished run is run again from the journal in its trace, and must do the same. */

import { createHash } from 'node:crypto';
import { openTrace, type TraceFile, upperPayloadOffset } from '../../hal/index.js';
import { type GuestImage, type ReplayResult, replayJournal } from '../../vmm/index.js';
import type { Certification } from '../run/run-types.js';

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
export function replayGuests(tracePath: string, image: GuestImage, names?: readonly string[]): CertifiedGuest[] {
  const trace = openTrace(tracePath);
  return (names ?? journalledGuests(trace)).map((name) => ({
    name,
    replay: replayJournal({ image }, journalChunks(trace, `journal ${name}`)),
  }));
}

/** One verdict over all guests; the first that differs is named. */
export function judge(guests: readonly CertifiedGuest[]): Certification {
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
  return { certified: false, sentence: `${bad.name}: ${whyNot(bad.replay)}`, ...digests };
}

function whyNot(replay: ReplayResult): string {
  if (replay.divergence !== undefined) return replay.divergence.sentence;
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
