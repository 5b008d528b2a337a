/** Performs a run in wall time, hosted: a real device or pseudo-terminal, served by the I/O process that owns it. */

import { rmSync } from 'node:fs';
import { createRandom, NS_PER_MS, WallClock } from '../../base/index.js';
import type { HardwareProfile, SerialProfile, UsbProfile } from '../../hal/index.js';
import { WallRunner } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { RunRequest, RunResult, StopReason } from '../run/run-types.js';
import { seconds } from './duration-text.js';
import { openDevice } from './open-device.js';
import type { OpenGuest } from './open-guest.js';
import { openUsbDevice } from './open-usb-device.js';
import { MOST_REPORTS, RunAssembly } from './run-assembly.js';
import { runResult } from './run-result.js';
import type { RunSource } from './run-source.js';
import { SerialLink } from './serial-link.js';
import { serialClocks } from './serial-source.js';
import { UsbLink } from './usb-link.js';
import { usbClocks } from './usb-source.js';

/** How often limits are looked at and the journal goes to the trace. */
const TURN_NS = 50 * NS_PER_MS;

export async function runWall(request: RunRequest, guest: OpenGuest, profile: HardwareProfile): Promise<RunResult> {
  if (request.cell.architecture !== 'hosted')
    throw new RigError('RIG_USAGE', 'a real device can be run in the hosted architecture only, so far', {
      hint: 'use --architecture hosted, or a simulated or replayed device for the partitioned one',
    });
  if (request.companion !== undefined)
    throw new RigError('RIG_USAGE', 'a companion runs beside a guest in virtual time only, so far', {
      hint: 'use --binding sim',
    });
  const clock = new WallClock();
  const device = profile.kind === 'serial' ? serialDevice(request, profile, clock) : usbDevice(request, profile, clock);
  const assembly = new RunAssembly({
    request,
    guest,
    clock,
    calibration: undefined,
    random: createRandom(request.seed),
    link: device.link,
  });
  let opened = false;
  let stop: StopReason;
  try {
    await assembly.connect();
    opened = true;
    stop = await drive(request, clock, assembly);
    assembly.settle();
  } finally {
    assembly.close();
    if (!opened) rmSync(assembly.tracePath, { force: true });
    // The next run of a session may want the same device.
    await assembly.link.closed();
  }
  return runResult({
    request,
    guest,
    assembly,
    source: { pacing: 'physical', clocks: device.clocks, truth: () => undefined },
    stop,
    calibration: undefined,
    clockDomain: 'wall',
    durationNs: clock.now(),
  });
}

type RealDevice = Pick<RunSource, 'link' | 'clocks'>;

function serialDevice(request: RunRequest, profile: SerialProfile, clock: WallClock): RealDevice {
  const { port, abort } = request;
  if (port === undefined)
    throw new RigError('RIG_INPUT_MISSING', 'a run on the real device needs its port', {
      hint: 'give it with --port, for example --port /dev/ttyUSB0; "rig doctor" lists what is there',
    });
  const line = profile.bind.serial;
  return {
    link: (trace) => new SerialLink(request, line, trace, () => openDevice(port, line, clock, abort)),
    clocks: serialClocks(profile, 'wall'),
  };
}

/** Without a port, the device is whatever has the ids of the profile. */
function usbDevice(request: RunRequest, profile: UsbProfile, clock: WallClock): RealDevice {
  const { port, abort } = request;
  return {
    link: (trace) => new UsbLink(request, trace, () => openUsbDevice(port, profile, clock, abort)),
    clocks: usbClocks(profile, 'wall'),
  };
}

async function drive(request: RunRequest, clock: WallClock, assembly: RunAssembly): Promise<StopReason> {
  const runner = new WallRunner(clock);
  for (const machine of assembly.machines) runner.add(machine);
  const startNs = clock.now();
  const endNs = startNs + request.durationNs;
  while (clock.now() < endNs) {
    const run = await runner.run(Math.min(endNs, clock.now() + TURN_NS), request.abort);
    assembly.settle();
    assembly.checkpoint();
    const elapsedNs = clock.now() - startNs;
    request.progress?.({
      phase: 'running',
      elapsedNs,
      durationNs: request.durationNs,
      reports: assembly.reportCount,
      characters: assembly.link.receivedCount,
    });
    if (run.kind === 'aborted')
      return {
        kind: 'aborted',
        sentence: `the run was stopped after ${seconds(elapsedNs)} of ${seconds(request.durationNs)}`,
      };
    if (assembly.deviceLost !== undefined)
      return { kind: 'device-lost', sentence: assembly.deviceLost.message, cause: assembly.deviceLost };
    if (run.kind === 'limit') return { kind: 'limit', limit: 'instructions', sentence: run.sentence };
    if (run.kind === 'ended') return assembly.finished();
    const { wallMs, reports = MOST_REPORTS } = request.limits ?? {};
    if (wallMs !== undefined && elapsedNs > wallMs * NS_PER_MS)
      return { kind: 'limit', limit: 'wall', sentence: `the run took longer than ${wallMs / 1000} s` };
    if (assembly.reportCount > reports)
      return { kind: 'limit', limit: 'reports', sentence: `the guests sent more than ${reports} reports` };
  }
  return { kind: 'duration', sentence: `ran for ${seconds(request.durationNs)}` };
}
