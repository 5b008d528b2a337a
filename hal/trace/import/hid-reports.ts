/** Makes URBs of the reports of a HID device, as a USB host's driver would have moved them (HID 1.11, sections 4.4 and 7.2). */

import { parseConfiguration, type UsbEndpoint, type UsbInterface } from '../../usb/descriptors.js';
import { ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS, Urb, type UsbDescription } from '../../usb/usb-port.js';
import type { UrbTap } from './foreign-sink.js';
import { type HidReportSizes, hidReportSizes, splitReports } from './hid-report-sizes.js';

/** Class requests (HID 1.11, section 7.2). */
const REQUEST = { getReport: 1, setReport: 9 } as const;
const REPORT_TYPE = { output: 2, feature: 3 } as const;

/** Those of the first configuration; none where its descriptor is damaged. */
function interfacesOf(description: UsbDescription): readonly UsbInterface[] {
  const [bytes] = description.configurations;
  if (bytes === undefined) return [];
  try {
    return parseConfiguration(bytes).interfaces;
  } catch {
    return [];
  }
}

/** The interrupt endpoints of interface `number` in the first configuration. */
function interruptEndpoints(description: UsbDescription, number: number): { in?: UsbEndpoint; out?: UsbEndpoint } {
  const found: { in?: UsbEndpoint; out?: UsbEndpoint } = {};
  const wanted = interfacesOf(description).find((one) => one.number === number);
  for (const endpoint of wanted?.alternates.flatMap(({ endpoints }) => endpoints) ?? []) {
    if (endpoint.transferType !== TRANSFER_TYPE.interrupt) continue;
    if ((endpoint.address & ENDPOINT_IN) !== 0) found.in ??= endpoint;
    else found.out ??= endpoint;
  }
  return found;
}

/** One HID interface: reports in, transfers out. An input transfer always waits, as hosts see to. */
export class HidReports {
  readonly #tap: UrbTap;
  readonly #interface: number;
  readonly #endpoints: { readonly in?: UsbEndpoint; readonly out?: UsbEndpoint };
  readonly #sizes: HidReportSizes;
  readonly #longest: number;
  #waiting = new Urb();
  #lastId = 0;

  /** `number`: of the interface in the first configuration of `description`. `longest`: bytes of input reports it must take, whatever its descriptor says. */
  constructor(tap: UrbTap, description: UsbDescription, number: number, longest: number) {
    this.#tap = tap;
    this.#interface = number;
    this.#endpoints = interruptEndpoints(description, number);
    this.#sizes = hidReportSizes(description.reports.get(number) ?? new Uint8Array(0));
    const { numbered, input } = this.#sizes;
    this.#longest = Math.max(longest, (numbered ? 1 : 0) + Math.max(0, ...input.values()));
  }

  /** The host asks for the first report. */
  start(atNs: number): void {
    this.#ask(atNs);
  }

  /** An input report, with its id in front where reports are numbered. The host asks for the next at once. */
  input(report: Uint8Array, atNs: number): void {
    const urb = this.#waiting;
    const length = Math.min(report.length, urb.length);
    urb.data.set(report.subarray(0, length));
    urb.actualLength = length;
    urb.status = report.length > length ? URB_STATUS.overflow : URB_STATUS.ok;
    this.#tap.completed(urb, atNs);
    this.#ask(atNs);
  }

  /** What a program read: input reports, of which umockdev writes several down as one when they come together. */
  inputs(read: Uint8Array, atNs: number): void {
    const { numbered, input } = this.#sizes;
    for (const report of splitReports(read, input, numbered ? 1 : 0)) this.input(report, atNs);
  }

  /** What a program wrote: output reports, each behind its report id, of which there may be several too. */
  outputs(written: Uint8Array, atNs: number): void {
    for (const report of splitReports(written, this.#sizes.output, 1)) this.output(report, atNs);
  }

  /** What a program wrote: the report id (0 where reports are not numbered), then the report. */
  output(written: Uint8Array, atNs: number): void {
    const data = this.#sizes.numbered ? written : written.subarray(1);
    const endpoint = this.#endpoints.out;
    if (endpoint === undefined) this.#request(REQUEST.setReport, REPORT_TYPE.output, written[0] ?? 0, data, atNs);
    else this.#transfer(TRANSFER_TYPE.interrupt, endpoint.address, data, atNs);
  }

  /** A feature report that a program set or got, its id in front. */
  feature(direction: 'set' | 'get', report: Uint8Array, atNs: number): void {
    const data = this.#sizes.numbered ? report : report.subarray(1);
    const request = direction === 'set' ? REQUEST.setReport : REQUEST.getReport;
    this.#request(request, REPORT_TYPE.feature, report[0] ?? 0, data, atNs);
  }

  #ask(atNs: number): void {
    const { address = 0x81, maxPacketBytes = 64 } = this.#endpoints.in ?? {};
    const length = Math.max(this.#longest, maxPacketBytes);
    this.#waiting = this.#make(TRANSFER_TYPE.interrupt, address, length);
    this.#tap.submitted(this.#waiting, atNs);
  }

  #request(request: number, type: number, id: number, data: Uint8Array, atNs: number): void {
    const inbound = request === REQUEST.getReport;
    const setup = [inbound ? 0xa1 : 0x21, request, id, type, this.#interface, 0, data.length & 0xff, data.length >> 8];
    this.#transfer(TRANSFER_TYPE.control, inbound ? 0x80 : 0, data, atNs, setup);
  }

  #transfer(transferType: 1 | 2, address: number, data: Uint8Array, atNs: number, setup: readonly number[] = []): void {
    const urb = this.#make(transferType, address, data.length);
    urb.setup.set(setup);
    urb.data.set(data);
    this.#tap.submitted(urb, atNs);
    urb.actualLength = data.length;
    urb.status = URB_STATUS.ok;
    this.#tap.completed(urb, atNs);
  }

  #make(transferType: 1 | 2, address: number, length: number): Urb {
    const urb = new Urb();
    urb.id = ++this.#lastId;
    urb.transferType = transferType;
    urb.endpointAddress = address;
    urb.length = length;
    urb.data = new Uint8Array(length);
    return urb;
  }
}
