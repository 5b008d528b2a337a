/**
 * The bus in front of one simulated device: transaction after transaction, none across a frame's end, interrupt
 * endpoints first, then control and bulk in turn (USB 2.0, sections 5.11 and 8.5).
 */

import { type Clock, ENDPOINT_IN, Timer, TRANSFER_TYPE, URB_FLAGS, URB_STATUS, type Urb } from '../../base/index.js';
import { type BusTiming, busTiming } from './bus-timing.js';
import { ControlPipe } from './control-pipe.js';
import { endpointIndex, parseDevice, type UsbEndpoint } from './descriptors.js';
import { Pipe } from './pipe.js';
import { StandardRequests } from './standard-requests.js';
import { HANDSHAKE, type UsbPeripheral } from './usb-peripheral.js';
import type { UsbDescription } from './usb-port.js';

/** Largest packet of any endpoint. */
const LARGEST_PACKET = 1024;
const NOT_DONE = 1;

/**
 * Runs on a timeline of its own that never passes the clock: on a virtual clock every transaction ends at its nanosecond;
 * on a wall clock whose timers are late it catches up, so that bandwidth does not depend on the host's timer resolution.
 */
export class SimulatedBus {
  readonly #clock: Clock;
  readonly #device: UsbPeripheral;
  readonly #completed: (urb: Urb) => void;
  readonly #timing: BusTiming;
  readonly #requests: StandardRequests;
  readonly #control: ControlPipe;
  readonly #pipes: (Pipe | undefined)[] = new Array(32).fill(undefined);
  /** What each of them is for. */
  readonly #endpoints: (UsbEndpoint | undefined)[] = new Array(32).fill(undefined);
  /** Those that exist, in the order in which they are asked. */
  #active: Pipe[] = [];
  /** Transfers that are over before they have begun. */
  readonly #refused: Urb[] = [];
  readonly #timer = new Timer(() => this.#work());
  readonly #scratch = new Uint8Array(LARGEST_PACKET);
  /** The pipe whose transaction is on the bus, and when it ends. */
  #busy: Pipe | undefined;
  #endNs = 0;
  /** What the transaction on the bus will have brought, or a handshake. */
  #outcome = 0;
  /** The bus is free from then on. */
  #freeNs = 0;
  #turn = 0;
  #working = false;

