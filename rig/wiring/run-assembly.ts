/** One run put together: recorder, taps, machines and the I/O path between them, on either clock. */

import { join } from 'node:path';
import type { Clock, Random, VirtualClock, WallClock } from '../../base/index.js';
import {
  checkFaultPlan,
  type FaultPlan,
  type HalError,
  injectFaults,
  type LineSettings,
  type SerialPort,
  type SerialRecorder,
  type TraceRecorder,
  tapPort,
} from '../../hal/index.js';
import { type CharacterAcquisitionKind, characterAcquisition, createMachine, type Machine } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { Architecture, Frontend, GuestRun, RunRequest, StopReason } from '../run/run-types.js';
import { type Calibration, medianNs } from './calibration.js';
import { CellPath } from './cell-path.js';
import { checkClaims } from './claims.js';
import { ExitLog } from './exit-log.js';
import { HostedPath } from './hosted-path.js';
import type { OpenGuest } from './open-guest.js';
import { ReportCollector } from './report-collector.js';
import { runManifest } from './run-manifest.js';
import type { ShareCounters } from './share-counters.js';
import { StationLog } from './station-log.js';
import { createRecorder } from './trace-files.js';
import { WireLog } from './wire-log.js';

const TRACE_NAME = 'trace.pcapng';
/** Period of a cell's I/O loop while its guest runs. */
const CELL_POLL_NS = 5_000;
const ACQUISITION_REGION = 'acquisition';

export interface AssemblyOptions {
  readonly request: RunRequest;
  readonly guest: OpenGuest;
  readonly clock: VirtualClock | WallClock;
  readonly line: LineSettings;
  /** Virtual time charges what this says; in wall time the host does. */
  readonly calibration: Calibration | undefined;
  readonly random: Random;
}

interface Seat {
  readonly machine: Machine;
  readonly collector: ReportCollector;
  readonly consoleBytes: number[];
  readonly exits: ExitLog;
  share: ShareCounters | undefined;
}

const CONSOLE_LIMIT = 1 << 20;
/** Reports of all guests that a run keeps in memory unless it is told otherwise: half a gigabyte of them. */
export const MOST_REPORTS = 500_000;
const MOST_GUESTS = 64;

