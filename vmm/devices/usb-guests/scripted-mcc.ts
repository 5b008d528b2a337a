/** A USB-1608FS-Plus that scans: pacer, FIFO of 64 KiB, overrun with a halted endpoint. */

import { type Clock, NS_PER_SECOND, Timer, URB_STATUS } from '../../../base/index.js';
import type { UrbAcquisition } from '../../machine/acquisition.js';
import { configurationDescriptor, deviceDescriptor, ScriptedUsb, type UsbScript } from './scripted-usb.js';

const DATA = 0x81;
const TICK_NS = 500_000;
const REQUEST = { start: 0x11, stop: 0x12, configure: 0x14, clear: 0x15, status: 0x44 } as const;
const OPTION = { immediate: 0x01, counter: 0x20 } as const;

export class ScriptedMcc implements UsbScript {
  readonly usb: ScriptedUsb;
  deviceDescriptor: readonly number[];
  configurationDescriptor: readonly number[] = configurationDescriptor(0xff, [7, 5, DATA, 2, 64, 0, 0], 1);
  /** No transfer is served, as if the host were busy. */
  isHeld = false;
  /** Scans that were started, and how the last one was. */
  starts = 0;
  scan = { count: 0, period: 0, mask: 0, options: 0 };
  /** When an overrun happened. */
  readonly overrunsNs: number[] = [];
  /** Samples that the guest was given in the current scan. */
  readonly given: number[] = [];
  /** Leaves one sample out of the data, silently. */
  dropsSample = false;
  readonly #clock: Clock;
  readonly #tick = new Timer(() => this.#produce());
  readonly #fifo: Uint8Array;
  #level = 0;
  #running = false;
  #overrun = false;
  #startNs = 0;
  #samples = 0;

  constructor(clock: Clock, port: UrbAcquisition, product = 0xea, fifoBytes = 65_536) {
    this.#fifo = new Uint8Array(fifoBytes);
    this.deviceDescriptor = deviceDescriptor(0x09db, product);
    this.#clock = clock;
    this.usb = new ScriptedUsb(clock, port, this);
  }

  control(setup: Uint8Array, data: Uint8Array): readonly number[] | number {
    switch (setup[1]) {
      case REQUEST.start:
        return this.#start(data);
      case REQUEST.stop:
        this.#halt();
        return [];
      case REQUEST.clear:
        this.#level = 0;
        return [];
      case REQUEST.configure:
        return data.length === 8 ? [] : URB_STATUS.stall;
      case REQUEST.status:
        return [(this.#running ? 2 : 0) | (this.#overrun ? 4 : 0), 0];
      default:
        return URB_STATUS.stall;
    }
  }

  transfer(): void {
    if (this.#running || this.#level > 0) this.#serve();
  }

  haltCleared(): void {}

  power(on: boolean): void {
    if (on) return;
    this.#halt();
    this.#level = 0;
    this.#overrun = false;
  }

  get #channels(): number {
    return [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (this.scan.mask & (1 << bit)) !== 0).length;
  }

  #start(data: Uint8Array): readonly number[] | number {
    if (this.#running || data.length !== 10) return URB_STATUS.stall;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    this.scan = {
      count: view.getUint32(0, true),
      period: view.getUint32(4, true),
      mask: data[8],
      options: data[9],
    };
    this.starts++;
    this.#running = true;
    this.#overrun = false;
    this.#samples = 0;
    this.given.length = 0;
    this.#startNs = this.#clock.now();
    this.#clock.schedule(this.#tick, this.#clock.now() + TICK_NS);
    return [];
  }

  #halt(): void {
    this.#running = false;
    this.#clock.cancel(this.#tick);
  }

  #produce(): void {
    this.#clock.schedule(this.#tick, this.#clock.now() + TICK_NS);
    const rate = 40e6 / (this.scan.period + 1);
    const scans = Math.floor(((this.#clock.now() - this.#startNs) * rate) / NS_PER_SECOND);
    const most = this.scan.count === 0 ? scans : Math.min(scans, this.scan.count);
    for (const end = most * this.#channels; this.#samples < end && !this.#overrun; this.#samples++) this.#convert();
    this.#serve();
    if (!this.#overrun && this.scan.count !== 0 && most === this.scan.count && this.#level === 0) this.#halt();
  }

  #convert(): void {
    if (this.#level + 2 > this.#fifo.length) {
      this.#overrun = true;
      this.overrunsNs.push(this.#clock.now());
      this.usb.halt(DATA);
      this.#halt();
      return;
    }
    if (this.dropsSample) {
      this.dropsSample = false;
      return;
    }
    const isCounter = (this.scan.options & OPTION.counter) !== 0;
    const value = isCounter ? this.#samples & 0xffff : (this.#samples * 40_503) & 0xffff;
    this.#fifo[this.#level++] = value & 0xff;
    this.#fifo[this.#level++] = value >> 8;
  }

  /** Fills the transfers that wait: whole packets, a scan at a time, or what there is at the end of a finite scan. */
  #serve(): void {
    for (;;) {
      const urb = this.isHeld ? undefined : this.usb.waiting(DATA);
      if (urb === undefined || this.#overrun) return;
      const isImmediate = (this.scan.options & OPTION.immediate) !== 0;
      const isEnd = this.scan.count !== 0 && this.#samples === this.scan.count * this.#channels;
      const wanted = isImmediate ? 2 * this.#channels : urb.length;
      if (this.#level < wanted && !(isEnd && this.#level > 0)) return;
      this.usb.complete(DATA, URB_STATUS.ok, this.#take(wanted));
    }
  }

  #take(wanted: number): Uint8Array {
    const bytes = this.#fifo.slice(0, Math.min(wanted, this.#level));
    this.#fifo.copyWithin(0, bytes.length, this.#level);
    this.#level -= bytes.length;
    for (let i = 0; i < bytes.length; i += 2) this.given.push(bytes[i] | (bytes[i + 1] << 8));
    return bytes;
  }

  /** The oldest transfer fails with the first samples of what it would have brought; what comes next is lost. */
  fail(status: number, samples: number): void {
    const urb = this.usb.waiting(DATA);
    if (urb === undefined) return;
    this.usb.complete(DATA, status, this.#take(Math.min(2 * samples, urb.length)));
    this.#level = 0;
  }
}
