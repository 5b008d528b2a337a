/** The transfers of the host that a replay holds, what will come of them, and when. */

import { TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import type { RecordedUrb } from '../trace/recorded-urbs.js';
import { endpointIndex } from './descriptors.js';

/** When completions come; what each means stands at `UsbReplayOptions`. */
export type ReplayPacing = 'causal' | 'gap' | 'device';

const MOST_SPARE = 64;
/** A host that is later than this with a command begins a stream of its own, later. */
const RESTART_NS = 50_000_000;
/** What was recorded behind a command waits so long for a host that does not give it. */
const PATIENCE_NS = 20_000_000;

export class Flight {
  urb: Urb | undefined;
  /** What was recorded in its place; undefined when it is settled without, or when its place has not been read yet. */
  recorded: RecordedUrb | undefined;
  /** How much later than recorded it goes on. */
  latenessNs = 0;
  /** Its end does not come from the recording but is known: `dueNs`, `status`, `actualLength`. */
  settled = false;
  dueNs = 0;
  status: number = URB_STATUS.ok;
  actualLength = 0;

  settle(dueNs: number, status: number, actualLength: number): void {
    this.settled = true;
    this.dueNs = dueNs;
    this.status = status;
    this.actualLength = actualLength;
  }
}

/** Statuses that only an action of the host brings about. */
export function isHostsDoing(status: number): boolean {
  return status === URB_STATUS.killed || status === URB_STATUS.unlinked;
}

/** Puts the recorded bytes into the host's buffer; answers how many. */
export function fillFrom(recorded: RecordedUrb, urb: Urb): number {
  if (!recorded.inbound) return Math.min(recorded.actualLength, urb.length);
  const count = Math.min(recorded.dataLength, urb.length);
  const { data } = urb;
  if (count > 64) data.set(recorded.data.subarray(0, count));
  else for (let i = 0; i < count; i++) data[i] = recorded.data[i];
  return count;
}

/** All transfers in flight; adding, moving and removing one allocates nothing in the long run. */
export class Flights {
  readonly all: Flight[] = [];
  readonly #spare: Flight[] = [];
  readonly #causal: boolean;
  readonly #ownClock: boolean;
  /** Of the device's own clock. */
  #deviceLatenessNs = 0;
  /** Completion packet that comes first, by endpoint. */
  readonly #firstOf = new Float64Array(32);

  constructor(pacing: ReplayPacing) {
    this.#causal = pacing !== 'gap';
    this.#ownClock = pacing === 'device';
  }

  /** The port is attached, so much later than the recording began. */
  start(latenessNs: number): void {
    this.#deviceLatenessNs = latenessNs;
  }

  add(urb: Urb): Flight {
    const flight = this.#spare.pop() ?? new Flight();
    flight.urb = urb;
    flight.recorded = undefined;
    flight.settled = false;
    flight.latenessNs = 0;
    this.all.push(flight);
    return flight;
  }

  remove(flight: Flight): void {
    this.all.splice(this.all.indexOf(flight), 1);
    flight.urb = undefined;
    flight.recorded = undefined;
    if (this.#spare.length < MOST_SPARE) this.#spare.push(flight);
  }

  /** `flight` is what was recorded as `recorded`, made now. What it tells the device delays what answered that. */
  place(flight: Flight, recorded: RecordedUrb, nowNs: number): void {
    const isControl = recorded.transferType === TRANSFER_TYPE.control;
    const hostLatenessNs = nowNs - recorded.submitNs;
    flight.recorded = recorded;
    flight.latenessNs = this.#isByItself(recorded) ? this.#deviceLatenessNs : hostLatenessNs;
    if (recorded.inbound && !isControl) return;
    // Less is the host's own delay, which does not shift the clock of a device.
    if (hostLatenessNs - this.#deviceLatenessNs > RESTART_NS) this.#deviceLatenessNs = hostLatenessNs;
    if (!this.#causal) return;
    for (const other of this.all) {
      const { recorded: before } = other;
      if (before === undefined || before.submitPacket >= recorded.submitPacket) continue;
      if (before.completePacket <= recorded.submitPacket) continue;
      const latenessNs = this.#isByItself(before) ? this.#deviceLatenessNs : flight.latenessNs;
      other.latenessNs = Math.max(other.latenessNs, latenessNs);
    }
  }

  /** What was submitted behind `done` on its endpoint goes on from here. */
  holdUp(done: RecordedUrb, nowNs: number): void {
    if (this.#isByItself(done)) return;
    for (const flight of this.all) {
      const { recorded } = flight;
      if (recorded === undefined || recorded === done || recorded.endpointAddress !== done.endpointAddress) continue;
      if (recorded.submitPacket > done.completePacket)
        flight.latenessNs = Math.max(flight.latenessNs, nowNs - recorded.submitNs);
    }
  }

  /**
   * The transfer that ends next, with `dueNs` set; undefined when none can end before the host does something. Completions
   * behind `gatePacket` wait for the host.
   */
  earliest(gatePacket: number): Flight | undefined {
    const firstOf = this.#firstOf.fill(Number.POSITIVE_INFINITY);
    for (const { recorded, settled } of this.all) {
      if (recorded === undefined || settled) continue;
      const at = queueOf(recorded);
      if (recorded.completePacket < firstOf[at]) firstOf[at] = recorded.completePacket;
    }
    let earliest: Flight | undefined;
    for (const flight of this.all) {
      const { recorded } = flight;
      if (!flight.settled) {
        if (recorded === undefined || !recorded.isComplete) continue;
        const isHeld = this.#causal && recorded.completePacket > gatePacket;
        if (isHeld && !this.#ownClock) continue;
        if (isHostsDoing(recorded.status) || firstOf[queueOf(recorded)] !== recorded.completePacket) continue;
        // A device with a clock of its own does not wait for its host for ever.
        flight.dueNs = recorded.completeNs + flight.latenessNs + (isHeld ? PATIENCE_NS : 0);
      }
      if (earliest === undefined || comesBefore(flight, earliest)) earliest = flight;
    }
    return earliest;
  }

  /** What goes by the clock of a device that has one: what it sends, and interrupt transfers, whose slots the bus gives. */
  #isByItself({ inbound, transferType }: RecordedUrb): boolean {
    const isPaced = transferType === TRANSFER_TYPE.interrupt || (inbound && transferType !== TRANSFER_TYPE.control);
    return this.#ownClock && isPaced;
  }
}

/** Control transfers of both directions wait in one queue. */
function queueOf({ endpointAddress }: RecordedUrb): number {
  return (endpointAddress & 0x0f) === 0 ? 0 : endpointIndex(endpointAddress);
}

function comesBefore(flight: Flight, other: Flight): boolean {
  if (flight.dueNs !== other.dueNs) return flight.dueNs < other.dueNs;
  return orderOf(flight) < orderOf(other);
}

function orderOf({ recorded, settled }: Flight): number {
  return settled ? -1 : (recorded?.completePacket ?? -1);
}
