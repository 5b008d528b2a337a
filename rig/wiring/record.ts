/** Recording: a device alone into a trace, from a real port in wall time or from a simulator in virtual time. */

import { rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { createRandom, VirtualClock, WallClock } from '../../base/index.js';
import {
  createSimulatedPort,
  createSimulator,
  type HalError,
  type SerialPort,
  type SerialProfile,
  type TraceRecorder,
  tapPort,
  traceInfo,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import { DEFAULT_ENGINE, type RunResult } from '../run/run-types.js';
import type { RecordRequest, RecordResult } from '../run/services.js';
import { seconds } from './duration-text.js';
import { createExecutor, findProfile } from './executor.js';
import { hostMs, nextTurn, sleepMs } from './host-time.js';
import { openDevice } from './open-device.js';
import { hostedFrontend, serialProfile } from './run-source.js';
import { createRecorder, refuseExisting } from './trace-files.js';

export const SIMULATED = 'sim:';
const TURN_MS = 50;

/** Counts and drops what arrives: recording needs no guest. */
class Listener {
  characters = 0;
  lost: HalError | undefined;

  receive(): void {
    this.characters++;
  }

  modemStatus(): void {}

  disconnected(error: HalError): void {
    this.lost = error;
  }
}

export async function record(request: RecordRequest): Promise<RecordResult> {
  refuseExisting(request.outPath);
  const simulated = request.port.startsWith(SIMULATED);
  const named = profileName(request, simulated);
  if (request.guest !== undefined) return recordRun(request, request.guest, named, simulated);
  const profile = serialProfile(findProfile(named), 'a recording without a guest');
  return simulated ? recordSimulated(request, profile) : recordReal(request, profile);
}

/** A simulator is made from its profile, so naming it names the profile. */
function profileName(request: RecordRequest, simulated: boolean): string {
  const { port, profile } = request;
  if (!simulated) {
    if (profile !== undefined) return profile;
    throw new RigError('RIG_USAGE', `a recording of ${port} needs the profile of what is behind it`, {
      where: port,
      hint: 'name it with --profile; "rig list profiles" shows what there is',
    });
  }
  const named = port.slice(SIMULATED.length);
  if (profile === undefined || profile === named) return named;
  throw new RigError(
    'RIG_USAGE',
    `the simulator ${port} has a profile already, so --profile ${profile} contradicts it`,
    {
      where: port,
      hint: 'leave --profile out, or name the same',
    },
  );
}

/** Without a length in wall time: until it is stopped, at most the 104 days a clock can tell. */
const ENDLESS_NS = Number.MAX_SAFE_INTEGER;

/** The device with a guest that reads it: an ordinary hosted run, whose journal `rig replay` repeats. */
async function recordRun(
  request: RecordRequest,
  guest: string,
  profile: string,
  simulated: boolean,
): Promise<RecordResult> {
  const { durationNs = simulated ? needLength() : ENDLESS_NS, outPath, progress, abort } = request;
  const run = await createExecutor().execute({
    cell: {
      plan: 'record',
      profile,
      binding: simulated ? 'sim' : 'real',
      architecture: 'hosted',
      frontend: hostedFrontend(findProfile(profile)),
      engine: DEFAULT_ENGINE,
    },
    guest,
    durationNs,
    seed: request.seed,
    ...(request.bootargs === undefined ? {} : { bootargs: request.bootargs }),
    outDir: dirname(outPath),
    traceName: basename(outPath),
    ...(simulated ? {} : { port: request.port }),
    ...(abort === undefined ? {} : { abort }),
    ...(progress === undefined ? {} : { progress: ({ elapsedNs, characters }) => progress({ elapsedNs, characters }) }),
  });
  const trouble = runTrouble(run, outPath);
  return {
    path: outPath,
    characters: run.wire.received,
    durationNs: run.durationNs,
    blocks: run.trace.blocks,
    bytes: run.trace.bytes,
    sentence: `${run.stop.kind === 'aborted' ? 'stopped' : run.stop.sentence}; ${run.certification.sentence}`,
    ...(trouble === undefined ? {} : { trouble }),
  };
}

function runTrouble({ stop, certification }: RunResult, outPath: string): RigError | undefined {
  if (stop.kind === 'device-lost') return deviceLost(stop.sentence, outPath);
  const seen = { where: outPath, hint: `see in ${outPath} what the guest did, or record without one` };
  if (stop.kind === 'limit') return new RigError('RIG_GUEST_ENDLESS', stop.sentence, seen);
  if (stop.kind === 'guest-finished' && (stop.code ?? 0) !== 0)
    return new RigError('RIG_GUEST_FAILED', stop.sentence, seen);
  if (certification.certified) return undefined;
  return new RigError('RIG_NOT_CERTIFIED', certification.sentence, {
    where: outPath,
    hint: 'keep the trace: the characters in it are sound, the run of the guest is not repeatable',
  });
}

/** Without the device's own error as its cause: that one knows nothing of the file. */
function deviceLost(sentence: string, outPath: string): RigError {
  return new RigError('RIG_DEVICE_LOST', `${sentence}, and the recording ended there`, {
    where: outPath,
    hint: `check the cable; ${outPath} holds everything up to then`,
  });
}

function needLength(): never {
  throw new RigError('RIG_USAGE', 'a simulator runs as fast as the host can, so its recording needs a length', {
    hint: 'give it with --for, for example --for "60 s"',
  });
}

function newRecorder(request: RecordRequest, profile: SerialProfile, clock: VirtualClock | WallClock): TraceRecorder {
  return createRecorder({
    to: request.outPath,
    clock,
    manifest: { kind: 'rigvisor-recording', profile: profile.name, seed: request.seed },
  });
}

function tapped(
  port: SerialPort,
  name: string,
  recorder: TraceRecorder,
  profile: SerialProfile,
  clock: VirtualClock | WallClock,
): SerialPort {
  return tapPort(port, recorder.addSerial(name, profile.bind.serial, { facts: { profile: profile.name } }), clock);
}

async function recordSimulated(request: RecordRequest, profile: SerialProfile): Promise<RecordResult> {
  const { durationNs = needLength() } = request;
  const clock = new VirtualClock();
  const recorder = newRecorder(request, profile, clock);
  const device = createSimulator(profile, {}, { clock, random: createRandom(request.seed).fork('device') });
  const name = `${SIMULATED}${profile.name}`;
  const port = tapped(createSimulatedPort({ name, clock, device }), name, recorder, profile, clock);
  const listener = new Listener();
  port.attach(listener);
  let aborted = false;
  let turnMs = hostMs();
  while (clock.now() < durationNs && !aborted) {
    clock.advanceTo(Math.min(durationNs, clock.now() + 1e8));
    if (hostMs() - turnMs < TURN_MS) continue;
    turnMs = hostMs();
    request.progress?.({ elapsedNs: clock.now(), characters: listener.characters });
    await nextTurn();
    aborted = request.abort?.aborted ?? false;
  }
  port.close();
  recorder.close();
  return result(
    request,
    listener,
    clock.now(),
    aborted ? 'stopped' : `recorded ${seconds(durationNs)} of virtual time`,
  );
}

async function recordReal(request: RecordRequest, profile: SerialProfile): Promise<RecordResult> {
  const clock = new WallClock();
  // Armed before the device is touched: opening a port may reset what is behind it.
  const recorder = newRecorder(request, profile, clock);
  const listener = new Listener();
  let port: SerialPort | undefined;
  let why: string;
  try {
    const opened = await openDevice(request.port, profile.bind.serial, clock, request.abort);
    port = tapped(opened, request.port, recorder, profile, clock);
    port.attach(listener);
    why = await listen(request, clock, listener);
  } finally {
    port?.close();
    recorder.close();
    // A trace of a port that never opened holds nothing, and would be in the way of the next attempt.
    if (port === undefined) rmSync(request.outPath, { force: true });
  }
  return result(request, listener, clock.now(), why);
}

/** Until the length is reached, the person stops it or the device goes away; answers which. */
async function listen(request: RecordRequest, clock: WallClock, listener: Listener): Promise<string> {
  const endNs = clock.now() + (request.durationNs ?? Number.POSITIVE_INFINITY);
  while (!(request.abort?.aborted ?? false)) {
    if (clock.now() >= endNs) return `recorded ${seconds(request.durationNs ?? 0)}`;
    if (listener.lost !== undefined) return listener.lost.message;
    await sleepMs(Math.min(TURN_MS, Math.max(1, (endNs - clock.now()) / 1e6)));
    request.progress?.({ elapsedNs: clock.now(), characters: listener.characters });
  }
  return 'stopped';
}

function result(request: RecordRequest, listener: Listener, durationNs: number, sentence: string): RecordResult {
  const { lost, characters } = listener;
  return {
    path: request.outPath,
    characters,
    durationNs,
    blocks: traceInfo(request.outPath).blocks,
    bytes: statSync(request.outPath).size,
    sentence,
    ...(lost === undefined ? {} : { trouble: deviceLost(lost.message, request.outPath) }),
  };
}
