/** Performs runs in wall time on real devices: hosted in this process, partitioned in the process of a cell. */

import { rmSync } from 'node:fs';
import { createRandom, NS_PER_MS, WallClock, type WallOrigin } from '../../base/index.js';
import type {
  BoardProfile,
  HardwareProfile,
  PortRestart,
  SerialProfile,
  TraceRecorder,
  UsbProfile,
} from '../../hal/index.js';
import { BOARD, type ThreadSchedule } from '../../vmm/index.js';
import { CollectionLog, checkCell } from '../cell/place-cell.js';
import { runInCell } from '../cell/run-in-cell.js';
import { runPair } from '../cell/run-pair.js';
import { RigError } from '../errors.js';
import { NO_DEVICE } from '../plan/matrix.js';
import type { PlacementRun, RunRequest, RunResult, StopReason } from '../run/run-types.js';
import { BoardLink, refuseImpossible } from './board-link.js';
import { boardClocks } from './board-source.js';
import type { Calibration } from './calibration.js';
import { type DeviceHosts, hostedDevices } from './device-hosts.js';
import { seconds } from './duration-text.js';
import { withBounds } from './guest-interrupts.js';
import { IoLoop } from './io-loop.js';
import { joinGuests, type PairHost } from './join-guests.js';
import { realNoDevice } from './no-device.js';
import { checkBoardAddress, openRunBoard } from './open-board.js';
import { openRunDevice } from './open-device.js';
import { type OpenGuest, openGuest } from './open-guest.js';
import { openUsbDevice } from './open-usb-device.js';
import { COMPANION, MOST_REPORTS, RunAssembly } from './run-assembly.js';
import { certifiedResult, gatherEvidence, type RunEvidence } from './run-result.js';
import type { RunSource } from './run-source.js';
import { SerialLink } from './serial-link.js';
import { serialClocks } from './serial-source.js';
import { StationLog } from './station-log.js';
import { type ThreadGuest, threadGuestMaker } from './thread-guest.js';
import { UsbLink } from './usb-link.js';
import { usbClocks } from './usb-source.js';
import { WallStations } from './wall-stations.js';

/** Of a guest in a run: plans ask for none other. */
const DEFAULT_RAM_BYTES = BOARD.ram.defaultBytes;
/** How often limits are looked at and the journal goes to the trace. */
const TURN_NS = 50 * NS_PER_MS;

/**
 * Hosted, it is performed here: this process is the monitor, and the I/O process owns the device. Partitioned, a process is
 * made for the cell; nothing of it is performed here.
 */
export async function runWall(
  request: RunRequest,
  guest: OpenGuest,
  profile: HardwareProfile | undefined,
  calibration: () => Calibration,
): Promise<RunResult> {
  const companion = request.companion === undefined ? undefined : openGuest(request.companion.guest);
  if (profile?.kind === 'board') {
    refuseImpossible(request);
    checkBoardAddress(profile, request.port);
  }
  const evidence =
    request.cell.architecture === 'hosted'
      ? await performWallRun(request, guest, profile, {
          hosts: hostedDevices(),
          ...(companion === undefined ? {} : { companion }),
        })
      : await runAssigned(request, profile);
  const bounded = request.interrupts === undefined ? evidence : withBounds(evidence, guest, calibration());
  return certifiedResult(request, guest, bounded, undefined, companion);
}

function runAssigned(request: RunRequest, profile: HardwareProfile | undefined): Promise<RunEvidence> {
  if (request.companion !== undefined) return runPair(request, request.companion, profile);
  checkCell(request.port ?? profile?.name ?? NO_DEVICE, DEFAULT_RAM_BYTES, request.realTime ?? true);
  return runInCell(request, profile);
}

/** Gives the threads of a cell their place on the host, before its guest runs; answers what was granted. */
export type PlaceGuests = (machines: readonly ThreadGuest[]) => PlacementRun['grants'];

