/** What a USB capture tells of the devices in it: their descriptors, as far as they were read, and the use of their endpoints. */

import { type TransferType, URB_STATUS } from '../../base/index.js';
import { stringText } from '../usb/describe.js';
import { DESCRIPTOR } from '../usb/descriptors.js';
import { STANDARD_REQUEST, wValue } from '../usb/setup-packet.js';
import type { UsbDescription, UsbSpeed } from '../usb/usb-port.js';
import { LINK_TYPE } from './pcapng-format.js';
import type { PcapngReader } from './pcapng-reader.js';
import { USB_EVENT, type UsbRecord } from './usb-record.js';
import { decodeUsbmon, USBMON_SHORT_HEADER_BYTES } from './usbmon.js';
import { decodeUsbPcap } from './usbpcap.js';

const MAX_DEVICES = 1024;
const MAX_PENDING = 65_536;
const MAX_STRINGS = 256;
const MAX_CONFIGURATIONS = 8;
const MAX_REPORTS = 32;
const HID_REPORT_RECIPIENT = 0x81;
const DEVICE_RECIPIENT = 0x80;

/** Whether packets of `linkType` are USB packets that can be decoded. */
export function isUsbLink(linkType: number): boolean {
  return linkType === LINK_TYPE.usbmon || linkType === LINK_TYPE.usbPcap || linkType === LINK_TYPE.usbmonShort;
}

/** Decodes the packet at hand; false when it is no USB packet. Never throws. */
export function decodeUsbPacket(reader: PcapngReader, record: UsbRecord): boolean {
  const { linkType } = reader.packetInterface;
  if (linkType === LINK_TYPE.usbmon) return decodeUsbmon(reader.packet, reader.littleEndian, record);
  if (linkType === LINK_TYPE.usbmonShort)
    return decodeUsbmon(reader.packet, reader.littleEndian, record, USBMON_SHORT_HEADER_BYTES);
  return linkType === LINK_TYPE.usbPcap && decodeUsbPcap(reader.packet, record);
}

/** Use of one endpoint, counted by completions. */
export interface EndpointTotals {
  readonly address: number;
  readonly transferType: TransferType;
  submitted: number;
  completed: number;
  /** Completions with a status that is no success. */
  failed: number;
  /** Data bytes on the wire. */
  bytes: number;
  /** Packets whose data the capture cut. */
  truncated: number;
  /** Longest data. */
  longest: number;
}

/** What was read of a device's descriptors. */
export interface LearnedDescriptors {
  descriptor: Uint8Array | undefined;
  readonly configurations: Map<number, Uint8Array>;
  readonly strings: Map<number, string>;
  readonly reports: Map<number, Uint8Array>;
}

/** One device of a capture. */
export interface CapturedDevice extends LearnedDescriptors {
  /** Of the trace's interface. */
  readonly interfaceIndex: number;
  readonly bus: number;
  readonly device: number;
  /** By address; endpoint 0 counts as one. */
  readonly endpoints: Map<number, EndpointTotals>;
}

/** The snapshot of a captured device; undefined when its device descriptor was not read. */
export function descriptionOf(device: LearnedDescriptors, speed: UsbSpeed): UsbDescription | undefined {
  if (device.descriptor === undefined) return undefined;
  const indices = [...device.configurations.keys()].sort((a, b) => a - b);
  return {
    speed,
    device: device.descriptor,
    configurations: indices.map((index) => device.configurations.get(index) ?? new Uint8Array(0)),
    strings: device.strings,
    reports: device.reports,
  };
}

/** Gathers devices packet by packet. Bounded: 1,024 devices, 65,536 transfers in flight. */
export class UsbDeviceTable {
  readonly #devices = new Map<string, CapturedDevice>();
  readonly #pending = new Map<string, Uint8Array>();
  /** Packets of the project's own that describe the device and are no traffic are learned from, but not counted. */
  readonly #uncounted: string | undefined;

  /** `uncounted`: mark of packets that are no traffic. */
  constructor(uncounted?: string) {
    this.#uncounted = uncounted;
  }

