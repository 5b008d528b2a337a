/** The tap of one USB device: what crosses its port becomes packets of link type 220. */

import { ENDPOINT_IN, TRANSFER_TYPE, URB_STATUS, Urb } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { stringDescriptor } from '../usb/describe.js';
import { DESCRIPTOR } from '../usb/descriptors.js';
import { encodeSetup, RECIPIENT, STANDARD_REQUEST } from '../usb/setup-packet.js';
import type { UsbTap } from '../usb/tap.js';
import type { UsbDescription } from '../usb/usb-port.js';
import type { PacketOutlet } from './packet-outlet.js';
import { DIRECTION, MAX_PACKET_BYTES } from './pcapng-format.js';
import type { JsonValue } from './trace-recorder.js';
import type { UpperChannel } from './upper-channel.js';
import { USB_EVENT, type UsbEvent } from './usb-record.js';
import { USBMON_HEADER_BYTES, type UsbPlace, writeUsbmon } from './usbmon.js';

/** Mark of the packets that describe the device and are no traffic of the host. */
export const SNAPSHOT_MARK = 'snapshot';
/** Ids of the snapshot's transfers lie above all others. */
const SNAPSHOT_ID = 2 ** 52;
const MOST_DATA = MAX_PACKET_BYTES - USBMON_HEADER_BYTES;

/** A tap that knows under which packet id its latest completion is recorded, so that effects can name their cause. */
export interface UsbRecorder extends UsbTap {
  /** Number of the interface in the trace. */
  readonly interfaceId: number;
  /** Id of the packet that holds the latest completion; 0 before the first. */
  readonly lastCompletedId: number;
  /** Marks a fault that was injected. */
  fault(kind: string, detail: JsonValue, atNs: number): void;
}

export class UsbDeviceRecorder implements UsbRecorder {
  lastCompletedId = 0;
  readonly interfaceId: number;
  readonly #outlet: PacketOutlet;
  readonly #place: UsbPlace;
  /** What is no transfer: resets, plugging, faults, the end. */
  readonly #events: UpperChannel;

  constructor(outlet: PacketOutlet, interfaceId: number, place: UsbPlace, events: UpperChannel) {
    this.#outlet = outlet;
    this.interfaceId = interfaceId;
    this.#place = place;
    this.#events = events;
  }

  submitted(urb: Urb, atNs: number): void {
    this.#packet(USB_EVENT.submit, urb, atNs);
  }

  completed(urb: Urb, atNs: number): void {
    this.lastCompletedId = this.#packet(USB_EVENT.complete, urb, atNs);
  }

  cancelled(urb: Urb, atNs: number): void {
    this.#events.text(`unlink ${urb.id}`, atNs);
  }

  reset(atNs: number): void {
    this.#events.text('reset', atNs);
  }

  plugged(present: boolean, atNs: number): void {
    this.#events.text(present ? 'plugged' : 'unplugged', atNs);
  }

  disconnected(error: HalError, atNs: number): void {
    this.#events.text(`disconnected ${error.code} ${error.message}`, atNs);
  }

  closed(atNs: number): void {
    this.#events.text('closed', atNs);
  }

  fault(kind: string, detail: JsonValue, atNs: number): void {
    this.#events.text(`fault ${kind} ${JSON.stringify(detail)}`, atNs);
  }

  /** Records what the device says of itself as the transfers that ask for it. */
  snapshot(description: UsbDescription, atNs: number): void {
    const urb = new Urb();
    urb.id = SNAPSHOT_ID;
    for (const [recipient, value, index, bytes] of snapshotOf(description)) {
      urb.id++;
      urb.transferType = TRANSFER_TYPE.control;
      urb.endpointAddress = ENDPOINT_IN;
      encodeSetup(urb.setup, {
        bmRequestType: ENDPOINT_IN | recipient,
        bRequest: STANDARD_REQUEST.getDescriptor,
        wValue: value,
        wIndex: index,
        wLength: bytes.length,
      });
      urb.data = bytes;
      urb.length = bytes.length;
      urb.actualLength = bytes.length;
      urb.status = URB_STATUS.ok;
      this.#packet(USB_EVENT.submit, urb, atNs, SNAPSHOT_MARK);
      this.#packet(USB_EVENT.complete, urb, atNs, SNAPSHOT_MARK);
    }
  }

  /** Answers the packet's id. */
  #packet(event: UsbEvent, urb: Urb, atNs: number, mark?: string): number {
    const outlet = this.#outlet;
    outlet.settle(atNs);
    if (!outlet.begin(this.interfaceId, atNs)) return 0;
    const ns = outlet.sinceEpochNs(atNs);
    const seconds = Math.floor(ns / 1e9);
    const microseconds = Math.floor((ns - seconds * 1e9) / 1000);
    const place = this.#place;
    const data = writeUsbmon(outlet.writer, event, urb, place, outlet.epochSeconds + seconds, microseconds, MOST_DATA);
    const id = outlet.takeId();
    outlet.options(event === USB_EVENT.submit ? DIRECTION.outbound : DIRECTION.inbound, id);
    if (mark !== undefined) outlet.writer.customString(mark);
    outlet.end(this.interfaceId, data);
    return id;
  }
}

type Snapshot = readonly [recipient: number, wValue: number, wIndex: number, bytes: Uint8Array];

function* snapshotOf({ device, configurations, strings, reports }: UsbDescription): Generator<Snapshot> {
  const value = (type: number, index: number): number => (type << 8) | index;
  yield [RECIPIENT.device, value(DESCRIPTOR.device, 0), 0, device];
  for (const [index, bytes] of configurations.entries())
    yield [RECIPIENT.device, value(DESCRIPTOR.configuration, index), 0, bytes];
  for (const index of [0, ...strings.keys()]) {
    const bytes = stringDescriptor(strings, index);
    if (bytes !== undefined) yield [RECIPIENT.device, value(DESCRIPTOR.string, index), index === 0 ? 0 : 0x0409, bytes];
  }
  for (const [interfaceNumber, bytes] of reports)
    yield [RECIPIENT.interface, value(DESCRIPTOR.hidReport, 0), interfaceNumber, bytes];
}
