/** The contract between plans, reports and the command line on one side, and the wiring that performs a run on the other. */

import type { ClockDomain } from '../../base/index.js';
import type { Arrivals } from '../metrics/arrivals.js';

/** What stands behind the HAL port. `remote` is reserved and not accepted yet. */
export type Binding = 'sim' | 'replay' | 'real';
export type Architecture = 'hosted' | 'partitioned';
/** How the guest reaches its device. `ring` in the partitioned architecture and nowhere else. */
export type Frontend = 'emulated' | 'paravirtual' | 'ring';
export type Engine = 'interpreter' | 'translator';

export const BINDINGS: readonly Binding[] = ['sim', 'replay', 'real'];
export const ARCHITECTURES: readonly Architecture[] = ['hosted', 'partitioned'];
export const HOSTED_FRONTENDS: readonly Frontend[] = ['emulated', 'paravirtual'];
export const ENGINES: readonly Engine[] = ['interpreter', 'translator'];
/** What runs a plan that names no engine and is asked for none: results do not depend on it. */
export const DEFAULT_ENGINE: Engine = 'interpreter';

/** One combination in which a plan runs. */
export interface MatrixCell {
  /** Title of the plan. */
  readonly plan: string;
  /** Name of the profile, as in `hardware-profiles/NAME.json`. */
  readonly profile: string;
  readonly binding: Binding;
  readonly architecture: Architecture;
  readonly frontend: Frontend;
  readonly engine: Engine;
  /** Name (without folder) of the recording, in cells with binding `replay`. */
  readonly recording?: string;
}

/** Values for the simulator that a plan sets over those of the profile, checked by the profile's schema. */
export type SimulatorOverrides = Readonly<Record<string, unknown>>;

/** Bounds of one run; passing one ends the run with `stop.kind === 'limit'`. */
export interface RunLimits {
  /** Host time for the whole run, certification included. */
  readonly wallMs?: number;
  /** Instructions of one guest. */
  readonly instructions?: number;
  /** Reports of one guest. */
  readonly reports?: number;
}

export interface Companion {
  /** Name of a guest, or path of an ELF file with a manifest beside it. */
  readonly guest: string;
  readonly bootargs?: string;
}

/** Which of the guests of a run has a window of a schedule. */
export type WindowOwner = 'guest' | 'companion';

/** When each of two cells runs that share a core: windows of a frame that repeats for ever, in order and not overlapping. */
export interface RunSchedule {
  readonly periodNs: number;
  readonly windows: readonly {
    readonly owner: WindowOwner;
    /** From the start of the frame. */
    readonly offsetNs: number;
    readonly durationNs: number;
  }[];
}

/** What an interrupt can wait at most, and how that is composed. */
export interface InterruptBound {
  readonly ns: number;
  /** A line for each part. */
  readonly composition: readonly string[];
}

export interface RunRequest {
  readonly cell: MatrixCell;
  /** Name of a guest (`guests/NAME`), or path of an ELF file with a manifest beside it. */
  readonly guest: string;
  /** Length of the run on the clock of its binding (virtual for `sim` and `replay`, wall for `real`). */
  readonly durationNs: number;
  readonly seed: string;
  /** What the guest finds in `/chosen/bootargs`: how it is to acquire. */
  readonly bootargs?: string;
  /** Existing folder that the run may fill; the trace goes there. */
  readonly outDir: string;
  /** File name of the trace in `outDir`; `trace.pcapng` when absent. */
  readonly traceName?: string;
  readonly simulator?: SimulatorOverrides;
  /** Faults on the wire, checked by the wiring: the configuration of the HAL's fault decorator. */
  readonly faults?: Readonly<Record<string, unknown>>;
  /** Trace or foreign log, in cells with binding `replay`. */
  readonly replayPath?: string;
  /** Device path, in cells with binding `real`. */
  readonly port?: string;
  /** How many guests share the one device (hosted only); 1 when absent. */
  readonly guests?: number;
  /** A guest of another image beside the first, without a device, joined to it by shared memory. */
  readonly companion?: Companion;
  /** Interrupts of the guest whose latency is measured, by name (`timer`, `external`, `doorbell`, `sharedMemory`, `software`). */
  readonly interrupts?: readonly string[];
  /** Of a cell and its companion's on one core; in wall time, partitioned. Each has a core of its own when absent, if there are two. */
  readonly schedule?: RunSchedule;
  readonly limits?: RunLimits;
  /** Whether a cell asks its host for a core, real-time priority and locked memory; true when absent. */
  readonly realTime?: boolean;
  /** Of a run in wall time: keeps each passage of a station, not the percentiles alone. */
  readonly keepPassages?: boolean;
  readonly abort?: AbortSignal;
  readonly progress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  readonly phase: 'preparing' | 'running' | 'certifying';
  /** On the run's clock. */
  readonly elapsedNs: number;
  readonly durationNs: number;
  /** Reports so far, of all guests. */
  readonly reports: number;
  /** Bytes from the device so far. */
  readonly characters: number;
}