  constructor(clock: Clock, device: UsbPeripheral, completed: (urb: Urb) => void) {
    this.#clock = clock;
    this.#device = device;
    this.#completed = completed;
    this.#timing = busTiming(device.description.speed);
    this.#requests = new StandardRequests(device.description, {
      configured: (value) => {
        this.#openPipes();
        device.configured(value);
      },
      alternate: (interfaceNumber, setting) => {
        this.#openPipes(interfaceNumber);
        device.alternate?.(interfaceNumber, setting);
      },
      // A transfer that waits at a NAK meets the halt at the next token.
      halted: (address) => this.ready(address),
      haltCleared: (address) => device.haltCleared?.(address),
    });
    const packet0 = controlPacketBytes(device.description);
    this.#control = new ControlPipe(new Pipe(0, TRANSFER_TYPE.control, packet0, 0), this.#requests, device);
    this.#active = [this.#control.pipe];
  }

  submit(urb: Urb): void {
    const pipe = this.#pipeOf(urb);
    if (pipe === undefined) {
      this.refuse(urb, URB_STATUS.stall);
      return;
    }
    if (pipe.count === 0 && pipe.type === TRANSFER_TYPE.interrupt) this.#due(pipe, this.#clock.now());
    pipe.push(urb);
    this.#kick();
  }

  /** Completes it with `status` as soon as whoever submitted it has returned. */
  refuse(urb: Urb, status: number): void {
    urb.status = status;
    this.#refused.push(urb);
    this.#kick();
  }

  cancel(urb: Urb): void {
    const pipe = this.#pipeOf(urb);
    if (pipe === undefined) return;
    if (pipe.first === urb) {
      // A packet that is on the bus arrives: what has been sent by the device cannot be sent back.
      if (this.#busy === pipe) pipe.cancelled = true;
      else this.#finish(pipe, URB_STATUS.unlinked);
    } else if (pipe.remove(urb)) {
      this.#tell(urb, URB_STATUS.unlinked, 0);
    }
  }

  /** The device would no longer answer NAK. */
  ready(endpointAddress: number): void {
    const pipe = this.#pipes[endpointIndex(endpointAddress)];
    if (pipe === undefined || !pipe.asleep) return;
    pipe.asleep = false;
    if (pipe.count === 0) return;
    if (pipe.type === TRANSFER_TYPE.interrupt) this.#due(pipe, this.#clock.now());
    this.#kick();
  }

  /** Bus reset: what is in flight is unlinked, the device unconfigured. */
  reset(): void {
    this.end(URB_STATUS.unlinked);
    this.#requests.reset();
  }

  /** Completes everything with `status`; the bus is idle. */
  end(status: number): void {
    this.#clock.cancel(this.#timer);
    this.#busy = undefined;
    for (const pipe of [...this.#active]) for (let left = pipe.count; left > 0; left--) this.#finish(pipe, status);
    this.#flushRefused();
  }

  /** Nothing happens any more. */
  close(): void {
    this.#flushRefused();
    this.#clock.cancel(this.#timer);
  }

  #pipeOf(urb: Urb): Pipe | undefined {
    if (urb.transferType === TRANSFER_TYPE.control) return this.#control.pipe;
    const pipe = this.#pipes[endpointIndex(urb.endpointAddress)];
    return pipe?.type === urb.transferType ? pipe : undefined;
  }

  /**
   * Makes the pipes of the present configuration, or of one interface's present setting; transfers of those that go are
   * unlinked.
   */
  #openPipes(interfaceNumber?: number): void {
    const { table } = this.#requests;
    const own = interfaceNumber === undefined ? undefined : (table.alternateOf(interfaceNumber)?.endpoints ?? []);
    const gone: Pipe[] = [];
    for (let index = 0; index < 32; index++) {
      const endpoint = table.find((index & 0x0f) | (index >= 16 ? ENDPOINT_IN : 0));
      const old = this.#pipes[index];
      if (
        own !== undefined &&
        endpoint === this.#endpoints[index] &&
        (endpoint === undefined || !own.includes(endpoint))
      )
        continue;
      if (old !== undefined) gone.push(old);
      this.#endpoints[index] = endpoint;
      this.#pipes[index] = endpoint === undefined ? undefined : this.#pipeFor(endpoint);
    }
    const pipes = this.#pipes.filter((pipe) => pipe !== undefined);
    this.#active = [...pipes.filter(isPeriodic), this.#control.pipe, ...pipes.filter((pipe) => !isPeriodic(pipe))];
    this.#turn = 0;
    // Last, so that what is submitted on their completion meets the pipes that there are now.
    for (const old of gone) {
      if (this.#busy === old) this.#busy = undefined;
      for (let left = old.count; left > 0; left--) this.#finish(old, URB_STATUS.unlinked);
    }
  }

  #pipeFor({ address, transferType, maxPacketBytes, interval }: UsbEndpoint): Pipe | undefined {
    if (transferType === TRANSFER_TYPE.isochronous) return undefined;
    const packetBytes = Math.min(LARGEST_PACKET, Math.max(1, maxPacketBytes));
    return new Pipe(address, transferType, packetBytes, this.#timing.intervalNs(interval));
  }

  #kick(): void {
    if (this.#working || this.#busy !== undefined) return;
    const nowNs = this.#clock.now();
    // The bus was idle, and cannot have begun before there was something to do.
    this.#freeNs = Math.max(this.#freeNs, nowNs);
    if (!this.#timer.armed || this.#timer.dueNs > nowNs) this.#clock.schedule(this.#timer, nowNs);
  }

  #work(): void {
    this.#working = true;
    const nowNs = this.#clock.now();
    this.#flushRefused();
    let nextNs = Number.POSITIVE_INFINITY;
    for (;;) {
      if (this.#busy !== undefined) {
        if (this.#endNs > nowNs) {
          nextNs = this.#endNs;
          break;
        }
        this.#endTransaction(this.#busy);
        continue;
      }
      nextNs = this.#begin(nowNs);
      if (nextNs > nowNs) break;
    }
    this.#working = false;
    if (nextNs < Number.POSITIVE_INFINITY) this.#clock.schedule(this.#timer, nextNs);
    if (this.#refused.length > 0) this.#clock.schedule(this.#timer, nowNs);
  }

  /** Starts what is next on the bus; answers when to look again: when nothing can begin by `nowNs`, later. */
  #begin(nowNs: number): number {
    const { frameNs, startOfFrameNs } = this.#timing;
    let earliestNs = Number.POSITIVE_INFINITY;
    const count = this.#active.length;
    for (let i = 0; i < count; i++) {
      const pipe = this.#next(i, count);
      const urb = pipe.first;
      if (urb === undefined || pipe.asleep) continue;
      let startNs = isPeriodic(pipe) ? Math.max(this.#freeNs, pipe.dueNs) : this.#freeNs;
      const frameStartNs = startNs - (startNs % frameNs);
      startNs = Math.max(startNs, frameStartNs + startOfFrameNs);
      // What no frame has room for is squeezed into one.
      const lengthNs = Math.min(this.#lengthNs(pipe, urb), frameNs - startOfFrameNs);
      if (startNs + lengthNs > frameStartNs + frameNs) startNs = frameStartNs + frameNs + startOfFrameNs;
      if (startNs > nowNs) {
        earliestNs = Math.min(earliestNs, startNs);
        continue;
      }
      this.#turn = isPeriodic(pipe) ? this.#turn : this.#active.indexOf(pipe) + 1;
      this.#startTransaction(pipe, urb, startNs);
      return nowNs;
    }
    return earliestNs;
  }

  /** Interrupt endpoints first, then the others in turn. */
  #next(i: number, count: number): Pipe {
    const periodic = this.#periodicCount();
    if (i < periodic) return this.#active[i];
    const others = count - periodic;
    const from = Math.max(0, this.#turn - periodic);
    return this.#active[periodic + ((i - periodic + from) % others)];
  }

  #periodicCount(): number {
    let count = 0;
    while (count < this.#active.length && isPeriodic(this.#active[count])) count++;
    return count;
  }

  #lengthNs(pipe: Pipe, urb: Urb): number {
    const { transactionNs } = this.#timing;
    if (pipe.type === TRANSFER_TYPE.control) return transactionNs(pipe.type, this.#control.stageBytes());
    const left = urb.length - pipe.progress;
    return transactionNs(pipe.type, pipe.maxPacketBytes < left || urb.inbound ? pipe.maxPacketBytes : left);
  }

  #startTransaction(pipe: Pipe, urb: Urb, startNs: number): void {
    const { transactionNs } = this.#timing;
    let bytes: number;
    if (pipe.type === TRANSFER_TYPE.control) {
      bytes = this.#control.stageBytes();
      this.#outcome = 0;
    } else {
      this.#outcome = urb.inbound ? this.#in(pipe, urb) : this.#out(pipe, urb);
      bytes = Math.max(0, this.#outcome);
      // From now on, not from the end of the transaction: the device may be ready again before that.
      if (this.#outcome === HANDSHAKE.nak) pipe.asleep = true;
    }
    this.#busy = pipe;
    this.#endNs = startNs + transactionNs(pipe.type, bytes);
  }

  /** Asks the device for a packet; the bytes lie in the transfer's buffer, or in the scratch when they might not fit. */
  #in(pipe: Pipe, urb: Urb): number {
    if (this.#requests.isHalted(pipe.address)) return HANDSHAKE.stall;
    const { maxPacketBytes, progress } = pipe;
    const room = urb.length - progress;
    if (room >= maxPacketBytes) return this.#device.in(pipe.address, urb.data, progress, maxPacketBytes);
    const count = this.#device.in(pipe.address, this.#scratch, 0, maxPacketBytes);
    for (let i = 0; i < Math.min(count, room); i++) urb.data[progress + i] = this.#scratch[i];
    return count;
  }

  #out(pipe: Pipe, urb: Urb): number {
    if (this.#requests.isHalted(pipe.address)) return HANDSHAKE.stall;
    const count = Math.min(pipe.maxPacketBytes, urb.length - pipe.progress);
    const handshake = this.#device.out(pipe.address, urb.data, pipe.progress, count);
    return handshake === HANDSHAKE.ack ? count : handshake;
  }

  #endTransaction(pipe: Pipe): void {
    this.#busy = undefined;
    this.#freeNs = this.#endNs;
    const urb = pipe.first;
    if (urb === undefined) return;
    const status = this.#statusAfter(pipe, urb);
    // The device may have left the bus meanwhile, and the transfer with it.
    if (pipe.first !== urb) return;
    if (isPeriodic(pipe)) this.#due(pipe, this.#endNs);
    if (pipe.cancelled && status === NOT_DONE) this.#finish(pipe, URB_STATUS.unlinked);
    else if (status !== NOT_DONE) this.#finish(pipe, status);
  }

  /** Of the first transfer, once its transaction is over. */
  #statusAfter(pipe: Pipe, urb: Urb): number {
    if (pipe.type === TRANSFER_TYPE.control) return this.#control.stageOver(urb) ?? NOT_DONE;
    const outcome = this.#outcome;
    if (outcome === HANDSHAKE.nak) return NOT_DONE;
    if (outcome === HANDSHAKE.stall) {
      this.#requests.halt(pipe.address);
      return URB_STATUS.stall;
    }
    const room = urb.length - pipe.progress;
    pipe.progress += Math.min(outcome, room);
    if (urb.inbound) {
      if (outcome > room) return URB_STATUS.overflow;
      if (outcome < pipe.maxPacketBytes && pipe.progress < urb.length)
        return (urb.flags & URB_FLAGS.shortNotOk) === 0 ? URB_STATUS.ok : URB_STATUS.short;
      return pipe.progress === urb.length ? URB_STATUS.ok : NOT_DONE;
    }
    if (pipe.progress < urb.length) return NOT_DONE;
    const wantsTrailer =
      (urb.flags & URB_FLAGS.zeroPacket) !== 0 && urb.length > 0 && urb.length % pipe.maxPacketBytes === 0;
    if (!wantsTrailer || pipe.trailer) return URB_STATUS.ok;
    pipe.trailer = true;
    return NOT_DONE;
  }

  /** An interrupt endpoint is asked again at its next polling time after `fromNs`. */
  #due(pipe: Pipe, fromNs: number): void {
    pipe.dueNs = Math.ceil(fromNs / pipe.intervalNs) * pipe.intervalNs;
  }

  #finish(pipe: Pipe, status: number): void {
    const { progress } = pipe;
    const urb = pipe.shift();
    if (urb !== undefined) this.#tell(urb, status, progress);
  }

  #tell(urb: Urb, status: number, actualLength: number): void {
    urb.status = status;
    urb.actualLength = actualLength;
    this.#completed(urb);
  }

  #flushRefused(): void {
    for (let urb = this.#refused.shift(); urb !== undefined; urb = this.#refused.shift()) this.#completed(urb);
  }
}

function isPeriodic(pipe: Pipe): boolean {
  return pipe.type === TRANSFER_TYPE.interrupt;
}

/** `bMaxPacketSize0`, at super speed an exponent (USB 3.2, table 9-11). Throws `HAL_INVALID` where there is no device descriptor. */
function controlPacketBytes({ speed, device }: UsbDescription): number {
  const { bMaxPacketSize0 } = parseDevice(device);
  return speed === 'super' ? 512 : Math.max(8, bMaxPacketSize0);
}
