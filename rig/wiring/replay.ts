/** Replays a trace: a run exactly, from its journal; or a recorded device to a guest, in virtual time. */

import { basename, extname, join } from 'node:path';
import { LINK_TYPE, type TraceFile, type TraceInfo } from '../../hal/index.js';
import { type GuestImage, VmmError } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import { DEFAULT_ENGINE } from '../run/run-types.js';
import type { ReplayRequest, ReplayResult } from '../run/services.js';
import { type CertifiedGuest, hasJournalBegun, journalledGuests, judge, replayGuests } from './certify.js';
import { createExecutor, findProfile } from './executor.js';
import { type OpenGuest, openGuest } from './open-guest.js';
import { looksLikeLog, openRecording } from './recording.js';
import { COMPANION } from './run-assembly.js';
import { imageSha256, type RunManifest, recordingManifestSchema, runManifestSchema } from './run-manifest.js';
import { DRAIN_NS, hostedFrontend } from './run-source.js';
import { openInput } from './trace-files.js';

/** Guest that hears a recording when nothing names another. */
const DEFAULT_GUEST = 'gnss-logger';
const DEFAULT_PROFILE = 'gnss-nmea-1hz';

/**
 * Exactly where the trace holds a guest's journal, through a guest where it holds a device alone. A trace that was cut off
 * is replayed as far as it goes. Rejects with `RIG_INPUT_MISSING`, `HAL_TRACE`, `VMM_JOURNAL`, `RIG_GUEST`, `RIG_ABORTED`.
 */
export async function replay(request: ReplayRequest): Promise<ReplayResult> {
  if (looksLikeLog(request.tracePath)) return replayDevice(request, undefined);
  const trace = openInput(request.tracePath);
  const manifest = runManifestSchema.safeParse(trace.manifest);
  if (manifest.success) {
    const guests = journalledGuests(trace).filter((name) => hasJournalBegun(trace, name));
    if (guests.length > 0) return replayRun(request, manifest.data, trace, guests);
  }
  const serial = trace.interfaces.some((described) => described.linkType === LINK_TYPE.rtacSerial);
  // Killed before it had described its first device: a recording of ours, whole and empty.
  if (!serial && trace.clock !== undefined) return nothingRecorded(trace);
  return replayDevice(request, trace);
}

function nothingRecorded(trace: TraceFile): ReplayResult {
  return {
    kind: 'device',
    certified: false,
    diverged: false,
    reports: 0,
    sentence: `${trace.path} was cut off before anything was recorded, so there is nothing to replay`,
    outputDigest: 'none',
    instret: 0,
    truncated: true,
  };
}

function replayRun(
  request: ReplayRequest,
  manifest: RunManifest,
  trace: TraceFile,
  names: readonly string[],
): ReplayResult {
  const guest = openGuest(request.guest ?? manifest.guest);
  refuseOtherImage(guest, manifest, request.tracePath);
  const companion = manifest.companion === undefined ? guest : openGuest(manifest.companion.guest);
  if (manifest.companion !== undefined) refuseOtherImage(companion, manifest.companion, request.tracePath);
  const truncated = wasCut(trace.info());
  const imageOf = (name: string): GuestImage => (name === COMPANION ? companion : guest).image;
  const guests = replayGuests(request.tracePath, imageOf, truncated ? names : undefined);
  const certification = judge(guests);
  const cut = guests.some(({ replay: { complete, divergence } }) => !complete && divergence === undefined);
  return {
    kind: 'journal',
    certified: certification.certified,
    diverged: guests.some(differs),
    sentence: cut && !guests.some(differs) ? cutSentence(guests) : certification.sentence,
    outputDigest: certification.outputDigest,
    instret: certification.instret,
    reports: guests.reduce((sum, { replay: { reports } }) => sum + reports.length, 0),
    truncated: truncated || cut,
  };
}

/** A recording that came to its end has a summary; that of another program need not. */
function wasCut(info: TraceInfo): boolean {
  return info.truncatedAt !== undefined || (info.clock !== undefined && info.summaryText === undefined);
}

function differs({ replay: result }: CertifiedGuest): boolean {
  return result.divergence !== undefined || (result.complete && !result.identical);
}

function cutSentence(guests: readonly CertifiedGuest[]): string {
  const instret = guests.reduce((sum, { replay: result }) => sum + result.instret, 0);
  return `the recording was cut off; what it holds ran again without a difference, ${instret} instructions`;
}

function refuseOtherImage(
  guest: OpenGuest,
  manifest: Pick<RunManifest, 'guest' | 'imageSha256'>,
  tracePath: string,
): void {
  if (imageSha256(guest.bytes) === manifest.imageSha256) return;
  throw new VmmError('VMM_JOURNAL', `the trace was made with another build of "${manifest.guest}" than the one here`, {
    where: tracePath,
    hint: 'give the image it was made with by --guest FILE.elf',
  });
}

interface Played {
  readonly profile: string;
  readonly guest: string;
  readonly bootargs: string | undefined;
}

/** What the caller names, else what the trace was made with. */
function playedWith(request: ReplayRequest, trace: TraceFile | undefined): Played {
  const run = runManifestSchema.safeParse(trace?.manifest);
  const recording = recordingManifestSchema.safeParse(trace?.manifest);
  const profile = run.success ? run.data.cell.profile : recording.success ? recording.data.profile : DEFAULT_PROFILE;
  return {
    profile: request.profile ?? profile,
    guest: request.guest ?? (run.success ? run.data.guest : DEFAULT_GUEST),
    bootargs: run.success ? run.data.bootargs : undefined,
  };
}

async function replayDevice(request: ReplayRequest, trace: TraceFile | undefined): Promise<ReplayResult> {
  const { profile, guest, bootargs } = playedWith(request, trace);
  const stem = basename(request.tracePath, extname(request.tracePath));
  // Named after the input, so that a replay into the folder of its trace cannot overwrite it.
  const recording = openRecording(request.tracePath, join(request.outDir, `${stem}.imported.pcapng`));
  const played = openInput(recording.path);
  const info = played.info();
  const lastNs = Math.max(played.startNs, ...info.interfaces.map((totals) => totals.lastNs));
  const run = await createExecutor().execute({
    cell: {
      plan: 'replay',
      profile,
      binding: 'replay',
      architecture: 'hosted',
      frontend: hostedFrontend(findProfile(profile)),
      engine: DEFAULT_ENGINE,
    },
    guest,
    durationNs: lastNs - played.startNs + 2 * DRAIN_NS,
    seed: '1',
    ...(bootargs === undefined ? {} : { bootargs }),
    outDir: request.outDir,
    traceName: `${stem}.replay.pcapng`,
    replayPath: recording.path,
    ...(request.abort === undefined ? {} : { abort: request.abort }),
    ...(request.progress === undefined ? {} : { progress: request.progress }),
  });
  if (run.stop.kind === 'aborted') throw new RigError('RIG_ABORTED', run.stop.sentence);
  const reports = run.guests.reduce((sum, { reports: made }) => sum + made.length, 0);
  const truncated = wasCut(info);
  const cut = truncated ? ' (the recording was cut off)' : '';
  return {
    kind: 'device',
    certified: run.certification.certified,
    diverged: !run.certification.certified,
    sentence: `${run.wire.received} characters played to ${guest}, ${reports} reports${cut}; ${run.certification.sentence}`,
    outputDigest: run.certification.outputDigest,
    instret: run.certification.instret,
    reports,
    truncated,
  };
}
