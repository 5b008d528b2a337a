/** What a kind of device (serial, USB) does for a run: how it is recorded, what its guests see of it, and what crossed its wire. */

import type { Clock, Random } from '../../base/index.js';
import type { HalError } from '../../hal/index.js';
import type { AcquisitionConfig } from '../../vmm/index.js';
import type { Arrivals } from '../metrics/arrivals.js';
import type { RunRequest, WireRun } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import type { GuestUnit } from './guest-unit.js';
import type { StationLog } from './station-log.js';

/** One guest of the run, and how its bytes lie in the stream of the wire. */
export interface Share {
  /** Number on the wire (0 = first) of the guest's byte number `index` (0 = first). */
  wireIndex(index: number): number;
  /** Bytes from the device that this guest will never see. */
  readonly lost: number;
}

export interface JoinOptions {
  readonly clock: Clock;
  readonly machines: readonly GuestUnit[];
  readonly stations: StationLog;
  /** Virtual time charges what this says; in wall time the host does. */
  readonly calibration: Calibration | undefined;
  readonly random: Random;
  /** Told once when the device went away for good. */
  readonly lost: (error: HalError) => void;
}

/** What the path between the device and the guests hands back. */
export interface JoinedPath {
  /** One a machine, in their order. */
  readonly shares: readonly Share[];
  /** A guest wakes by itself: rings that nothing but looking tells of have to be watched again. */
  wake?(): void;
}

/** Made before the device is touched, with the recording armed. */
export interface DeviceLink {
  /** What the machine of each guest is given. */
  readonly acquisition: AcquisitionConfig | undefined;
  /** Bytes from the device so far. */
  readonly receivedCount: number;
  /** As the guests' reports see them, behind injected faults. */
  readonly arrivals: Arrivals;
  /** As the device sent them, whatever then became of them. */
  readonly sentArrivals: Arrivals;
  /** Id of the trace packet that holds byte `index` of the wire, 0 when none does. */
  packetOf(index: number): number;
  /** Opens the device; rejects with the error of its layer. */
  open(): Promise<void>;
  /** Joins the open device to the guests; once. */
  join(options: JoinOptions): JoinedPath;
  wireRun(lost: number, stampResolutionNs: number): WireRun;
  /** Closes the device, if it was opened. Idempotent. */
  close(): void;
  /** Resolves when it is closed and someone else may open it; at once when it never was open. */
  closed(): Promise<void>;
}

export const CELL_POLL_NS = 5_000;

/** Period of a cell's I/O loop while its guest runs, in virtual time; in wall time the loop turns as fast as it can, and polls itself. */
export function cellPollNs(clock: Clock): number | undefined {
  return clock.domain === 'virtual' ? CELL_POLL_NS : undefined;
}

/** How the device is called in the trace; names no file, so that a trace does not depend on where its input lay. */
export function deviceName(request: RunRequest): string {
  const { binding, profile } = request.cell;
  return binding === 'real' ? (request.port ?? `real:${profile}`) : `${binding}:${profile}`;
}
