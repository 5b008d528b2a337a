/** One run put together: recorder, taps, machines and the I/O path between them, on either clock. */

import { join } from 'node:path';
import type { Random, VirtualClock, WallClock } from '../../base/index.js';
import type { HalError, TraceRecorder, TraceSink } from '../../hal/index.js';
import { ACQUISITION_REGION, type MachineConfig } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { GuestRun, RunRequest, StopReason, WireRun } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import { checkClaims } from './claims.js';
import { type DeviceLink, deviceName, type JoinedPath, type Share } from './device-link.js';
import { exitCost } from './exit-cost.js';
import { ExitLog } from './exit-log.js';
import { interruptBits, measuredInterrupts } from './guest-interrupts.js';
import type { GuestMaker, GuestUnit } from './guest-unit.js';
import type { OpenGuest } from './open-guest.js';
import { ReportCollector } from './report-collector.js';
import { runManifest } from './run-manifest.js';
import { StationLog } from './station-log.js';
import { createRecorder } from './trace-files.js';

const TRACE_NAME = 'trace.pcapng';

export interface AssemblyOptions<G extends GuestUnit> {
  readonly request: RunRequest;
  readonly guest: OpenGuest;
  readonly clock: VirtualClock | WallClock;
  /** Virtual time charges what this says; in wall time the host does. */
  readonly calibration: Calibration | undefined;
  readonly random: Random;
  /** Describes the device in the trace. Called with the recording armed, before the device is touched. */
  readonly link: (recorder: TraceRecorder) => DeviceLink;
  readonly makeGuest: GuestMaker<G>;
  /** Where the stations' delays are kept, when somebody else measures them too. */
  readonly stations?: StationLog;
  /** The companion that the request names, opened. */
  readonly companion?: OpenGuest;
  /** Number of the only guest, when the other of the two that the request names is in another process. */
  readonly pairSide?: 0 | 1;
  /** Takes the trace instead of a file in the run's folder. */
  readonly trace?: TraceSink;
}

interface Seat<G extends GuestUnit> {
  readonly guest: OpenGuest;
  readonly machine: G;
  readonly collector: ReportCollector;
  readonly consoleBytes: number[];
  readonly exits: ExitLog;
  share: Share | undefined;
}

const CONSOLE_LIMIT = 1 << 20;
/** Reports of all guests that a run keeps in memory unless it is told otherwise: half a gigabyte of them. */
export const MOST_REPORTS = 500_000;
const MOST_GUESTS = 64;
/** Name of the guest beside the first. */
export const COMPANION = 'companion';

export class RunAssembly<G extends GuestUnit> {
  readonly stations: StationLog;
  readonly recorder: TraceRecorder;
  readonly tracePath: string;
  /** All of them, the companion last. */
  readonly machines: G[];
  readonly link: DeviceLink;
  /** Set when the device went away. */
  deviceLost: HalError | undefined;
  readonly #options: AssemblyOptions<G>;
  readonly #seats: Seat<G>[] = [];
  #path: JoinedPath | undefined;
  #closed = false;

