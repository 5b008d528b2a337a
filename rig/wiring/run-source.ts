/** The device of a run in virtual time, whatever its kind: the profile's simulator, or a recording. */

import { z } from 'zod';
import { NS_PER_MS, NS_PER_SECOND } from '../../base/index.js';
import type { HardwareProfile, JsonValue, SerialProfile, TraceRecorder } from '../../hal/index.js';
import { RigError } from '../errors.js';
import type { Arrivals } from '../metrics/arrivals.js';
import type { DeclaredClock, Frontend, Pacing, ScanEvidence, TruthEpoch } from '../run/run-types.js';
import type { DeviceLink } from './device-link.js';

export interface RunSource {
  /** Describes the device in the trace, before it is touched. */
  readonly link: (trace: TraceRecorder) => DeviceLink;
  readonly pacing: Pacing;
  readonly clocks: readonly DeclaredClock[];
  /** Whether nothing will come any more. */
  ended(): boolean;
  /** What the simulator knows; `arrivals` tells when a byte of its stream was complete on the wire. */
  truth(arrivals: Arrivals): TruthEpoch[] | undefined;
  /** Scans that a simulated converter made. */
  scans?(): ScanEvidence[];
}

/** How a guest reaches a device of that kind when nothing else is asked for. */
export function hostedFrontend(profile: HardwareProfile): Frontend {
  return profile.kind === 'usb' || profile.kind === 'hid' ? 'paravirtual' : 'emulated';
}

/** `RIG_USAGE` for a profile of another kind, where `what` is for serial devices alone. */
export function serialProfile(profile: HardwareProfile, what: string): SerialProfile {
  if (profile.kind === 'serial') return profile;
  throw new RigError('RIG_USAGE', `${what} needs a serial device, and ${profile.name} is of kind "${profile.kind}"`, {
    where: profile.name,
    hint: 'name the profile of a serial device; "rig list profiles" shows what there is',
  });
}

/** A verdict on one device must not rest on a recording of another. */
export function refuseOtherDevice(manifest: JsonValue | undefined, profile: string, path: string): void {
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
