/** A decorator that damages what crosses a USB port, from a seed, and tells each thing it did. */

import { type Clock, createRandom, type Random, Timer, TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { EndpointTable } from './endpoint-table.js';
import {
  type CheckedUsbFaults,
  checkUsbFaults,
  TRANSFER_FAULTS,
  type TransferFault,
  type UsbFaultListener,
  type UsbFaultPlan,
} from './fault-plan.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

export interface UsbFaultOptions {
  readonly clock: Clock;
  readonly seed: string;
  readonly plan: UsbFaultPlan;
  readonly listener: UsbFaultListener;
}

interface Delayed {
  readonly urb: Urb;
  readonly timer: Timer;
}

class FaultyUsbPort implements UsbPort, UsbSink {
  readonly name: string;
  readonly description: UsbDescription;
  readonly #port: UsbPort;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #plan: CheckedUsbFaults;
  readonly #listener: UsbFaultListener;
  readonly #table: EndpointTable;
  /** Transfers the port has, by what shall become of them. */
  readonly #inFlight = new Map<Urb, TransferFault | undefined>();
  readonly #shortened = new Map<Urb, number>();
  /** How long transfers with an appointed delay are held, where that appointment says. */
  readonly #delayNs = new Map<Urb, number>();
  /** Taken back from the port, to be given to it again behind one whose bytes were dropped. */
  readonly #requeued = new Set<Urb>();
  readonly #delayed = new Set<Delayed>();
  readonly #appointments: CheckedUsbFaults['events'];
  readonly #plugging: Timer[] = [];
  #sink: UsbSink | undefined;
  /** Transfers of data so far. */
  #transfers = 0;
  #present = true;
  /** Over before they have begun; told in a turn of their own. */
  #refused: Urb[] = [];
  readonly #refusal = new Timer(() => this.#tellRefused());

  constructor(port: UsbPort, { clock, seed, plan, listener }: UsbFaultOptions) {
    this.name = port.name;
    this.description = port.description;
    this.#port = port;
    this.#clock = clock;
    this.#random = createRandom(seed);
    this.#plan = checkUsbFaults(plan);
    this.#listener = listener;
    this.#table = new EndpointTable(port.description);
    this.#appointments = [...this.#plan.events].filter(({ kind }) => kind !== 'unplug');
  }

  attach(sink: UsbSink): void {
    this.#sink = sink;
    this.#port.attach(this);
    for (const { kind, atNs = 0, durationNs } of this.#plan.events) {
      if (kind !== 'unplug') continue;
      const timer = new Timer(() => this.#unplug(durationNs));
      this.#plugging.push(timer);
      this.#clock.schedule(timer, Math.max(this.#clock.now(), atNs));
    }
  }

  submit(urb: Urb): void {
    if (!this.#present) {
      this.#refuse(urb, URB_STATUS.noDevice);
      return;
    }
    const fault = urb.transferType === TRANSFER_TYPE.control ? undefined : this.#draw(urb);
    if (fault === 'stall') {
      this.#tell('stall', urb, 0);
      this.#refuse(urb, URB_STATUS.stall);
      return;
    }
    this.#inFlight.set(urb, fault);
    if (fault === 'shortRead') this.#shorten(urb);
    this.#port.submit(urb);
  }

  cancel(urb: Urb): void {
    for (const delayed of this.#delayed)
      if (delayed.urb === urb) {
        this.#clock.cancel(delayed.timer);
        this.#delayed.delete(delayed);
        this.#sink?.completed(urb);
        return;
      }
    this.#requeued.delete(urb);
    if (this.#inFlight.has(urb)) this.#port.cancel(urb);
  }

  reset(): void {
    this.#endDelayed();
    if (this.#present) this.#port.reset();
  }

  close(): void {
    this.#clock.cancel(this.#refusal);
    for (const timer of this.#plugging) this.#clock.cancel(timer);
    this.#endDelayed();
    this.#tellRefused();
    this.#port.close();
  }

  completed(urb: Urb): void {
    if (this.#requeued.delete(urb) && urb.status === URB_STATUS.unlinked && this.#present) {
      if (urb.actualLength > 0) this.#tell('drop', urb, urb.actualLength);
      this.#resubmit(urb, this.#inFlight.get(urb));
      return;
    }
    const fault = this.#inFlight.get(urb);
    const delayNs = this.#delayNs.get(urb) ?? this.#plan.durationNs;
    this.#inFlight.delete(urb);
    this.#delayNs.delete(urb);
    const whole = this.#shortened.get(urb);
    if (whole !== undefined) {
      urb.length = whole;
      this.#shortened.delete(urb);
    }
    if (urb.transferType === TRANSFER_TYPE.control && urb.status === URB_STATUS.ok) this.#table.accepted(urb.setup);
    if (!this.#present) this.#sink?.completed(urb);
    else if (fault === undefined || urb.status !== URB_STATUS.ok) this.#complete(urb);
    else this.#strike(urb, fault, delayNs);
  }

  plugged(present: boolean): void {
    this.#sink?.plugged?.(present);
  }

  disconnected(error: HalError): void {
    this.#sink?.disconnected(error);
  }

  /** What becomes of this transfer; the draw is made for every one, so that a rate does not shift the others. */
  #draw(urb: Urb): TransferFault | undefined {
    const number = this.#transfers++;
    const index = this.#appointments.findIndex(
      ({ atTransfer, atNs }) => atTransfer === number || (atNs !== undefined && atNs <= this.#clock.now()),
    );
    let draw = this.#random.float();
    if (index >= 0) {
      const [{ kind, durationNs }] = this.#appointments.splice(index, 1);
      if (kind === 'delay' && durationNs !== undefined) this.#delayNs.set(urb, durationNs);
      return this.#possible(kind as TransferFault, urb);
    }
    for (const kind of TRANSFER_FAULTS) {
      draw -= this.#plan[kind];
      if (draw < 0) return this.#possible(kind, urb);
    }
    return undefined;
  }

  /** Nothing can vanish from a transfer to the device, because it is the host's memory. */
  #possible(kind: TransferFault, urb: Urb): TransferFault | undefined {
    const needsInbound = kind === 'drop' || kind === 'corrupt' || kind === 'shortRead';
    return needsInbound && !urb.inbound ? undefined : kind;
  }

  #shorten(urb: Urb): void {
    const packet = this.#table.find(urb.endpointAddress)?.maxPacketBytes ?? urb.length;
    if (urb.length <= packet) return;
    this.#shortened.set(urb, urb.length);
    urb.length = packet;
    this.#tell('shortRead', urb, 0);
  }

  #strike(urb: Urb, fault: TransferFault, delayNs: number): void {
    switch (fault) {
      case 'drop':
        this.#tell('drop', urb, urb.actualLength);
        this.#waitOn(urb);
        return;
      case 'corrupt':
        if (urb.actualLength > 0) {
          const bit = this.#random.below(8 * urb.actualLength);
          urb.data[bit >> 3] ^= 1 << (bit & 7);
          this.#tell('corrupt', urb, 1);
        }
        break;
      case 'delay':
        this.#delay(urb, delayNs);
        return;
      case 'protocol':
        this.#tell('protocol', urb, 0);
        urb.status = URB_STATUS.protocol;
        break;
      default:
        break;
    }
    this.#complete(urb);
  }

  /** It gets what comes next, before those that wait behind it: they go to the end of the port's queue, in their order. */
  #waitOn(urb: Urb): void {
    const behind = [...this.#inFlight.keys()].filter(
      ({ transferType, endpointAddress }) =>
        transferType === urb.transferType && endpointAddress === urb.endpointAddress,
    );
    this.#resubmit(urb, undefined);
    for (const other of behind) {
      this.#requeued.add(other);
      this.#port.cancel(other);
    }
  }

  #resubmit(urb: Urb, fault: TransferFault | undefined): void {
    this.#inFlight.delete(urb);
    this.#inFlight.set(urb, fault);
    this.#port.submit(urb);
  }

  #delay(urb: Urb, delayNs: number): void {
    this.#tell('delay', urb, 0);
    this.#completeAt(urb, Math.max(this.#clock.now() + delayNs, this.#delayedUntil(urb)));
  }

  /** Transfers of an endpoint complete in order: behind a delayed one the next ones wait. */
  #complete(urb: Urb): void {
    const untilNs = this.#delayedUntil(urb);
    if (untilNs === 0) this.#sink?.completed(urb);
    else this.#completeAt(urb, untilNs);
  }

  /** When the last completion that its endpoint holds back will be told; 0 when it holds none. */
  #delayedUntil({ transferType, endpointAddress }: Urb): number {
    let untilNs = 0;
    for (const { urb, timer } of this.#delayed)
      if (urb.transferType === transferType && urb.endpointAddress === endpointAddress) untilNs = timer.dueNs;
    return untilNs;
  }

  #completeAt(urb: Urb, atNs: number): void {
    const delayed: Delayed = {
      urb,
      timer: new Timer(() => {
        this.#delayed.delete(delayed);
        this.#sink?.completed(urb);
      }),
    };
    this.#delayed.add(delayed);
    this.#clock.schedule(delayed.timer, atNs);
  }

  /** What had come is the host's, only later; at the end of everything it comes now. */
  #endDelayed(): void {
    for (const { urb, timer } of this.#delayed) {
      this.#clock.cancel(timer);
      this.#sink?.completed(urb);
    }
    this.#delayed.clear();
  }

  #unplug(durationNs: number | undefined): void {
    if (!this.#present) return;
    this.#endDelayed();
    this.#present = false;
    this.#table.configure(0);
    this.#listener.fault({ kind: 'unplug', atNs: this.#clock.now(), endpointAddress: 0, transfer: -1, bytes: 0 });
    const waiting = [...this.#inFlight.keys()];
    const sink = this.#sink;
    // The port's own end of them is not told: for the host they end because the device has gone.
    for (const urb of waiting) this.#inFlight.set(urb, undefined);
    this.#sink = undefined;
    this.#port.reset();
    this.#sink = sink;
    for (const urb of waiting) {
      urb.status = URB_STATUS.shutdown;
      sink?.completed(urb);
    }
    sink?.plugged?.(false);
    if (durationNs === undefined) return;
    const timer = new Timer(() => this.#replug());
    this.#plugging.push(timer);
    this.#clock.schedule(timer, this.#clock.now() + durationNs);
  }

  #replug(): void {
    this.#present = true;
    this.#listener.fault({ kind: 'replug', atNs: this.#clock.now(), endpointAddress: 0, transfer: -1, bytes: 0 });
    this.#sink?.plugged?.(true);
  }

  #refuse(urb: Urb, status: number): void {
    urb.status = status;
    urb.actualLength = 0;
    this.#refused.push(urb);
    if (!this.#refusal.armed) this.#clock.schedule(this.#refusal, this.#clock.now());
  }

  #tellRefused(): void {
    const refused = this.#refused;
    this.#refused = [];
    for (const urb of refused) this.#sink?.completed(urb);
  }

  #tell(kind: TransferFault, urb: Urb, bytes: number): void {
    this.#listener.fault({
      kind,
      atNs: this.#clock.now(),
      endpointAddress: urb.endpointAddress,
      transfer: this.#transfers - 1,
      bytes,
    });
  }
}

/** `port` with the faults of `plan`, the same for the same seed. Throws `HAL_INVALID` for a plan that does not fit. */
export function injectUsbFaults(port: UsbPort, options: UsbFaultOptions): UsbPort {
  return new FaultyUsbPort(port, options);
}
