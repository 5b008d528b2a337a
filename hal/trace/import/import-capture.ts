/** Makes an ordinary trace of a USB capture (usbmon, USBPcap): one interface a device, with a snapshot of its descriptors in front. */

import { basename } from 'node:path';
import { TRANSFER_TYPE, URB_STATUS, Urb } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import type { UsbDescription } from '../../usb/usb-port.js';
import { LINK_TYPE } from '../pcapng-format.js';
import { openTrace } from '../trace-file.js';
import {
  type CapturedDevice,
  decodeUsbPacket,
  descriptionOf,
  deviceLabel,
  isUsbLink,
  UsbDeviceTable,
} from '../usb-device-table.js';
import { USB_EVENT, UsbRecord } from '../usb-record.js';
import { SNAPSHOT_MARK } from '../usb-recorder.js';
import { type ImportTarget, openTarget, type UrbTap } from './foreign-sink.js';
import { synthesiseDevice } from './synthesised-device.js';
import { fileLines } from './text-lines.js';
import { UmockdevParser, usbDescriptionOf, usbDeviceOf } from './umockdev-description.js';

export interface CaptureImport {
  readonly devices: readonly {
    /** `1234:5678 Maker Product`, as far as the capture tells. */
    readonly label: string;
    readonly bus: number;
    readonly device: number;
    /** Where its snapshot comes from. */
    readonly descriptors: 'description file' | 'capture' | 'made up';
  }[];
  readonly urbs: number;
  /** Isochronous transfers, which are left out. */
  readonly isochronous: number;
  /** Completions whose submission came before the capture began: they are kept. */
  readonly orphans: number;
}

/** Transfers in flight that are remembered. */
const MAX_IN_FLIGHT = 65_536;
const KEY = (record: UsbRecord): string => `${record.bus}.${record.device}`;

interface Survey {
  readonly devices: readonly CapturedDevice[];
  readonly link: 'usbmon' | 'USBPcap';
}

/** Devices and their descriptors; refuses what cannot be carried over whole. */
function survey(path: string): Survey {
  const table = new UsbDeviceTable();
  const record = new UsbRecord();
  const reader = openTrace(path).reader();
  let link: Survey['link'] = 'usbmon';
  let packets = 0;
  try {
    while (reader.next()) {
      if (reader.kind !== 'packet') continue;
      packets++;
      if (!isUsbLink(reader.packetInterface.linkType) || !decodeUsbPacket(reader, record)) continue;
      if (reader.packetInterface.linkType === LINK_TYPE.usbPcap) link = 'USBPcap';
      if (record.isTruncated && record.transferType !== TRANSFER_TYPE.isochronous)
        throw new HalError(
          'HAL_TRACE',
          `${path} holds ${record.length} of ${record.dataLength} bytes of the URB in packet ${packets}`,
          {
            where: path,
            hint: 'Record it again with a longer buffer; a capture that is cut is no recording of a device.',
          },
        );
      table.take(0, record);
    }
  } finally {
    reader.close();
  }
  const { devices } = table;
  if (devices.length > 0) return { devices, link };
  throw new HalError('HAL_TRACE', `${path} holds no USB packets`, {
    where: path,
    hint: '"rig trace info" shows what it holds.',
  });
}

interface Described {
  readonly description: UsbDescription;
  /** Where it was when sysfs was recorded; 0 when that is not told. */
  readonly bus: number;
  readonly device: number;
}

function readDescription(path: string | undefined): Described | undefined {
  if (path === undefined) return undefined;
  const parser = new UmockdevParser(path);
  for (const line of fileLines(path)) parser.take(line);
  const device = usbDeviceOf(parser.devices);
  if (device === undefined)
    throw new HalError('HAL_TRACE', `${path} describes no USB device`, {
      where: path,
      hint: 'Record one with umockdev-record /dev/bus/usb/BUS/DEVICE.',
    });
  return {
    description: usbDescriptionOf(device, parser.devices),
    bus: Number(device.attributes.get('busnum') ?? 0),
    device: Number(device.attributes.get('devnum') ?? 0),
  };
}

/** Interfaces of the new trace, by device. */
class Devices {
  readonly taps = new Map<string, UrbTap>();
  readonly told: {
    label: string;
    bus: number;
    device: number;
    descriptors: CaptureImport['devices'][number]['descriptors'];
  }[] = [];

  constructor(
    captured: readonly CapturedDevice[],
    described: Described | undefined,
    target: ImportTargetSink,
    from: string,
  ) {
    const fits = (device: CapturedDevice): boolean =>
      device.bus === described?.bus && device.device === described?.device;
    const matched = captured.some(fits);
    for (const device of captured) {
      const isDescribed = described !== undefined && (matched ? fits(device) : captured.length === 1);
      const recorded = descriptionOf(device, 'full');
      const descriptors = isDescribed ? 'description file' : recorded === undefined ? 'made up' : 'capture';
      const description = isDescribed ? described.description : (recorded ?? madeUp(device));
      const label = isDescribed ? labelOf(device, described.description) : deviceLabel(device);
      this.taps.set(
        `${device.bus}.${device.device}`,
        target.usb(label, description, { importedFrom: from, bus: `${device.bus}.${device.device}`, descriptors }),
      );
      this.told.push({ label, bus: device.bus, device: device.device, descriptors });
    }
  }
}

