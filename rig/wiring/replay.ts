/** Replays a trace: a run exactly, from its journal; or a recorded device to a guest, in virtual time. */

import { openTrace, type TraceFile, traceInfo } from '../../hal/index.js';
import { VmmError } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { RunExecutor } from '../run/run-types.js';
import type { ReplayRequest, ReplayResult } from '../run/services.js';
import { type CertifiedGuest, journalledGuests, judge, replayGuests } from './certify.js';
import { createExecutor, findProfile } from './executor.js';
import { type OpenGuest, openGuest } from './open-guest.js';
import { openRecording } from './recording.js';
import { imageSha256, type RunManifest, runManifestSchema } from './run-manifest.js';
import { DRAIN_NS } from './serial-source.js';

/** Guest that hears a recording when nothing names another. */
const DEFAULT_GUEST = 'gnss-logger';
const DEFAULT_PROFILE = 'gnss-nmea-1hz';

export async function replay(request: ReplayRequest): Promise<ReplayResult> {
  if (request.tracePath.endsWith('.log')) return replayDevice(request, undefined);
  const trace = openTrace(request.tracePath);
  const manifest = runManifestSchema.safeParse(trace.manifest);
  if (manifest.success && journalledGuests(trace).length > 0) return replayRun(request, manifest.data);
  return replayDevice(request, trace);
}

function replayRun(request: ReplayRequest, manifest: RunManifest): ReplayResult {
  const guest = openGuest(request.guest ?? manifest.guest);
  refuseOtherImage(guest, manifest, request.tracePath);
  const guests = replayGuests(request.tracePath, guest.image);
  const { truncatedAt } = traceInfo(request.tracePath);
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
    truncated: truncatedAt !== undefined || cut,
  };
}

function differs({ replay: result }: CertifiedGuest): boolean {
  return result.divergence !== undefined || (result.complete && !result.identical);
}

function cutSentence(guests: readonly CertifiedGuest[]): string {
  const instret = guests.reduce((sum, { replay: result }) => sum + result.instret, 0);
  return `the recording was cut off; what it holds ran again without a difference, ${instret} instructions`;
}

function refuseOtherImage(guest: OpenGuest, manifest: RunManifest, tracePath: string): void {
  if (imageSha256(guest.bytes) === manifest.imageSha256) return;
  throw new VmmError('VMM_JOURNAL', `the trace was made with another build of "${manifest.guest}" than the one here`, {
    where: tracePath,
    hint: 'give the image it was made with by --guest FILE.elf',
  });
}

async function replayDevice(request: ReplayRequest, trace: TraceFile | undefined): Promise<ReplayResult> {
  const manifest = trace?.manifest;
  const named =
    typeof manifest === 'object' && manifest !== null && 'profile' in manifest ? manifest.profile : undefined;
  const profile = request.profile ?? (typeof named === 'string' ? named : DEFAULT_PROFILE);
  findProfile(profile);
  const executor: RunExecutor = createExecutor();
  const recording = openRecording(request.tracePath, `${request.outDir}/imported.pcapng`);
  const played = openTrace(recording.path);
  const info = played.info();
  const lastNs = Math.max(played.startNs, ...info.interfaces.map((totals) => totals.lastNs));
  const run = await executor.execute({
    cell: {
      plan: 'replay',
      profile,
      binding: 'replay',
      architecture: 'hosted',
      frontend: 'emulated',
      engine: 'interpreter',
    },
    guest: request.guest ?? DEFAULT_GUEST,
    durationNs: lastNs - played.startNs + 2 * DRAIN_NS,
    seed: '1',
    outDir: request.outDir,
    replayPath: recording.path,
    ...(request.abort === undefined ? {} : { abort: request.abort }),
    ...(request.progress === undefined ? {} : { progress: request.progress }),
  });
  if (run.stop.kind === 'aborted') throw new RigError('RIG_ABORTED', run.stop.sentence);
  const reports = run.guests.reduce((sum, guest) => sum + guest.reports.length, 0);
  const cut = info.truncatedAt === undefined ? '' : ' (the recording was cut off)';
  return {
    kind: 'device',
    certified: run.certification.certified,
    diverged: !run.certification.certified,
    sentence: `${run.serial.received} characters played to ${request.guest ?? DEFAULT_GUEST}, ${reports} reports${cut}; ${run.certification.sentence}`,
    outputDigest: run.certification.outputDigest,
    instret: run.certification.instret,
    reports,
    truncated: info.truncatedAt !== undefined,
  };
}