export class RunAssembly {
  readonly wire = new WireLog(() => this.#serial.lastReceivedId);
  readonly stations = new StationLog();
  readonly recorder: TraceRecorder;
  readonly tracePath: string;
  readonly machines: Machine[];
  /** Set when the device went away. */
  deviceLost: HalError | undefined;
  readonly #options: AssemblyOptions;
  readonly #seats: Seat[] = [];
  readonly #serial: SerialRecorder;
  /** What the device sent, before faults were injected; undefined without any. */
  #sent: WireLog | undefined;
  #cell: CellPath | undefined;
  #port: SerialPort | undefined;
  #closed = false;

  constructor(options: AssemblyOptions) {
    const { request, clock, line } = options;
    this.#options = options;
    const names = guestNames(request);
    checkClaims(
      names.map((owner) => ({
        device: deviceName(request),
        owner,
        mode: request.cell.architecture === 'hosted' && names.length > 1 ? 'shared' : 'exclusive',
      })),
    );
    this.tracePath = join(request.outDir, request.traceName ?? TRACE_NAME);
    this.recorder = createRecorder({
      to: this.tracePath,
      clock,
      manifest: runManifest(request, options.guest, options.calibration),
    });
    this.#serial = this.recorder.addSerial(deviceName(request), line, {
      facts: { profile: request.cell.profile, binding: request.cell.binding },
    });
    try {
      for (const name of names) this.#seats.push(this.#seat(name));
      this.machines = this.#seats.map((seat) => seat.machine);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Joins the device to the guests; once. By now the recording is armed, so a device may be opened for it only then. */
  connect(port: SerialPort): void {
    this.#port = port;
    this.#join(this.#tapped(port));
  }

  /** When each character of the device was complete on the wire, whatever then became of it. */
  get deviceArrivalNs(): Float64Array {
    return (this.#sent ?? this.wire).arrivalNs;
  }

  get reportCount(): number {
    return this.#seats.reduce((sum, seat) => sum + seat.collector.reports.length, 0);
  }

  /** Fetches what lies in rings and hands the journals on; called between slices and at the end. */
  settle(): void {
    for (const { machine } of this.#seats) {
      machine.acquisition?.poll();
      machine.pollReports();
    }
  }

  /** Hands journals and counts to the trace, so that a killed run keeps them. */
  checkpoint(): void {
    for (const seat of this.#seats) {
      seat.machine.flushJournal();
      seat.exits.sample();
    }
  }

  /** After the scheduler has taken the machines: a guest that wakes by itself has its rings watched again. */
  watchWakes(): void {
    const cell = this.#cell;
    if (cell === undefined) return;
    for (const { machine } of this.#seats) {
      const woken = machine.core.onWake;
      machine.core.onWake = () => {
        woken?.();
        cell.wake();
      };
    }
  }

  /** Ends the run: the port is closed, journals are sealed, the trace gets its last blocks. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port?.close();
    for (const seat of this.#seats) {
      seat.exits.sample();
      seat.machine.seal();
    }
    this.recorder.close();
  }

  /** Why the run is over, once every guest has ended: the first that did not pass, else the first. */
  finished(): StopReason {
    const bad = this.machines.find((machine) => machine.end?.kind !== 'pass');
    const end = (bad ?? this.machines[0]).end;
    return {
      kind: 'guest-finished',
      sentence: end?.sentence ?? 'the guest ended',
      code: bad === undefined ? 0 : Math.max(1, end?.code ?? 1),
    };
  }

  guestRuns(): GuestRun[] {
    return this.#seats.map(({ machine, collector, consoleBytes }) => {
      const exits = machine.exits.snapshot();
      const byReason: Record<string, number> = {};
      for (const { region, reads, writes } of exits.regions) {
        if (reads > 0) byReason[`mmio-read ${region}`] = reads;
        if (writes > 0) byReason[`mmio-write ${region}`] = writes;
      }
      if (exits.hypercalls > 0) byReason.hypercall = exits.hypercalls;
      if (exits.faults > 0) byReason['access-fault'] = exits.faults;
      return {
        name: machine.name,
        instret: machine.instret,
        exits: { byReason, dataPath: machine.exits.of(ACQUISITION_REGION), idle: exits.idle },
        console: Buffer.from(consoleBytes).toString('utf8'),
        reports: collector.reports,
        reportsDropped: machine.reportsDropped,
      };
    });
  }

  /** Characters from the device that some guest never saw. */
  get lost(): number {
    return this.#seats.reduce((sum, seat) => sum + (seat.share?.lost ?? 0), 0);
  }

