/** Any USB port with a HID function behind it as a `HidDevice`: what the kernel's HID driver and node-hid do, over transfers. */

import { type Clock, ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS, Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { DESCRIPTOR, parseDevice } from '../usb/descriptors.js';
import { FEATURE, RECIPIENT, STANDARD_REQUEST } from '../usb/setup-packet.js';
import { type TransferResult, Transfers } from '../usb/transfers.js';
import type { UsbPort } from '../usb/usb-port.js';
import type { HidDevice, HidDeviceInfo, HidEvents } from './hid-device.js';
import { findHidInterface, HID_REQUEST, HID_REQUEST_IN, HID_REQUEST_OUT, type HidInterface } from './hid-requests.js';
import { HID_REPORT_TYPE, type HidReportLayout, MOST_REPORT_BYTES, parseReportDescriptor } from './report-ids.js';
import { ReportInbox } from './report-inbox.js';

export interface HidFromPortOptions {
  readonly clock: Clock;
  /** The first HID interface when absent. */
  readonly interfaceNumber?: number;
  /** Input reports kept while nobody takes them; 64 when absent, as Linux' hidraw. */
  readonly queueReports?: number;
  /** So long a request or an output report may take; 5000 ms when absent. */
  readonly timeoutMs?: number;
}

/** Enough that the device is polled while a report is being taken. */
const READS_IN_FLIGHT = 4;
/** So many failed reads in a row are tried again; the kernel's driver resets the device about then. */
const MOST_FAILURES = 8;
/** Of a report descriptor (Linux, HID_MAX_DESCRIPTOR_SIZE). */
const MOST_DESCRIPTOR_BYTES = 4096;
const DEFAULT_QUEUE = 64;
const DEFAULT_TIMEOUT_MS = 5000;

/** Transfers of the port; those of the interrupt IN endpoint are kept going without a promise. */
class HidTransfers extends Transfers {
  readonly #reads = new Set<Urb>();
  onRead: (urb: Urb) => void = () => {};

  addRead(urb: Urb): void {
    this.#reads.add(urb);
  }

  override completed(urb: Urb): void {
    if (this.#reads.has(urb)) this.onRead(urb);
    else super.completed(urb);
  }
}

class PortHidDevice implements HidDevice {
  readonly #port: UsbPort;
  readonly #transfers: HidTransfers;
  readonly #interface: HidInterface;
  readonly #timeoutMs: number;
  readonly #inbox: ReportInbox;
  #layout: HidReportLayout = parseReportDescriptor(new Uint8Array(0));
  /** Reads that wait until the endpoint's halt has been cleared. */
  readonly #parked: Urb[] = [];
  #recovering = false;
  #failures = 0;
  #closing: Promise<void> | undefined;

  constructor(port: UsbPort, options: HidFromPortOptions) {
    const { clock, queueReports = DEFAULT_QUEUE, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    this.#interface = findHidInterface(port.description, port.name, options.interfaceNumber);
    this.#inbox = new ReportInbox(port.name, clock, queueReports);
    this.#transfers = new HidTransfers(port, clock);
    this.#transfers.onRead = (urb) => this.#read(urb);
    this.#transfers.onPlugged = (present) => {
      if (!present) this.#gone();
    };
    this.#transfers.onLost = (error) => this.#gone(error.code === 'HAL_DISCONNECTED' ? error : this.#goneError(error));
  }

  async open(): Promise<void> {
    await this.#configure();
    this.#layout = parseReportDescriptor(await this.#reportDescriptor());
    // A device that has nothing to repeat stalls it (HID 1.11, section 7.2.4).
    await this.#classRequest(HID_REQUEST.setIdle, 0, new Uint8Array(0));
    const { address, maxPacketBytes, interval } = this.#interface.input;
    const packet = Math.max(1, maxPacketBytes);
    // Whole packets, so that a device that sends more than it described does not run over.
    const length = packet * Math.max(1, Math.ceil(this.#layout.longest(HID_REPORT_TYPE.input) / packet));
    for (let i = 0; i < READS_IN_FLIGHT; i++) {
      const urb = new Urb();
      // Apart from the ids of transfers that are promises, which count up.
      urb.id = 0x7fff_0000 + i;
      urb.transferType = TRANSFER_TYPE.interrupt;
      urb.endpointAddress = address;
      urb.interval = interval;
      urb.data = new Uint8Array(length);
      urb.length = length;
      this.#transfers.addRead(urb);
      this.#submitRead(urb);
    }
  }

  get lost(): number {
    return this.#inbox.lost;
  }

  on<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.#inbox.on('on', event, listener);
    return this;
  }

  once<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.#inbox.on('once', event, listener);
    return this;
  }

  off<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.#inbox.off(event, listener);
    return this;
  }

  read(timeoutMs?: number): Promise<Buffer | undefined> {
    return this.#inbox.read(timeoutMs);
  }

  async write(report: readonly number[] | Uint8Array): Promise<number> {
    const bytes = this.#checked(report, 'write');
    const { output } = this.#interface;
    const result = await (output === undefined
      ? this.#classRequest(HID_REQUEST.setReport, (HID_REPORT_TYPE.output << 8) | bytes[0], onTheWire(bytes))
      : this.#transfers.out(TRANSFER_TYPE.interrupt, output.address, onTheWire(bytes), this.#timeoutMs));
    this.#expectOk(result, 'write');
    return bytes.length;
  }

  async sendFeatureReport(report: readonly number[] | Uint8Array): Promise<number> {
    const bytes = this.#checked(report, 'sendFeatureReport');
    const value = (HID_REPORT_TYPE.feature << 8) | bytes[0];
    this.#expectOk(await this.#classRequest(HID_REQUEST.setReport, value, onTheWire(bytes)), 'sendFeatureReport');
    return bytes.length;
  }

  async getFeatureReport(reportId: number, reportLength: number): Promise<Buffer> {
    this.#refuseGone('getFeatureReport');
    if (!isByte(reportId) || !Number.isInteger(reportLength) || reportLength < 1 || reportLength > MOST_REPORT_BYTES)
      throw this.#invalid(`getFeatureReport: id ${reportId} with ${reportLength} bytes is no report`);
    const idBytes = reportId === 0 ? 1 : 0;
    const result = await this.#control(
      HID_REQUEST_IN,
      HID_REQUEST.getReport,
      (HID_REPORT_TYPE.feature << 8) | reportId,
      reportLength - idBytes,
    );
    this.#expectOk(result, 'getFeatureReport');
    return Buffer.concat([new Uint8Array(idBytes), result.data]);
  }

  pause(): void {
    this.#inbox.pause();
  }

  resume(): void {
    this.#inbox.resume();
  }

  async getDeviceInfo(): Promise<HidDeviceInfo> {
    if (this.#inbox.closed) throw this.#inbox.closedError('getDeviceInfo');
    const { device, strings } = this.#port.description;
    const { idVendor, idProduct, bcdDevice, iManufacturer, iProduct, iSerialNumber } = parseDevice(device);
    return {
      vendorId: idVendor,
      productId: idProduct,
      path: this.#port.name,
      serialNumber: strings.get(iSerialNumber),
      manufacturer: strings.get(iManufacturer),
      product: strings.get(iProduct),
      release: bcdDevice,
      interface: this.#interface.number,
      usagePage: this.#layout.usagePage,
      usage: this.#layout.usage,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#inbox.close();
    this.#port.close();
    // Never from inside `close`, so that whoever calls it can still listen.
    await Promise.resolve();
    this.#inbox.announceClose();
  }

  async #configure(): Promise<void> {
    const present = await this.#control(ENDPOINT_IN, STANDARD_REQUEST.getConfiguration, 0, 1, 0);
    if (present.status === URB_STATUS.ok && present.actualLength === 1 && present.data[0] !== 0) return;
    const value = this.#interface.configurationValue;
    this.#expectOk(await this.#control(0, STANDARD_REQUEST.setConfiguration, value, 0, 0), 'open');
  }

  async #reportDescriptor(): Promise<Uint8Array> {
    const { number } = this.#interface;
    const known = this.#port.description.reports.get(number);
    if (known !== undefined) return known;
    const answer = await this.#control(
      ENDPOINT_IN | RECIPIENT.interface,
      STANDARD_REQUEST.getDescriptor,
      DESCRIPTOR.hidReport << 8,
      MOST_DESCRIPTOR_BYTES,
    );
    this.#expectOk(answer, 'reading the report descriptor');
    return answer.data;
  }

  #control(
    bmRequestType: number,
    bRequest: number,
    wValue: number,
    wLength: number,
    wIndex = this.#interface.number,
  ): Promise<TransferResult> {
    const fields = { bmRequestType, bRequest, wValue, wIndex, wLength };
    return this.#transfers.control(fields, undefined, this.#timeoutMs);
  }

  #classRequest(bRequest: number, wValue: number, data: Uint8Array): Promise<TransferResult> {
    const fields = {
      bmRequestType: HID_REQUEST_OUT,
      bRequest,
      wValue,
      wIndex: this.#interface.number,
      wLength: data.length,
    };
    return this.#transfers.control(fields, data, this.#timeoutMs);
  }

  #submitRead(urb: Urb): void {
    if (this.#inbox.closed || this.#inbox.failure !== undefined) return;
    try {
      this.#port.submit(urb);
    } catch (error) {
      this.#gone(this.#goneError(error as HalError));
    }
  }

  #read(urb: Urb): void {
    if (this.#inbox.closed) return;
    if (urb.status === URB_STATUS.ok) {
      this.#failures = 0;
      if (urb.actualLength > 0) this.#inbox.push(Buffer.from(urb.data.subarray(0, urb.actualLength)));
      this.#submitRead(urb);
      return;
    }
    if (urb.status === URB_STATUS.shutdown || urb.status === URB_STATUS.noDevice) {
      this.#gone();
      return;
    }
    // What came of a report is no report, and its rest will not come.
    if (urb.actualLength > 0) this.#inbox.lost++;
    if (++this.#failures > MOST_FAILURES * READS_IN_FLIGHT) {
      this.#inbox.fail(this.#failed(urb.status, 'read'));
      return;
    }
    if (urb.status !== URB_STATUS.stall) {
      this.#submitRead(urb);
      return;
    }
    this.#parked.push(urb);
    if (!this.#recovering) void this.#clearHalt();
  }

  /** Reads go on once the endpoint is no longer halted (USB 2.0, section 9.4.1). */
  async #clearHalt(): Promise<void> {
    this.#recovering = true;
    const { address } = this.#interface.input;
    try {
      const result = await this.#control(
        RECIPIENT.endpoint,
        STANDARD_REQUEST.clearFeature,
        FEATURE.endpointHalt,
        0,
        address,
      );
      this.#expectOk(result, 'read');
      for (const urb of this.#parked.splice(0)) this.#submitRead(urb);
    } catch (error) {
      this.#inbox.fail(error as HalError);
    } finally {
      this.#recovering = false;
    }
  }

  #gone(error = this.#goneError()): void {
    this.#inbox.fail(error);
  }

  #goneError(cause?: HalError): HalError {
    const where = this.#port.name;
    return new HalError('HAL_DISCONNECTED', `${where} is gone`, {
      where,
      ...(cause === undefined ? {} : { cause }),
      hint: 'Open the device again when it is back.',
    });
  }

  #expectOk({ status }: TransferResult, what: string): void {
    if (status !== URB_STATUS.ok) throw this.#failed(status, what);
  }

  #failed(status: number, what: string): HalError {
    const where = this.#port.name;
    if (this.#inbox.closed) return this.#inbox.closedError(what);
    switch (status) {
      case URB_STATUS.shutdown:
      case URB_STATUS.noDevice:
        return this.#goneError();
      case URB_STATUS.stall:
        return new HalError('HAL_STALL', `${where}: ${what}: the device refused it`, { where });
      case URB_STATUS.overflow:
        return new HalError('HAL_OVERRUN', `${where}: ${what}: the device sent more than it described`, { where });
      default:
        return new HalError('HAL_IO', `${where}: ${what} failed with status ${status}`, { where });
    }
  }

  #checked(report: readonly number[] | Uint8Array, what: string): Uint8Array {
    this.#refuseGone(what);
    if (report.length < 1 || report.length > MOST_REPORT_BYTES)
      throw this.#invalid(
        `${what}: a report has 1 to ${MOST_REPORT_BYTES} bytes, its id first, and not ${report.length}`,
      );
    for (const byte of report) if (!isByte(byte)) throw this.#invalid(`${what}: ${byte} is no byte`);
    return Uint8Array.from(report);
  }

  #refuseGone(what: string): void {
    if (this.#inbox.closed) throw this.#inbox.closedError(what);
    if (this.#inbox.failure?.code === 'HAL_DISCONNECTED') throw this.#inbox.failure;
  }

  #invalid(message: string): HalError {
    const where = this.#port.name;
    return new HalError('HAL_INVALID', `${where}: ${message}`, {
      where,
      hint: 'The first byte is the report id, 0 where the device does not number its reports.',
    });
  }
}

/** Id 0 stands for "not numbered" and never crosses the wire. */
function onTheWire(report: Uint8Array): Uint8Array {
  return report[0] === 0 ? report.subarray(1) : report;
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xff;
}

/**
 * Attaches to `port`, configures its device where it is not, and reads its reports from then on. Closing the device closes
 * the port, and so does a failed open. Rejects with `HAL_INVALID` where there is no HID function or its descriptors are
 * none, and as the contract of `HidDevice` says otherwise.
 */
export async function openHid(port: UsbPort, options: HidFromPortOptions): Promise<HidDevice> {
  const device = new PortHidDevice(port, options);
  try {
    await device.open();
    return device;
  } catch (error) {
    await device.close();
    throw error;
  }
}