type ImportTargetSink = ReturnType<typeof openTarget>['sink'];

function labelOf(device: CapturedDevice, description: UsbDescription): string {
  return deviceLabel({ ...device, descriptor: description.device, strings: new Map(description.strings) });
}

function madeUp(device: CapturedDevice): UsbDescription {
  const endpoints = [...device.endpoints].filter(([address]) => (address & 0x0f) !== 0);
  const sizeOf = (longest: number): number => [8, 16, 32, 64].find((size) => longest <= size) ?? 512;
  return synthesiseDevice(
    'high',
    device.strings,
    new Map(
      endpoints.map(([address, { transferType, longest }]) => [
        address,
        {
          type: transferType,
          maxPacketSize: transferType === TRANSFER_TYPE.bulk ? 512 : sizeOf(longest),
          interval: transferType === TRANSFER_TYPE.interrupt ? 4 : 0,
        },
      ]),
    ),
  );
}

/** Gives transfers ids of their own, as a kernel's are addresses that come again. */
class Transfers {
  readonly #inFlight = new Map<string, Urb>();
  #lastId = 0;
  orphans = 0;

  /** The URB that `record`, of link type `linkType`, submits or completes. USBPcap does not tell how much of what was sent went. */
  take(record: UsbRecord, linkType: number): Urb {
    const key = `${KEY(record)} ${record.id}`;
    const known = record.event === USB_EVENT.submit ? undefined : this.#inFlight.get(key);
    if (record.event !== USB_EVENT.submit && known === undefined) this.orphans++;
    const urb = known ?? this.#make(record);
    if (record.event === USB_EVENT.submit) {
      if (this.#inFlight.size < MAX_IN_FLIGHT) this.#inFlight.set(key, urb);
    } else this.#inFlight.delete(key);
    const data = record.bytes.slice(record.offset, record.offset + record.length);
    if (data.length > 0) urb.data = data;
    if (record.event !== USB_EVENT.submit) {
      urb.status = record.status;
      const sent = linkType === LINK_TYPE.usbPcap && record.status === URB_STATUS.ok ? urb.length : record.urbLength;
      urb.actualLength = urb.inbound ? data.length : sent;
    }
    return urb;
  }

  #make(record: UsbRecord): Urb {
    const urb = new Urb();
    urb.id = ++this.#lastId;
    urb.transferType = record.transferType;
    urb.endpointAddress = record.endpointAddress;
    urb.setup.set(record.setup);
    urb.length = record.urbLength;
    urb.flags = record.flags;
    urb.interval = record.interval;
    urb.status = URB_STATUS.inProgress;
    return urb;
  }
}

/**
 * Imports the USB capture at `path`, in constant memory but for descriptors. Every device becomes an interface whose snapshot
 * is that of `descriptionPath` (a umockdev description of it), or else what the capture holds of its descriptors; without
 * either it is made up from the endpoints used. Times count from the first packet. Throws as `openTrace`; `HAL_TRACE` without
 * USB packets, and for a capture that cut a URB short, naming the packet.
 */
export function importCapture(path: string, to: ImportTarget, descriptionPath?: string): CaptureImport {
  const { devices: captured, link } = survey(path);
  const described = readDescription(descriptionPath);
  const from = basename(path);
  const target = openTarget(to, { importedFrom: from, format: link });
  const devices = new Devices(captured, described, target.sink, from);
  const transfers = new Transfers();
  const record = new UsbRecord();
  const reader = openTrace(path).reader();
  let urbs = 0;
  let isochronous = 0;
  let lastNs = 0;
  try {
    while (reader.next()) {
      if (reader.kind !== 'packet' || !decodeUsbPacket(reader, record) || record.mark === SNAPSHOT_MARK) continue;
      if (record.transferType === TRANSFER_TYPE.isochronous) {
        isochronous++;
        continue;
      }
      const tap = devices.taps.get(KEY(record));
      const urb = transfers.take(record, reader.packetInterface.linkType);
      lastNs = Math.max(lastNs, record.timeNs);
      if (record.event === USB_EVENT.submit) {
        urbs++;
        tap?.submitted(urb, lastNs);
      } else tap?.completed(urb, lastNs);
    }
  } catch (error) {
    target.abandon();
    throw error;
  } finally {
    reader.close();
  }
  target.close();
  return { devices: devices.told, urbs, isochronous, orphans: transfers.orphans };
}