  get devices(): readonly CapturedDevice[] {
    return [...this.#devices.values()];
  }

  /** Takes the packet in `record`, which came over interface `interfaceIndex`; undefined beyond 1,024 devices. */
  take(interfaceIndex: number, record: UsbRecord): CapturedDevice | undefined {
    const device = this.#device(interfaceIndex, record);
    if (device === undefined) return undefined;
    if (this.#uncounted === undefined || record.mark !== this.#uncounted) count(device, record);
    const key = `${interfaceIndex} ${record.id}`;
    if (record.event === USB_EVENT.submit) {
      if (record.hasSetup && this.#pending.size < MAX_PENDING) this.#pending.set(key, record.setup.slice());
      return device;
    }
    const setup = this.#pending.get(key);
    this.#pending.delete(key);
    if (setup !== undefined && record.status === URB_STATUS.ok && !record.isTruncated)
      learnDescriptor(device, setup, record.bytes.slice(record.offset, record.offset + record.length));
    return device;
  }

  #device(interfaceIndex: number, { bus, device: number }: UsbRecord): CapturedDevice | undefined {
    const key = `${interfaceIndex} ${bus} ${number}`;
    let device = this.#devices.get(key);
    if (device === undefined && this.#devices.size < MAX_DEVICES) {
      device = {
        interfaceIndex,
        bus,
        device: number,
        descriptor: undefined,
        configurations: new Map(),
        strings: new Map(),
        reports: new Map(),
        endpoints: new Map(),
      };
      this.#devices.set(key, device);
    }
    return device;
  }
}

function count(device: CapturedDevice, record: UsbRecord): void {
  const address = (record.endpointAddress & 0x0f) === 0 ? 0 : record.endpointAddress;
  let totals = device.endpoints.get(address);
  if (totals === undefined) {
    const { transferType } = record;
    totals = { address, transferType, submitted: 0, completed: 0, failed: 0, bytes: 0, truncated: 0, longest: 0 };
    device.endpoints.set(address, totals);
  }
  if (record.event === USB_EVENT.submit) totals.submitted++;
  else totals.completed++;
  if (record.event !== USB_EVENT.submit && record.status !== URB_STATUS.ok) totals.failed++;
  totals.bytes += record.dataLength;
  totals.longest = Math.max(totals.longest, record.dataLength);
  if (record.isTruncated) totals.truncated++;
}

/**
 * Keeps the descriptor that a control transfer with `setup` has brought, if it is whole. Bounded: 256 strings, 8
 * configurations, 32 report descriptors. `bytes` is kept.
 */
export function learnDescriptor(device: LearnedDescriptors, setup: Uint8Array, bytes: Uint8Array): void {
  if (setup[1] !== STANDARD_REQUEST.getDescriptor) return;
  const type = wValue(setup) >> 8;
  const index = wValue(setup) & 0xff;
  if (setup[0] === HID_REPORT_RECIPIENT) {
    if (type === DESCRIPTOR.hidReport && bytes.length > 0 && device.reports.size < MAX_REPORTS)
      device.reports.set(setup[4], bytes);
    return;
  }
  if (setup[0] !== DEVICE_RECIPIENT) return;
  if (type === DESCRIPTOR.device && bytes.length >= 18) device.descriptor = bytes.slice(0, 18);
  else if (type === DESCRIPTOR.configuration && bytes.length >= 9) {
    if (bytes.length === (bytes[2] | (bytes[3] << 8)) && device.configurations.size < MAX_CONFIGURATIONS)
      device.configurations.set(index, bytes);
  } else if (type === DESCRIPTOR.string && index > 0 && device.strings.size < MAX_STRINGS)
    device.strings.set(index, stringText(bytes));
}

/** `1234:5678 Maker Product`, as far as it is known. */
export function deviceLabel(device: CapturedDevice): string {
  const { descriptor, strings } = device;
  if (descriptor === undefined) return `device ${device.bus}.${device.device}`;
  const hex = (at: number): string => (descriptor[at] | (descriptor[at + 1] << 8)).toString(16).padStart(4, '0');
  const names = [strings.get(descriptor[14]), strings.get(descriptor[15])].filter((name) => name !== undefined);
  return [`${hex(8)}:${hex(10)}`, ...names.map((name) => name.trim())].join(' ').trim();
}