/** What of the host a run in wall time is given. */
export interface WallHost {
  /** Ended with the run. */
  readonly hosts: DeviceHosts;
  readonly place?: PlaceGuests;
  /** The companion that the request names, opened, when it runs in this process too. */
  readonly companion?: OpenGuest;
  /** Of another process that is to tell the same time. */
  readonly origin?: WallOrigin;
  /** Windows of the vCPU. */
  readonly schedule?: ThreadSchedule;
  readonly pair?: PairHost;
}

/** In this process, from opening the device to the end of the trace: this thread owns the device, guests have threads of their own. */
export async function performWallRun(
  request: RunRequest,
  guest: OpenGuest,
  profile: HardwareProfile | undefined,
  { hosts, place, companion, origin, schedule, pair }: WallHost,
): Promise<RunEvidence> {
  const clock = new WallClock(origin === undefined ? {} : { origin });
  const log = new StationLog();
  if (request.keepPassages === true) log.keepPassages(Number(clock.originMonotonicNs));
  const stations = new WallStations(clock, log, request.cell.architecture);
  const device = realDevice(request, profile, clock, hosts, stations);
  const loop = new IoLoop(clock, request.cell.architecture === 'partitioned');
  const assembly: RunAssembly<ThreadGuest> = new RunAssembly<ThreadGuest>({
    request,
    guest,
    ...(companion === undefined ? {} : { companion }),
    ...(pair === undefined ? {} : { pairSide: pair.side }),
    clock,
    calibration: undefined,
    random: createRandom(request.seed),
    link: device.link,
    stations: log,
    makeGuest: threadGuestMaker(clock, {
      news: loop.news,
      handover: stations.handover,
      departure: stations.departure,
      ...(schedule === undefined ? {} : { schedule }),
    }),
  });
  let opened = false;
  let stop: StopReason;
  let placement: PlacementRun | undefined;
  try {
    await assembly.connect();
    opened = true;
    const grants = place?.(assembly.machines);
    const collections = place === undefined ? undefined : new CollectionLog();
    await joinGuests(assembly.machines, pair, loop, clock);
    const isAlone = assembly.machines.length === 1;
    loop.start(assembly.machines, ({ name }) => isAlone || name !== COMPANION);
    stop = await drive(request, clock, loop, assembly);
    assembly.settle();
    if (grants !== undefined && collections !== undefined) placement = { grants, collections: collections.end() };
    await assembly.seal();
  } finally {
    for (const machine of assembly.machines) await machine.kill();
    assembly.close();
    if (!opened) rmSync(assembly.tracePath, { force: true });
    // The next run of a session may want the same device.
    await assembly.link.closed();
    await hosts.end();
  }
  const source = { pacing: 'physical', clocks: device.clocks, truth: () => undefined } as const;
  return gatherEvidence({
    assembly,
    source,
    stop,
    clockDomain: 'wall',
    durationNs: clock.now(),
    ...(placement === undefined ? {} : { placement }),
  });
}

type RealDevice = Pick<RunSource, 'link' | 'clocks'>;

function realDevice(
  request: RunRequest,
  profile: HardwareProfile | undefined,
  clock: WallClock,
  hosts: DeviceHosts,
  stations: WallStations,
): RealDevice {
  if (profile === undefined) return realNoDevice();
  switch (profile.kind) {
    case 'board':
      return boardDevice(request, profile, clock);
    case 'serial':
      return serialDevice(request, profile, clock, hosts, stations);
    default:
      return usbDevice(request, profile, clock, hosts, stations);
  }
}

/** A board is memory of the process that owns it: no library that might crash, and so no process of its own. */
function boardDevice(request: RunRequest, profile: BoardProfile, clock: WallClock): RealDevice {
  const { port, simulator, seed } = request;
  return {
    link: (trace) =>
      new BoardLink(request, trace, () =>
        openRunBoard({ profile, port, clock, random: createRandom(seed), simulator }),
      ),
    clocks: boardClocks(profile, 'wall'),
  };
}

