/** The USB device of a run in virtual time: the profile's simulator, or a recording. */

import { type ClockDomain, NS_PER_MS, type Random, type VirtualClock } from '../../base/index.js';
import { createSimulatedUsbPort, createUsbSimulator, type UsbProfile, type UsbSimulator } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { DeclaredClock, RunRequest, ScanEvidence } from '../run/run-types.js';
import { type RunSource, refuseOtherDevice } from './run-source.js';
import { openInput } from './trace-files.js';
import { UsbLink } from './usb-link.js';
import { openUsbRecording } from './usb-recording.js';

export function openUsbSource(
  request: RunRequest,
  profile: UsbProfile,
  clock: VirtualClock,
  random: Random,
): RunSource {
  return request.cell.binding === 'sim'
    ? simulated(request, profile, clock, random)
    : replayed(request, profile, clock);
}

/** The clocks a profile declares, for limits that are derived and not guessed. A transfer is stamped when it is complete. */
export function usbClocks(profile: UsbProfile, domain: ClockDomain): DeclaredClock[] {
  const { sampleClock } = profile.timing;
  return [
    { name: 'device', ppm: sampleClock?.ppm ?? 0, quantumNs: (sampleClock?.jitterUs ?? 0) * 1000 },
    { name: 'guest', ppm: 0, quantumNs: 100 },
    // Transfers end in frames of 1 ms; a host's clock is off by tens of ppm.
    domain === 'wall'
      ? { name: 'stamps', ppm: 100, quantumNs: 2 * NS_PER_MS }
      : { name: 'stamps', ppm: 0, quantumNs: NS_PER_MS },
  ];
}

function simulated(request: RunRequest, profile: UsbProfile, clock: VirtualClock, random: Random): RunSource {
  const device = createUsbSimulator(profile, request.simulator ?? {}, { clock, random: random.fork('device') });
  const port = createSimulatedUsbPort({ name: `sim:${profile.name}`, clock, device });
  return {
    link: (trace) => new UsbLink(request, trace, () => ({ port })),
    pacing: 'modelled',
    clocks: usbClocks(profile, 'virtual'),
    ended: () => false,
    truth: () => undefined,
    ...(device.model === 'mcc-usb-1608fs-plus' ? { scans: () => scansOf(device) } : {}),
  };
}

function replayed(request: RunRequest, profile: UsbProfile, clock: VirtualClock): RunSource {
  if (request.replayPath === undefined)
    throw new RigError('RIG_INPUT_MISSING', 'a run with binding "replay" needs a recording', {
      hint: 'give one with --recording FILE: a trace of `rig record`, or a USB capture',
    });
  const trace = openInput(request.replayPath);
  refuseOtherDevice(trace.manifest, profile.name, request.replayPath);
  const port = openUsbRecording(trace, clock);
  return {
    link: (recorder) => new UsbLink(request, recorder, () => ({ port })),
    pacing: 'recorded',
    clocks: usbClocks(profile, 'virtual'),
    ended: () => port.ended,
    truth: () => undefined,
  };
}

function scansOf(device: Extract<UsbSimulator, { model: 'mcc-usb-1608fs-plus' }>): ScanEvidence[] {
  return device.scans.map((scan) => ({
    startNs: scan.startNs,
    periodNs: scan.periodNs,
    channels: scan.channels,
    scans: scan.scans,
    ...(scan.overrunNs === undefined ? {} : { overrunNs: scan.overrunNs }),
    code: (channel, index) => device.codeOf(scan, channel, index),
  }));
}
