/** The serial device of a run in virtual time: the profile's simulator, or a recording. */

import { join } from 'node:path';
import { type ClockDomain, NS_PER_MS, NS_PER_SECOND, type Random, type VirtualClock } from '../../base/index.js';
import { createSimulatedPort, createSimulator, type GnssEpoch, type SerialProfile } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { Arrivals } from '../metrics/arrivals.js';
import type { DeclaredClock, RunRequest, TruthEpoch } from '../run/run-types.js';
import { openRecording } from './recording.js';
import { type RunSource, refuseOtherDevice } from './run-source.js';
import { SerialLink } from './serial-link.js';
import { openInput, openReplay } from './trace-files.js';

/** A profile's simulator, or a recording, of a serial device. */
export function openSerialSource(
  request: RunRequest,
  profile: SerialProfile,
  clock: VirtualClock,
  random: Random,
): RunSource {
  return request.cell.binding === 'sim'
    ? simulated(request, profile, clock, random)
    : replayed(request, profile, clock);
}

/** The clocks a profile declares, for limits that are derived and not guessed. */
export function serialClocks(
  profile: SerialProfile,
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

function simulated(request: RunRequest, profile: SerialProfile, clock: VirtualClock, random: Random): RunSource {
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
    clocks: serialClocks(profile, 'virtual'),
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

function replayed(request: RunRequest, profile: SerialProfile, clock: VirtualClock): RunSource {
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
    clocks: serialClocks(profile, 'virtual', port.line.baudRate),
    ended: () => port.ended,
    truth: () => undefined,
  };
}
