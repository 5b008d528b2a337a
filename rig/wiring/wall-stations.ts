/** Stamps the stations of the I/O path in wall time: who owns the device, the way to it and back, and the guest's door. */

import type { WallClock } from '../../base/index.js';
import type { HostExchange, HostProvider } from '../../hal/index.js';
import type { Architecture, Direction } from '../run/run-types.js';
import type { StationName } from './calibration.js';
import type { StationLog } from './station-log.js';

/** Requests that carry data from the guest to the device. */
const OUTWARD: ReadonlySet<string> = new Set(['write', 'sendFeature', 'transferOut', 'controlOut']);
/** Requests whose answer is data for the guest. */
const INWARD: ReadonlySet<string> = new Set(['transferIn', 'controlIn', 'getFeature']);

/**
 * Hosted, inwards: `ioProcess` from the read in the I/O process to its message here, `driver` from there to the guest's
 * frontend. Outwards: `frontend` from the guest to the driver's thread, `driver` from there to the request, `ioProcess` to
 * its arrival in the I/O process, `hostOs` until the library was done. Partitioned, `cellLoop` takes the place of all but
 * `hostOs`. For a transfer that the guest asks for, `hostOs` includes the bus and the device.
 */
export class WallStations {
  readonly #clock: WallClock;
  readonly #log: StationLog;
  readonly #isHosted: boolean;
  /** Since when the latest data from the device waits here. */
  #arrivedNs = Number.POSITIVE_INFINITY;
  /** When the latest burst of a guest came to this thread. */
  #takenNs = Number.NaN;

  constructor(clock: WallClock, log: StationLog, architecture: Architecture) {
    this.#clock = clock;
    this.#log = log;
    this.#isHosted = architecture === 'hosted';
  }

  /** As `hosts`, with the ways of its requests stamped. */
  stamped(hosts: HostProvider): HostProvider {
    return {
      connect: (factory, where) => {
        const connection = hosts.connect(factory, where);
        connection.onAnswered = (exchange) => this.#answered(exchange);
        // The type parameters are the caller's.
        return connection as never;
      },
    };
  }

  /** Data that the owner of the device had at `readNs` are here. */
  arrived(readNs: number): void {
    const nowNs = this.#clock.now();
    if (this.#isHosted) this.#passed('ioProcess', 'in', readNs, nowNs);
    this.#arrivedNs = this.#isHosted ? nowNs : readNs;
  }

  /** A burst, handed over at `fromNs`, was let into the guest at `toNs`. */
  readonly handover = (fromNs: number, toNs: number): void => {
    this.#passed(this.#isHosted ? 'driver' : 'cellLoop', 'in', Math.min(fromNs, this.#arrivedNs), toNs);
    this.#arrivedNs = Number.POSITIVE_INFINITY;
  };

  /** What a guest sent at `fromNs` is here. */
  readonly departure = (fromNs: number): void => {
    this.#takenNs = this.#clock.now();
    this.#passed('frontend', 'out', fromNs, this.#takenNs);
  };

  #answered({ op, askedNs, heardNs, doneNs, answeredNs }: HostExchange): void {
    const isInward = INWARD.has(op);
    if (!isInward && !OUTWARD.has(op)) return;
    const clock = this.#clock;
    const asked = clock.fromMonotonic(askedNs);
    const heard = clock.fromMonotonic(heardNs);
    const done = clock.fromMonotonic(doneNs);
    if (this.#isHosted) {
      if (this.#takenNs <= asked) this.#passed('driver', 'out', this.#takenNs, asked);
      this.#passed('ioProcess', 'out', asked, heard);
    }
    this.#takenNs = Number.NaN;
    this.#passed('hostOs', 'out', heard, done);
    if (!isInward) return;
    const answered = clock.fromMonotonic(answeredNs);
    if (this.#isHosted) this.#passed('ioProcess', 'in', done, answered);
    this.#arrivedNs = this.#isHosted ? answered : done;
  }

  #passed(station: StationName, direction: Direction, fromNs: number, toNs: number): void {
    this.#log.passed(station, direction, Math.min(fromNs, toNs), toNs);
  }
}
