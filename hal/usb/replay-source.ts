/** What is replayed: one device of a USB trace, with what it says of itself. */

import { ENDPOINT_IN, TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINK_TYPE } from '../trace/pcapng-format.js';
import type { TraceInterface } from '../trace/trace-block.js';
import { type InterfaceSelector, selectInterface, type TraceFile } from '../trace/trace-file.js';
import type { UsbRecording } from '../trace/usb-cursor.js';
import {
  type CapturedDevice,
  decodeUsbPacket,
  descriptionOf,
  deviceLabel,
  isUsbLink,
  UsbDeviceTable,
} from '../trace/usb-device-table.js';
import { UsbRecord } from '../trace/usb-record.js';
import { SNAPSHOT_MARK } from '../trace/usb-recorder.js';
import { describeDevice, type EndpointData } from './describe.js';
import type { UsbDescription, UsbSpeed } from './usb-port.js';

/** Where a device was; the number alone when only one bus has it. */
export type UsbDeviceSelector = number | { readonly bus: number; readonly device: number };

export interface UsbSourceOptions {
  /** Name or number of the interface; may be left out when the trace has one with USB packets. */
  readonly interface?: InterfaceSelector;
  /** May be left out when the interface saw one device (address 0 apart, where a device is before it gets its own). */
  readonly device?: UsbDeviceSelector;
  /** What the device says of itself; from the recording when absent. */
  readonly description?: UsbDescription;
}

export interface UsbReplaySource extends UsbRecording {
  readonly description: UsbDescription;
  /** `#0` or `#0 1.4`. */
  readonly label: string;
}

/** Devices and descriptors are looked for in so many packets; further on only for a device that is asked for. */
const PREFIX_PACKETS = 20_000;
const SPEEDS: readonly UsbSpeed[] = ['low', 'full', 'high', 'super'];

interface Survey {
  readonly interfaces: readonly TraceInterface[];
  readonly devices: readonly CapturedDevice[];
}

/** Interfaces, and every device that their packets name, with what was read of its descriptors. */
function survey(trace: TraceFile, mostPackets: number): Survey {
  const table = new UsbDeviceTable(SNAPSHOT_MARK);
  const record = new UsbRecord();
  const reader = trace.reader(262_144);
  let packets = 0;
  try {
    while (packets < mostPackets && reader.next()) {
      if (reader.kind !== 'packet' || !isUsbLink(reader.packetInterface.linkType)) continue;
      packets++;
      if (decodeUsbPacket(reader, record)) table.take(reader.packet.interfaceIndex, record);
    }
    return { interfaces: [...reader.interfaces], devices: table.devices };
  } finally {
    reader.close();
  }
}

function usbInterface(
  trace: TraceFile,
  interfaces: readonly TraceInterface[],
  selector: InterfaceSelector | undefined,
): TraceInterface {
  const usb = interfaces.filter(({ linkType }) => isUsbLink(linkType));
  if (selector === undefined && usb.length === 1) return usb[0];
  if (selector === undefined && usb.length > 1) {
    const choices = usb.map(({ index, name }) => `#${index} ${name || 'unnamed'}`).join(', ');
    throw new HalError('HAL_INVALID', `${trace.path} has more than one interface with USB packets: ${choices}`, {
      where: trace.path,
      hint: 'Name one of them by its number.',
    });
  }
  const described = selectInterface(trace, selector);
  if (isUsbLink(described.linkType)) return described;
  throw new HalError('HAL_INVALID', `${trace.path} holds no USB packets on interface #${described.index}`, {
    where: trace.path,
    hint: 'Name one with USB packets (link types 220, 189 and 249); "rig trace info" lists them.',
  });
}

function choose(devices: readonly CapturedDevice[], wanted: UsbDeviceSelector | undefined): readonly CapturedDevice[] {
  if (wanted === undefined) {
    const used = devices.filter(({ device }) => device !== 0);
    return used.length > 0 ? used : devices;
  }
  if (typeof wanted === 'number') return devices.filter(({ device }) => device === wanted);
  return devices.filter(({ bus, device }) => bus === wanted.bus && device === wanted.device);
}

