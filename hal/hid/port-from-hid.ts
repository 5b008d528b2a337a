/** A `HidDevice` as a USB port, so that a guest's URBs reach a device that a HID library owns. */

import { type Clock, Timer, TRANSFER_TYPE, URB_FLAGS, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { Pipe } from '../usb/pipe.js';
import { RECIPIENT, wIndex, wLength } from '../usb/setup-packet.js';
import { checkUrb } from '../usb/simulated-port.js';
import { NOT_STANDARD, StandardRequests } from '../usb/standard-requests.js';
import { HANDSHAKE } from '../usb/usb-peripheral.js';
import type { UsbDescription, UsbPort, UsbSink } from '../usb/usb-port.js';
import { HidClassRequests, type Outcome } from './hid-class-requests.js';
import type { HidDevice } from './hid-device.js';
import { findHidInterface, type HidInterface } from './hid-requests.js';
import { parseReportDescriptor } from './report-ids.js';

export interface PortFromHidOptions {
  /** How a person names it. */
  readonly name: string;
  readonly clock: Clock;
  /** What the device is shown as, report descriptor included: only that tells whether reports are numbered. */
  readonly description: UsbDescription;
  /** The HID interface that the device is; the first one when absent. */
  readonly interfaceNumber?: number;
  /** Told of each input report before it is handed on. */
  readonly onReport?: () => void;
}

/** Reports that wait for a transfer; beyond it the device is paused and keeps them itself. */
const QUEUE_REPORTS = 64;
const CONTROL_PACKET_BYTES = 64;

/** Stands in the queue where the device has lost reports. */
const OVERRUN = Symbol('overrun');

class HidPort implements UsbPort {
  readonly name: string;
  readonly description: UsbDescription;
  readonly #clock: Clock;
  readonly #device: HidDevice;
  readonly #interface: HidInterface;
  readonly #class: HidClassRequests;
  readonly #requests: StandardRequests;
  readonly #control: Pipe;
  readonly #input: Pipe;
  readonly #output: Pipe | undefined;
  readonly #reports: (Uint8Array | typeof OVERRUN)[] = [];
  readonly #refused: Urb[] = [];
  readonly #timer = new Timer(() => this.#work());
  readonly #reported: () => void;
  #sink: UsbSink | undefined;
  /** The transfers that the device is at; a late answer for another one is nobody's. */
  #atControl: Urb | undefined;
  #atOutput: Urb | undefined;
  #lost = 0;
  #paused = false;
  #listening = false;
  #halfTaken = 0;
  #gone = false;
  #closed = false;

  constructor(device: HidDevice, options: PortFromHidOptions) {
    const { name, clock, description, interfaceNumber, onReport = () => {} } = options;
    this.#reported = onReport;
    this.name = name;
    this.description = description;
    this.#clock = clock;
    this.#device = device;
    this.#lost = device.lost;
    this.#interface = findHidInterface(description, name, interfaceNumber);
    const report = description.reports.get(this.#interface.number) ?? new Uint8Array(0);
    this.#class = new HidClassRequests(device, parseReportDescriptor(report).numbered);
    const { input, output } = this.#interface;
    this.#control = new Pipe(0, TRANSFER_TYPE.control, CONTROL_PACKET_BYTES, 0);
    this.#input = new Pipe(input.address, TRANSFER_TYPE.interrupt, Math.max(1, input.maxPacketBytes), 0);
    if (output !== undefined)
      this.#output = new Pipe(output.address, TRANSFER_TYPE.interrupt, Math.max(1, output.maxPacketBytes), 0);
    this.#requests = new StandardRequests(description, {
      configured: (value) => this.#configured(value !== 0),
      haltCleared: () => this.#kick(),
    });
  }

  attach(sink: UsbSink): void {
    this.#refuseClosed();
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    this.#device.on('error', this.#onError);
  }

  submit(urb: Urb): void {
    this.#refuseClosed();
    checkUrb(urb, this.name);
    if (this.#sink === undefined) throw new HalError('HAL_INVALID', `${this.name} has no host side yet`);
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    const pipe = this.#pipeOf(urb);
    if (this.#gone) this.#refuse(urb, URB_STATUS.noDevice);
    else if (pipe === undefined) this.#refuse(urb, URB_STATUS.stall);
    else pipe.push(urb);
    this.#kick();
  }

  /** A report that was on its way may have reached the device all the same. */
  cancel(urb: Urb): void {
    if (!this.#take(urb)) return;
    this.#complete(urb, URB_STATUS.unlinked, 0);
    this.#kick();
  }

  reset(): void {
    this.#refuseClosed();
    if (this.#gone) return;
    this.#end(URB_STATUS.unlinked);
    this.#requests.reset();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listen(false);
    this.#device.off('error', this.#onError);
    this.#end(URB_STATUS.shutdown);
    this.#clock.cancel(this.#timer);
    void this.#device.close().catch(() => {});
  }

  readonly #onReport = (report: Uint8Array): void => {
    this.#reported();
    this.#noteLoss();
    this.#class.noteInput(report);
    this.#reports.push(report);
    if (this.#reports.length >= QUEUE_REPORTS && !this.#paused) {
      this.#paused = true;
      this.#device.pause();
    }
    this.#serveInput();
  };

  readonly #onError = (error: Error): void => {
    if (this.#gone || this.#closed) return;
    this.#gone = true;
    this.#end(URB_STATUS.shutdown);
    const where = this.name;
    this.#sink?.disconnected(
      error instanceof HalError && error.code === 'HAL_DISCONNECTED'
        ? error
        : new HalError('HAL_DISCONNECTED', `${where} is lost: ${error.message}`, { where, cause: error }),
    );
  };

  /** What the device dropped was dropped before the report that comes now. */
  #noteLoss(): void {
    if (this.#device.lost === this.#lost) return;
    this.#lost = this.#device.lost;
    if (this.#reports.at(-1) !== OVERRUN) this.#reports.push(OVERRUN);
  }

  #configured(isConfigured: boolean): void {
    this.#listen(isConfigured);
    for (const pipe of [this.#input, this.#output])
      while (pipe?.first !== undefined) this.#complete(pipe.shift() as Urb, URB_STATUS.unlinked, 0);
    this.#atOutput = undefined;
    this.#reports.length = 0;
    this.#halfTaken = 0;
    this.#flow();
  }

  /** While it is not listened to, the device keeps its reports. */
  #listen(isOn: boolean): void {
    if (isOn === this.#listening) return;
    this.#listening = isOn;
    if (isOn) this.#device.on('data', this.#onReport);
    else this.#device.off('data', this.#onReport);
  }

  #flow(): void {
    if (!this.#paused || this.#reports.length > QUEUE_REPORTS / 2) return;
    this.#paused = false;
    this.#device.resume();
  }

  #pipeOf(urb: Urb): Pipe | undefined {
    if (urb.transferType === TRANSFER_TYPE.control) return this.#control;
    if (this.#requests.table.typeOf(urb.endpointAddress) !== urb.transferType) return undefined;
    return [this.#input, this.#output].find((pipe) => pipe?.address === urb.endpointAddress);
  }

  #kick(): void {
    if (!this.#timer.armed && !this.#closed) this.#clock.schedule(this.#timer, this.#clock.now());
  }

  #work(): void {
    for (let urb = this.#refused.shift(); urb !== undefined; urb = this.#refused.shift())
      this.#complete(urb, urb.status, 0);
    this.#serveControl();
    this.#serveOutput();
    this.#serveInput();
  }

  /** Hands reports to the transfers that wait for them. */
  #serveInput(): void {
    const pipe = this.#input;
    for (let urb = pipe.first; urb !== undefined; urb = pipe.first) {
      if (this.#requests.isHalted(pipe.address)) {
        this.#complete(pipe.shift() as Urb, URB_STATUS.stall, 0);
        continue;
      }
      const [report] = this.#reports;
      if (report === undefined) return;
      pipe.shift();
      if (report === OVERRUN) {
        this.#reports.shift();
        this.#complete(urb, URB_STATUS.overflow, 0);
      } else {
        this.#fill(urb, report);
      }
      this.#flow();
    }
  }

  #fill(urb: Urb, report: Uint8Array): void {
    const rest = report.subarray(this.#halfTaken);
    const count = Math.min(rest.length, urb.length);
    urb.data.set(rest.subarray(0, count));
    // Whole packets of a longer report fill a transfer, and the next one goes on (USB 2.0, section 5.7.3).
    const goesOn = count < rest.length && count > 0 && count % this.#input.maxPacketBytes === 0;
    this.#halfTaken = goesOn ? this.#halfTaken + count : 0;
    if (!goesOn) this.#reports.shift();
    const isShort = count < urb.length && (urb.flags & URB_FLAGS.shortNotOk) !== 0;
    const overran = count < rest.length && !goesOn;
    this.#complete(urb, overran ? URB_STATUS.overflow : isShort ? URB_STATUS.short : URB_STATUS.ok, count);
  }

  #serveOutput(): void {
    const pipe = this.#output;
    const urb = pipe?.first;
    if (pipe === undefined || urb === undefined || this.#atOutput !== undefined) return;
    this.#atOutput = urb;
    const sent = this.#requests.isHalted(pipe.address)
      ? Promise.resolve(URB_STATUS.stall)
      : this.#class.write(urb.data.slice(0, urb.length));
    void sent.then((status) => {
      if (this.#atOutput !== urb || pipe.first !== urb) return;
      this.#atOutput = undefined;
      pipe.shift();
      if (status === URB_STATUS.stall) this.#requests.halt(pipe.address);
      this.#complete(urb, status, status === URB_STATUS.ok ? urb.length : 0);
      this.#kick();
    });
  }

  #serveControl(): void {
    const pipe = this.#control;
    for (let urb = pipe.first; urb !== undefined && this.#atControl === undefined; urb = pipe.first) {
      const data = new Uint8Array(urb.inbound ? wLength(urb.setup) : 0);
      const outcome = this.#answer(urb, urb.inbound ? data : urb.data);
      if (typeof outcome === 'number') this.#controlDone(urb, data, outcome);
      else this.#waitFor(urb, data, outcome);
    }
  }

  #waitFor(urb: Urb, data: Uint8Array, outcome: Promise<number>): void {
    this.#atControl = urb;
    void outcome.then((answer) => {
      if (this.#atControl !== urb) return;
      this.#atControl = undefined;
      this.#controlDone(urb, data, answer);
      this.#kick();
    });
  }

  /** `answer`: bytes put into `data`, or below zero `HANDSHAKE.stall` or a status of `URB_STATUS`. */
  #controlDone(urb: Urb, data: Uint8Array, answer: number): void {
    if (this.#control.first !== urb) return;
    this.#control.shift();
    if (answer < 0) {
      this.#complete(urb, answer === HANDSHAKE.stall ? URB_STATUS.stall : answer, 0);
      return;
    }
    const count = urb.inbound ? Math.min(answer, urb.length) : urb.length;
    if (urb.inbound) urb.data.set(data.subarray(0, count));
    const isShort = count < urb.length && (urb.flags & URB_FLAGS.shortNotOk) !== 0;
    this.#complete(urb, isShort ? URB_STATUS.short : answer > urb.length ? URB_STATUS.overflow : URB_STATUS.ok, count);
  }

  #answer({ setup, length }: Urb, data: Uint8Array): Outcome {
    const standard = this.#requests.answer(setup, data);
    if (standard !== NOT_STANDARD) return standard;
    if ((setup[0] & RECIPIENT.mask) !== RECIPIENT.interface || wIndex(setup) !== this.#interface.number)
      return HANDSHAKE.stall;
    return this.#class.answer(setup, data, length);
  }

  #refuse(urb: Urb, status: number): void {
    urb.status = status;
    this.#refused.push(urb);
  }

  /** Takes a waiting transfer out of its queue; false when it does not wait. */
  #take(urb: Urb): boolean {
    for (const pipe of [this.#control, this.#input, this.#output]) {
      if (pipe?.first === urb) {
        pipe.shift();
        if (this.#atControl === urb) this.#atControl = undefined;
        if (this.#atOutput === urb) this.#atOutput = undefined;
        return true;
      }
      if (pipe?.remove(urb) === true) return true;
    }
    return false;
  }

  #end(status: number): void {
    this.#atControl = undefined;
    this.#atOutput = undefined;
    for (let urb = this.#refused.shift(); urb !== undefined; urb = this.#refused.shift())
      this.#complete(urb, urb.status, 0);
    for (const pipe of [this.#input, this.#output, this.#control])
      for (let left = pipe?.count ?? 0; left > 0; left--) this.#complete(pipe?.shift() as Urb, status, 0);
  }

  #complete(urb: Urb, status: number, actualLength: number): void {
    urb.status = status;
    urb.actualLength = actualLength;
    this.#sink?.completed(urb);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

/**
 * The device's reports come at its interrupt IN endpoint, each a transfer of its own; where the device has dropped some, one
 * transfer completes with `URB_STATUS.overflow` and no byte in their place. Interrupt OUT transfers and SET_REPORT are
 * written to the device one after the other; a feature report is asked of it at each GET_REPORT, an input report is the
 * latest that came. Standard requests are answered from `description`. The port owns `device` and closes it. Throws
 * `HAL_INVALID` for a description without a HID function.
 */
export function portFromHid(device: HidDevice, options: PortFromHidOptions): UsbPort {
  return new HidPort(device, options);
}