/** One report record, decoded by the guest's manifest. */
export interface GuestReport {
  /** Name of the channel as the manifest gives it; `channel-N` for a number it does not name. */
  readonly channel: string;
  /** Name of the record type; `type-N` for a number the manifest does not name. */
  readonly type: string;
  readonly sequence: number;
  /** Payload fields by name, as sent (unit and scale stand in the manifest); 64-bit integers are exact up to 2^53. */
  readonly fields: Readonly<Record<string, number>>;
  /** The guest's own clock when it made the record. */
  readonly guestTimeNs: number;
  /** When the rig received it, on the clock of the run. */
  readonly reportedAtNs: number;
  /**
   * When the last character of the message that caused it was complete on the wire, on the clock of the run; absent
   * when the record names no place in the stream, or one that never came.
   */
  readonly causeNs?: number;
}

export interface GuestExits {
  /** Count by `VmExit` reason, and by device where the reason is an access. */
  readonly byReason: Readonly<Record<string, number>>;
  /** Exits that moving acquisition data caused. */
  readonly dataPath: number;
  /** Exits because the guest waited. */
  readonly idle: number;
}

export interface GuestRun {
  readonly name: string;
  /** Retired instructions. */
  readonly instret: number;
  readonly exits: GuestExits;
  readonly console: string;
  /** In the order received. */
  readonly reports: readonly GuestReport[];
  /** Reports the guest dropped for lack of room in its report ring. */
  readonly reportsDropped?: number;
  /** Latency samples by interrupt name, in nanoseconds, where the path measures them. */
  readonly interrupts?: Readonly<Record<string, ArrayLike<number>>>;
  /** Bounds by interrupt name, where the guest's image allows one to be computed. */
  readonly interruptBounds?: Readonly<Record<string, InterruptBound>>;
}

/** What a serial line adds to what every wire tells. */
export interface LineErrors {
  readonly parityErrors: number;
  readonly framingErrors: number;
  readonly breaks: number;
}

/** What USB adds: transfers by how they went, control transfers included. */
export interface UrbCounts {
  readonly submitted: number;
  /** Completed with status 0. */
  readonly completed: number;
  readonly stalled: number;
  /** Taken back by the guest or ended by a reset. */
  readonly unlinked: number;
  /** Ended by anything else: unplugged, protocol error, overflow. */
  readonly failed: number;
  /** Of all: control transfers. */
  readonly control: number;
}

/** What crossed the wire between the device and the guests. A byte is a character of a serial line, or one of the data of a bulk or interrupt transfer. */
export interface WireRun {
  /** Bytes that were complete on the wire towards the guest. */
  readonly received: number;
  /** Bytes the guests sent. */
  readonly transmitted: number;
  /** When each received byte was complete on the wire, on the clock of the run. */
  readonly arrivals: Arrivals;
  /** Bytes lost between the wire and the guests (FIFO, buffers, ring), all guests together. */
  readonly overruns: number;
  readonly line?: LineErrors;
  readonly urbs?: UrbCounts;
  /** Faults injected, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** Time resolution and clock error of the stamps above, for derived limits and uncertainty. */
  readonly stampResolutionNs: number;
}

/** What the simulated receiver knows to be true at one epoch. */
export interface TruthEpoch {
  /** Unix time of the epoch in ms, as sent. */
  readonly utcMs: number;
  /** On the clock of the run. */
  readonly atNs: number;
  /** When the last character of this epoch's messages was complete on the wire; absent when it was not sent to the end. */
  readonly sentNs?: number;
  /** 1e-9 degrees. */
  readonly latE9: number;
  readonly lonE9: number;
  readonly altMm: number;
  /** 1 no fix, 2 = 2D, 3 = 3D. */
  readonly mode: number;
  readonly satellites: number;
}

/** One scan of a simulated converter, and every code it gave. */
export interface ScanEvidence {
  readonly startNs: number;
  readonly periodNs: number;
  /** Channel numbers in the order of the samples. */
  readonly channels: readonly number[];
  /** Scans taken. */
  readonly scans: number;
  /** When one found no room in the device's FIFO; absent when none did. */
  readonly overrunNs?: number;
  /** The code of `channel` in scan `index` (0 = first). */
  code(channel: number, index: number): number;
}