function onlyDevice(
  trace: TraceFile,
  first: Survey,
  index: number,
  wanted: UsbDeviceSelector | undefined,
): CapturedDevice {
  const of = (found: Survey): readonly CapturedDevice[] =>
    found.devices.filter(({ interfaceIndex }) => interfaceIndex === index);
  let devices = of(first);
  let found = choose(devices, wanted);
  if (found.length === 0) {
    devices = of(survey(trace, Number.POSITIVE_INFINITY));
    found = choose(devices, wanted);
  }
  if (found.length === 1) return found[0];
  const choices = devices.slice(0, 16).map((one) => `${one.bus}.${one.device} (${deviceLabel(one)})`);
  const many = found.length > 1;
  throw new HalError(
    many ? 'HAL_INVALID' : 'HAL_NOT_FOUND',
    `${trace.path} has ${many ? 'more than one USB device' : 'no such USB device'}; it has ${choices.join(', ') || 'none'}`,
    { where: trace.path, hint: 'Name one of them by bus and device number.' },
  );
}

/** From the endpoints used, for a recording that began after the descriptors had been read. */
function madeUp({ endpoints }: CapturedDevice): UsbDescription {
  const used = [...endpoints.values()].filter(({ address }) => (address & 0x0f) !== 0);
  const described = used.map(
    ({ address, transferType, longest }): EndpointData => ({
      address,
      type: transferType,
      maxPacketBytes: transferType === TRANSFER_TYPE.bulk ? 512 : Math.min(1024, Math.max(8, longest)),
      interval: transferType === TRANSFER_TYPE.interrupt ? 4 : 0,
    }),
  );
  return describeDevice({
    speed: 'high',
    vendorId: 0,
    productId: 0,
    interfaces: [{ number: 0, interfaceClass: 0xff, endpoints: described }],
  });
}

/** As the trace tells; else high where a configuration has bulk packets of 512 bytes (USB 2.0, section 5.8.3), full where not. */
function speedOf(described: TraceInterface, device: CapturedDevice): UsbSpeed {
  const told = SPEEDS.find((speed) => speed === described.custom.get('speed'));
  if (told !== undefined) return told;
  for (const bytes of device.configurations.values())
    for (let at = 0; at + 7 <= bytes.length && bytes[at] >= 2; at += bytes[at])
      if (bytes[at + 1] === 5 && (bytes[at + 3] & 3) === 2 && bytes[at + 5] === 2) return 'high';
  return 'full';
}

/**
 * Throws `HAL_NOT_FOUND` and `HAL_INVALID`, naming the choices, when the selectors name no USB device or several. Goes
 * through the first 20,000 packets, through all only where the device is not among them.
 */
export function usbReplaySource(trace: TraceFile, options: UsbSourceOptions): UsbReplaySource {
  const first = survey(trace, PREFIX_PACKETS);
  const described = usbInterface(trace, first.interfaces, options.interface);
  const device = onlyDevice(trace, first, described.index, options.device);
  const events = first.interfaces.find(
    ({ linkType, index, name, own }) =>
      own && linkType === LINK_TYPE.upperPdu && index > described.index && name === `events ${described.name}`,
  );
  return {
    trace,
    interfaceIndex: described.index,
    bus: device.bus,
    device: device.device,
    eventsIndex: events?.index ?? -1,
    description: options.description ?? descriptionOf(device, speedOf(described, device)) ?? madeUp(device),
    label: `#${described.index}${options.device === undefined ? '' : ` ${device.bus}.${device.device}`}`,
  };
}

/** Key of the queue a transfer waits in: its endpoint; 0 for control transfers of either direction. */
export function endpointKey(endpointAddress: number): number {
  return (endpointAddress & 0x0f) === 0 ? 0 : endpointAddress & (ENDPOINT_IN | 0x0f);
}