function serialDevice(
  request: RunRequest,
  profile: SerialProfile,
  clock: WallClock,
  hosts: DeviceHosts,
  stations: WallStations,
): RealDevice {
  const { port, abort } = request;
  if (port === undefined)
    throw new RigError('RIG_INPUT_MISSING', 'a run on the real device needs its port', {
      hint: 'give it with --port, for example --port /dev/ttyUSB0; "rig doctor" lists what is there',
    });
  const line = profile.bind.serial;
  return {
    link: (trace) => {
      const restarted = restartNote(trace, port, 'characters');
      return new SerialLink(request, line, trace, () =>
        openRunDevice({ path: port, line, clock, abort, hosts, stations, restarted }),
      );
    },
    clocks: serialClocks(profile, 'wall'),
  };
}

/** Without a port, the device is whatever has the ids of the profile. */
function usbDevice(
  request: RunRequest,
  profile: UsbProfile,
  clock: WallClock,
  hosts: DeviceHosts,
  stations: WallStations,
): RealDevice {
  const { port, abort } = request;
  return {
    link: (trace) => {
      const restarted = restartNote(trace, port ?? profile.name, 'bytes');
      return new UsbLink(request, trace, () =>
        openUsbDevice({ address: port, profile, clock, abort, hosts, stations, restarted }),
      );
    },
    clocks: usbClocks(profile, 'wall'),
  };
}

/** Says in the trace, each time a device came back, for how long and why it was gone. */
function restartNote(trace: TraceRecorder, name: string, what: string): (restart: PortRestart) => void {
  return ({ lostAtNs, outageNs, cause, droppedBytes }) => {
    const outage = `${name} was lost for ${(outageNs / NS_PER_MS).toFixed(1)} ms and ${droppedBytes} ${what} were not sent`;
    trace.note(`${outage}: ${cause.message}`, lostAtNs + outageNs);
  };
}

async function drive(
  request: RunRequest,
  clock: WallClock,
  loop: IoLoop,
  assembly: RunAssembly<ThreadGuest>,
): Promise<StopReason> {
  const startNs = clock.now();
  const endNs = startNs + request.durationNs;
  while (clock.now() < endNs) {
    const run = await loop.run(Math.min(endNs, clock.now() + TURN_NS), request.abort);
    assembly.checkpoint();
    const elapsedNs = clock.now() - startNs;
    request.progress?.({
      phase: 'running',
      elapsedNs,
      durationNs: request.durationNs,
      reports: assembly.reportCount,
      characters: assembly.link.receivedCount,
    });
    const stop =
      run === 'aborted'
        ? aborted(elapsedNs, request.durationNs)
        : stopOf(run === 'ended', request, assembly, elapsedNs);
    if (stop !== undefined) return stop;
  }
  return { kind: 'duration', sentence: `ran for ${seconds(request.durationNs)}` };
}

function aborted(elapsedNs: number, durationNs: number): StopReason {
  return { kind: 'aborted', sentence: `the run was stopped after ${seconds(elapsedNs)} of ${seconds(durationNs)}` };
}

/** Why the run is not to go on, if it is not. */
function stopOf(
  ended: boolean,
  request: RunRequest,
  assembly: RunAssembly<ThreadGuest>,
  elapsedNs: number,
): StopReason | undefined {
  if (assembly.deviceLost !== undefined)
    return { kind: 'device-lost', sentence: assembly.deviceLost.message, cause: assembly.deviceLost };
  // A companion that is stuck is stuck by itself.
  for (const { name, end } of assembly.machines)
    if (name !== COMPANION && end !== undefined && (end.kind === 'limit' || end.kind === 'stuck'))
      return { kind: 'limit', limit: 'instructions', sentence: end.sentence };
  if (ended) return assembly.finished();
  const { wallMs, reports = MOST_REPORTS } = request.limits ?? {};
  if (wallMs !== undefined && elapsedNs > wallMs * NS_PER_MS)
    return { kind: 'limit', limit: 'wall', sentence: `the run took longer than ${wallMs / 1000} s` };
  if (assembly.reportCount > reports)
    return { kind: 'limit', limit: 'reports', sentence: `the guests sent more than ${reports} reports` };
  return undefined;
}