/** A clock that the profile, the board or the host declares; limits are derived from these. */
export interface DeclaredClock {
  /** `device`, `guest` or `stamps`. */
  readonly name: string;
  /** Greatest rate error, in parts per million. */
  readonly ppm: number;
  /** Its quantum: sample period, tick, character time. */
  readonly quantumNs: number;
}

/** Time spent at one station of the I/O path. */
/** Where the costs of a path come from. */
export interface CostModel {
  readonly name: string;
  readonly provenance: string;
  /** How well it predicts the machine that it was made on; absent where nobody has measured that. */
  readonly prediction?: readonly LatencyPrediction[];
}

/** Round trips of characters through a guest: what virtual time said of them, and what they then took in wall time. */
export interface LatencyPrediction {
  readonly architecture: Architecture;
  readonly frontend: Frontend;
  readonly exchanges: number;
  readonly predictedNs: { readonly p50: number; readonly p99: number };
  readonly measuredNs: { readonly p50: number; readonly p99: number };
}

/** Towards the guest, or from it. */
export type Direction = 'in' | 'out';

/** One passage of a station in wall time; nanoseconds of `CLOCK_MONOTONIC`, so that those of several processes can be compared. */
export interface StationPassage {
  readonly station: string;
  readonly direction: Direction;
  readonly fromNs: number;
  readonly toNs: number;
}

export interface StationSummary {
  readonly station: string;
  readonly direction: Direction;
  readonly count: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

export interface Certification {
  readonly certified: boolean;
  /** Why, for a person. */
  readonly sentence: string;
  /** Hash over everything the guests gave out (reports, console, transmitted characters). */
  readonly outputDigest: string;
  readonly ramDigest: string;
  readonly instret: number;
}

export interface TraceFile {
  readonly path: string;
  readonly sha256: string;
  readonly blocks: number;
  readonly bytes: number;
}

export interface StopReason {
  readonly kind: 'duration' | 'guest-finished' | 'limit' | 'aborted' | 'device-lost' | 'trace-ended';
  /** What happened, for a person. */
  readonly sentence: string;
  /** Exit code of the guest, with `guest-finished`. */
  readonly code?: number;
  /** Which bound, with `limit`. */
  readonly limit?: 'wall' | 'instructions' | 'reports';
  /** Error of the device, with `device-lost`. */
  readonly cause?: unknown;
}

/** How a cell was placed on its host, and what disturbed it there. Never part of `run.json`: it differs from run to run. */
export interface PlacementRun {
  /** One sentence for each thing that the cell asked its host for. */
  readonly grants: readonly { readonly what: string; readonly granted: boolean; readonly sentence: string }[];
  /** Pauses of the garbage collector in the cell while its guest ran. */
  readonly collections: { readonly count: number; readonly totalMs: number; readonly longestMs: number };
}

/** What a companion in a cell of its own has left. */
export interface CompanionRun {
  /** Absent when it left none. */
  readonly trace?: TraceFile;
  /** Why there is nothing of it but its trace; absent when its run came to its end. */
  readonly lost?: string;
}

/** Where the times of what came from the device come from. */
export type Pacing =
  /** The device's own, in wall time. */
  | 'physical'
  /** A simulator's timing model. */
  | 'modelled'
  /** Stamps of a recording. */
  | 'recorded'
  /** Inferred from a log without stamps: order and gaps mean something, jitter does not. */
  | 'reconstructed';

export interface RunResult {
  readonly cell: MatrixCell;
  readonly clockDomain: ClockDomain;
  readonly pacing: Pacing;
  /** How long the run lasted on its clock. */
  readonly durationNs: number;
  readonly guests: readonly GuestRun[];
  readonly wire: WireRun;
  /** What the simulator knows; absent with other bindings. */
  readonly truth?: readonly TruthEpoch[];
  /** Of a simulated converter; absent with other bindings and devices. */
  readonly scans?: readonly ScanEvidence[];
  readonly clocks: readonly DeclaredClock[];
  readonly stations?: readonly StationSummary[];
  /** Of a cell in wall time. */
  readonly placement?: PlacementRun;
  readonly certification: Certification;
  readonly trace: TraceFile;
  /** Of a companion in a cell of its own. */
  readonly companion?: CompanionRun;
  readonly stop: StopReason;
  /** The cost model of the path, or what says that times are measured. */
  readonly calibration: CostModel;
}

/** Performs runs. `execute` rejects with a coded error when a run cannot start or the rig fails; how a run ended is `stop`. */
export interface RunExecutor {
  execute(request: RunRequest): Promise<RunResult>;
}