  #tapped(device: SerialPort): SerialPort {
    const { request, clock } = this.#options;
    let port = device;
    if (request.faults !== undefined) {
      const plan = request.faults as FaultPlan;
      checkFaultPlan(plan);
      const { wire } = this;
      const serial = this.#serial;
      const listener = {
        fault: (fault: Parameters<SerialRecorder['fault']>[0]) => {
          serial.fault(fault);
          wire.fault(fault);
        },
      };
      this.#sent = new WireLog(() => 0);
      port = injectFaults(tapPort(port, this.#sent, clock), { seed: `${request.seed}/faults`, clock, plan, listener });
    }
    return tapPort(tapPort(port, this.#serial, clock), this.wire, clock);
  }

  #seat(name: string): Seat {
    const { request, clock, guest, calibration } = this.#options;
    const { architecture, frontend } = request.cell;
    const journal = this.recorder.addUpper(`journal ${name}`, 'data', 'everything that entered and left the guest');
    const reports = this.recorder.addUpper(`reports ${name}`, 'data', "the guest's sample reports");
    const exitChannel = this.recorder.addUpper(
      `vm-exits ${name}`,
      'text',
      'VM exits since the last packet, by device and reason',
    );
    const consoleBytes: number[] = [];
    const collector: ReportCollector = new ReportCollector({
      decoder: guest,
      now: () => machine.clock.now(),
      share: () => seat.share,
      arrivalNs: () => this.wire.arrivalNs,
      recorded: (record, length, atNs, wireIndex) => {
        reports.data(record, 0, length, atNs, wireIndex < 0 ? 0 : this.wire.packetOf(wireIndex));
      },
    });
    const partitioned = architecture === 'partitioned';
    const machine = createMachine({
      name,
      engine: request.cell.engine,
      image: guest.image,
      clock,
      acquisition: { kind: acquisitionKind(architecture, frontend), baudRate: this.#options.line.baudRate },
      reportRing: partitioned,
      journal: { chunk: (bytes) => void journal.data(bytes, 0, bytes.length, this.#now(machine)) },
      ...(calibration === undefined ? {} : { exitCostNs: exitCost(calibration) }),
      ...(request.limits?.instructions === undefined ? {} : { limits: { instructions: request.limits.instructions } }),
      onConsole: (byte) => {
        if (consoleBytes.length < CONSOLE_LIMIT) consoleBytes.push(byte);
      },
      onReport: (record, length) => collector.take(record, length),
    });
    const seat: Seat = {
      machine,
      collector,
      consoleBytes,
      exits: new ExitLog(machine, exitChannel, () => this.#now(machine)),
      share: undefined,
    };
    return seat;
  }

  /** The journal's start is written while its machine is still being made. */
  #now(machine: Machine | undefined): number {
    return machine?.clock.now() ?? this.#options.clock.now();
  }

  #join(port: SerialPort): void {
    const { clock, line, calibration, random, request } = this.#options;
    const model =
      calibration === undefined ? undefined : { calibration, random: random.fork('path'), log: this.stations };
    const lost = (error: HalError): void => {
      this.deviceLost = error;
      for (const { machine } of this.#seats) characterAcquisition(machine).disconnected(true);
    };
    if (request.cell.architecture === 'partitioned') {
      const [seat] = this.#seats;
      const { machine } = seat;
      const acquisition = characterAcquisition(machine);
      const ring = {
        attach: (backend: Parameters<typeof acquisition.frontend.attach>[0]) => acquisition.frontend.attach(backend),
        receive: (byte: number, lineStatus: number) => acquisition.frontend.receive(byte, lineStatus),
        overrun: () => acquisition.frontend.overrun(),
        modemStatus: (bits: number) => acquisition.frontend.modemStatus(bits),
        publish: () => acquisition.flush(),
        poll: () => {
          acquisition.poll();
          machine.pollReports();
        },
      };
      this.#cell = new CellPath(ring, {
        clock,
        port,
        line,
        model,
        pollNs: CELL_POLL_NS,
        guestIdle: () => machine.activity !== 'running',
        lost,
      });
      seat.share = this.#cell.counters;
      return;
    }
    const path = new HostedPath({ clock: clock as Clock, port, line, model, lost });
    for (const seat of this.#seats) {
      const acquisition = characterAcquisition(seat.machine);
      seat.share = path.connect(acquisition.frontend, () => acquisition.flush());
    }
  }
}

/** Names no file, so that a trace does not depend on where its input lay. */
function deviceName(request: RunRequest): string {
  const { binding, profile } = request.cell;
  return binding === 'real' ? (request.port ?? 'real') : `${binding}:${profile}`;
}

function guestNames(request: RunRequest): string[] {
  const count = request.guests ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MOST_GUESTS)
    throw new RigError(
      'RIG_PLAN',
      `${count} guests cannot share a device; give a whole number from 1 to ${MOST_GUESTS}`,
    );
  return Array.from({ length: count }, (_, i) => (count === 1 ? 'guest' : `guest-${i}`));
}

function acquisitionKind(architecture: Architecture, frontend: Frontend): CharacterAcquisitionKind {
  if (architecture === 'partitioned') return 'serial-ring';
  return frontend === 'paravirtual' ? 'virtio-console' : 'ns16550a';
}

/** Leaving and entering the guest costs the trap; an emulated register costs the frontend on top. */
function exitCost(calibration: Calibration): (reason: string, region: string | undefined) => number {
  const trapNs = medianNs(calibration, 'trap');
  const frontendNs = medianNs(calibration, 'frontend');
  return (reason, region) => (reason === 'wfi' ? 0 : region === undefined ? trapNs : trapNs + frontendNs);
}