  constructor(options: AssemblyOptions<G>) {
    const { request, clock } = options;
    this.#options = options;
    this.stations = options.stations ?? new StationLog();
    const names = options.pairSide === 1 ? [COMPANION] : guestNames(request);
    checkClaims(
      names.map((owner) => ({
        device: deviceName(request),
        owner,
        mode: request.cell.architecture === 'hosted' && names.length > 1 ? 'shared' : 'exclusive',
      })),
    );
    this.tracePath = join(request.outDir, request.traceName ?? TRACE_NAME);
    this.recorder = createRecorder({
      to: options.trace ?? this.tracePath,
      clock,
      manifest: runManifest(request, options.guest, options.calibration, this.#manifestCompanion()),
    });
    try {
      this.link = options.link(this.recorder);
      for (const name of names) this.#seats.push(this.#seat(name, this.link, options.guest, request.bootargs));
      const { companion } = options;
      if (companion !== undefined)
        this.#seats.push(this.#seat(COMPANION, undefined, companion, request.companion?.bootargs));
      this.machines = this.#seats.map((seat) => seat.machine);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Opens the device and joins it to the guests; once. The recording is armed by now. */
  async connect(): Promise<void> {
    for (const machine of this.machines) await machine.ready?.();
    await this.link.open();
    const { clock, calibration, random } = this.#options;
    const { stations } = this;
    const machines = this.machines.filter((machine) => machine.name !== COMPANION);
    const lost = (error: HalError): void => {
      this.deviceLost = error;
    };
    const path = this.link.join({ clock, machines, stations, calibration, random, lost });
    this.#path = path;
    for (const [i, seat] of this.#seats.entries()) seat.share = path.shares[i];
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

  /** A guest has woken by itself: rings that nothing but looking tells of are watched again. */
  woken(): void {
    this.#path?.wake?.();
  }

  /** Waits until every journal has its last entry; `close` does the same where nothing has to be waited for. */
  async seal(): Promise<void> {
    for (const { machine } of this.#seats) await machine.seal();
  }

  /** What crossed the wire of the device. */
  wireRun(stampResolutionNs: number): WireRun {
    const lost = this.#seats.reduce((sum, seat) => sum + (seat.share?.lost ?? 0), 0);
    return this.link.wireRun(lost, stampResolutionNs);
  }

  /** Ends the run: the port is closed, journals are sealed, the trace gets its last blocks. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.link.close();
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    for (const seat of this.#seats) {
      seat.exits.sample();
      seat.machine.seal();
    }
    this.recorder.close();
  }

  /** Whether every guest but the companion has ended. */
  get isFinished(): boolean {
    return this.machines.every(({ name, activity }) => name === COMPANION || activity === 'ended');
  }

  /** Why the run is over, once every guest has ended: the first that did not pass, else the first. */
  finished(): StopReason {
    const bad = this.machines.find(({ name, end }) => name !== COMPANION && end?.kind !== 'pass');
    const end = (bad ?? this.machines[0]).end;
    return {
      kind: 'guest-finished',
      sentence: end?.sentence ?? 'the guest ended',
      code: bad === undefined ? 0 : Math.max(1, end?.code ?? 1),
    };
  }

  guestRuns(): GuestRun[] {
    return this.#seats.map(({ machine, collector, consoleBytes, guest }) => {
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
        ...measuredInterrupts(machine.interrupts, guest, this.#options.calibration),
      };
    });
  }

  /** A guest; the companion has no link to a device. */
  #seat(name: string, link: DeviceLink | undefined, guest: OpenGuest, bootargs: string | undefined): Seat<G> {
    const { request, clock, calibration, makeGuest } = this.#options;
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
      arrivals: () => (link ?? this.link).arrivals,
      recorded: (record, length, atNs, wireIndex) => {
        reports.data(record, 0, length, atNs, wireIndex < 0 ? 0 : (link?.packetOf(wireIndex) ?? 0));
      },
    });
    const machine = makeGuest({
      name,
      engine: request.cell.engine,
      image: guest.image,
      clock,
      ...(link?.acquisition === undefined ? {} : { acquisition: link.acquisition }),
      ...this.#sharing(name),
      reportRing: request.cell.architecture === 'partitioned',
      ...(bootargs === undefined ? {} : { bootargs }),
      journal: { chunk: (bytes) => void journal.data(bytes, 0, bytes.length, this.#now(machine)) },
      ...(calibration === undefined ? {} : { exitCostNs: exitCost(calibration) }),
      ...(request.limits?.instructions === undefined ? {} : { limits: { instructions: request.limits.instructions } }),
      onConsole: (byte) => {
        if (consoleBytes.length < CONSOLE_LIMIT) consoleBytes.push(byte);
      },
      onReport: (record, length, atNs) => collector.take(record, length, atNs),
    });
    const seat: Seat<G> = {
      guest,
      machine,
      collector,
      consoleBytes,
      exits: new ExitLog(machine, exitChannel, () => this.#now(machine)),
      share: undefined,
    };
    return seat;
  }

  /** Whom the trace names as the companion: of one that is alone in its process, itself. */
  #manifestCompanion(): OpenGuest | undefined {
    const { pairSide, guest, companion } = this.#options;
    return pairSide === 1 ? guest : companion;
  }

  /** What a guest with a companion, and the companion, are made with. */
  #sharing(name: string): Partial<MachineConfig> {
    const { request, companion, pairSide } = this.#options;
    const doorbell = request.cell.architecture === 'partitioned' ? 'ring' : 'register';
    const id = name === COMPANION ? 1 : 0;
    return {
      ...(companion === undefined && pairSide === undefined ? {} : { sharedMemory: { id, peer: 1 - id, doorbell } }),
      ...(request.interrupts === undefined || id === 1
        ? {}
        : { measuredInterrupts: interruptBits(request.interrupts) }),
    };
  }

  /** The journal's start is written while its machine is still being made. */
  #now(machine: G | undefined): number {
    return machine?.clock.now() ?? this.#options.clock.now();
  }
}

function guestNames(request: RunRequest): string[] {
  const count = request.guests ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MOST_GUESTS)
    throw new RigError(
      'RIG_PLAN',
      `${count} guests cannot share a device; give a whole number from 1 to ${MOST_GUESTS}`,
    );
  if (request.companion !== undefined && count !== 1)
    throw new RigError('RIG_PLAN', `a companion stands beside one guest, not beside ${count}`, {
      where: 'companion',
      hint: 'give the run one guest',
    });
  return Array.from({ length: count }, (_, i) => (count === 1 ? 'guest' : `guest-${i}`));
}
