/** The device of a run in virtual time: the profile's simulator, or a recording. */

import { join } from 'node:path';
import { z } from 'zod';
import { type ClockDomain, NS_PER_MS, NS_PER_SECOND, type Random, type VirtualClock } from '../../base/index.js';
import {
  createSimulatedPort,
  createSimulator,
  type GnssEpoch,
  type HardwareProfile,
  type JsonValue,
  type TraceRecorder,
} from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { Arrivals } from '../metrics/arrivals.js';
import type { DeclaredClock, Pacing, RunRequest, TruthEpoch } from '../run/run-types.js';
import type { DeviceLink } from './device-link.js';
import { openRecording } from './recording.js';
import { SerialLink } from './serial-link.js';
import { openInput, openReplay } from './trace-files.js';

export interface RunSource {
  /** Describes the device in the trace, before it is touched. */
  readonly link: (trace: TraceRecorder) => DeviceLink;
  readonly pacing: Pacing;
  readonly clocks: readonly DeclaredClock[];
  /** Whether nothing will come any more. */
  ended(): boolean;
  /** What the simulator knows; `arrivals` tells when a byte of its stream was complete on the wire. */
  truth(arrivals: Arrivals): TruthEpoch[] | undefined;
}

export function openSource(
  request: RunRequest,
  profile: HardwareProfile,
  clock: VirtualClock,
  random: Random,
): RunSource {
  return request.cell.binding === 'sim'
    ? simulated(request, profile, clock, random)
    : replayed(request, profile, clock);
}

/** The clocks a profile declares, for limits that are derived and not guessed. */
export function declaredClocks(
  profile: HardwareProfile,
  domain: ClockDomain,
  baudRate = profile.bind.serial.baudRate,
): DeclaredClock[] {
  const { sampleClock, outputLatencyMs } = profile.timing;
  const characterNs = (10 * NS_PER_SECOND) / baudRate;
  const spreadNs = outputLatencyMs === undefined ? 0 : (outputLatencyMs.max - outputLatencyMs.min) * NS_PER_MS;
  const quantumNs = Math.round(characterNs + (sampleClock?.jitterUs ?? 0) * 1000 + spreadNs);
  return [
    { name: 'device', ppm: sampleClock?.ppm ?? 0, quantumNs },
    { name: 'guest', ppm: 0, quantumNs: 100 },
    // A host's clock is off by tens of ppm, and its event loop turns once in a millisecond or so.
    domain === 'wall' ? { name: 'stamps', ppm: 100, quantumNs: NS_PER_MS } : { name: 'stamps', ppm: 0, quantumNs: 1 },
  ];
}

function simulated(request: RunRequest, profile: HardwareProfile, clock: VirtualClock, random: Random): RunSource {
  const device = createSimulator(profile, request.simulator ?? {}, { clock, random: random.fork('device') });
  const depth = profile.limits.receiveFifoDepth;
  const port = createSimulatedPort({
    name: `sim:${profile.name}`,
    clock,
    device,
    ...(depth === undefined ? {} : { host: { rxFifoDepth: depth } }),
  });
  const epochs: GnssEpoch[] = [];
  device.onEpoch((epoch) => epochs.push(epoch));
  return {
    link: (trace) => new SerialLink(request, profile.bind.serial, trace, () => port),
    pacing: 'modelled',
    clocks: declaredClocks(profile, 'virtual'),
    ended: () => false,
    truth: (arrivals) => epochs.map((epoch) => truthOf(epoch, arrivals)),
  };
}

function truthOf(epoch: GnssEpoch, arrivals: Arrivals): TruthEpoch {
  const sent = epoch.byteEnd > epoch.byteStart && epoch.byteEnd <= arrivals.length;
  return {
    utcMs: epoch.utcMs,
    atNs: epoch.eventNs,
    ...(sent ? { sentNs: arrivals.timeOf(epoch.byteEnd - 1) } : {}),
    latE9: epoch.latE9,
    lonE9: epoch.lonE9,
    altMm: epoch.altMm,
    mode: epoch.valid ? 3 : 1,
    satellites: 0,
  };
}

function replayed(request: RunRequest, profile: HardwareProfile, clock: VirtualClock): RunSource {
  if (request.replayPath === undefined)
    throw new RigError('RIG_INPUT_MISSING', 'a run with binding "replay" needs a recording', {
      hint: 'give one with --recording FILE: a trace of `rig record`, or a gpsd log',
    });
  const recording = openRecording(request.replayPath, join(request.outDir, 'imported.pcapng'));
  const trace = openInput(recording.path);
  refuseOtherDevice(trace.manifest, profile.name, request.replayPath);
  const port = openReplay(trace, clock);
  return {
    link: (trace) => new SerialLink(request, port.line, trace, () => port),
    pacing: recording.reconstructed ? 'reconstructed' : 'recorded',
    clocks: declaredClocks(profile, 'virtual', port.line.baudRate),
    ended: () => port.ended,
    truth: () => undefined,
  };
}

/** A verdict on one device must not rest on a recording of another. */
function refuseOtherDevice(manifest: JsonValue | undefined, profile: string, path: string): void {
  const recorded = recordedProfile(manifest);
  if (recorded === undefined || recorded === profile) return;
  throw new RigError('RIG_USAGE', `${path} is a recording of "${recorded}", not of "${profile}"`, {
    where: path,
    hint: `run it with --profile ${recorded}`,
  });
}

/** Profile of a recording, or of the run that a trace is of; undefined when it names none. */
export function recordedProfile(manifest: JsonValue | undefined): string | undefined {
  const parsed = z
    .object({ profile: z.string().optional(), cell: z.object({ profile: z.string() }).optional() })
    .safeParse(manifest);
  return parsed.success ? (parsed.data.profile ?? parsed.data.cell?.profile) : undefined;
}

/** How long a run goes on after the last character of a recording, so that the guest can finish with it. */
export const DRAIN_NS = 2 * NS_PER_SECOND;
/** Progress and limits are looked at this often in virtual time; a constant, because it must not change what the guests do. */
export const SLICE_NS = 100 * NS_PER_MS;
