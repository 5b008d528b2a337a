/** Makes an ordinary trace of a hid-recorder recording: every device becomes a USB device whose reports are interrupt transfers. */

import { basename } from 'node:path';
import { HalError } from '../../errors.js';
import { type ImportTarget, openTarget } from './foreign-sink.js';
import { type HidRecordingDevice, type HidRecordingEvent, HidRecordingParser } from './hid-recording.js';
import { HidReports } from './hid-reports.js';
import { synthesiseHid } from './synthesised-device.js';
import { fileLines } from './text-lines.js';

export interface HidRecorderImport {
  readonly devices: readonly {
    readonly name: string;
    readonly vendorId: number;
    readonly productId: number;
    /** Linux' number of the bus it was on: 3 USB, 5 Bluetooth, 24 I2C. */
    readonly bus: number;
    readonly reports: number;
  }[];
  readonly reports: number;
  /** From the first report to the last. */
  readonly durationNs: number;
  /** Lines of no known kind, and reports stamped earlier than the one before (they follow it at once). */
  readonly unknownLines: number;
  readonly timesBack: number;
}

/** Quiet time before the first report, so that a guest is up when it comes. */
export const LEAD_IN_NS = 100_000_000;

const BUS_NAMES: Readonly<Record<number, string>> = { 3: 'usb', 5: 'bluetooth', 24: 'i2c' };

/** Devices, and the longest report of each; nothing is kept of the reports. */
function survey(path: string): { readonly parser: HidRecordingParser; readonly longest: Map<number, number> } {
  const parser = new HidRecordingParser(path);
  const longest = new Map<number, number>();
  for (const line of fileLines(path)) {
    const event = parser.take(line);
    if (event === undefined) continue;
    const { index } = event.device;
    longest.set(index, Math.max(longest.get(index) ?? 0, event.report.length));
  }
  if (parser.devices.length === 0)
    throw new HalError('HAL_TRACE', `${path} is no recording of a HID device`, {
      where: path,
      hint: 'Record one with hid-recorder.',
    });
  return { parser, longest };
}

/** The reports of a recording that `survey` has gone through: nothing in it is malformed. */
function* eventsOf(path: string): Generator<HidRecordingEvent, void, undefined> {
  const parser = new HidRecordingParser(path);
  for (const line of fileLines(path)) {
    const event = parser.take(line);
    if (event !== undefined) yield event;
  }
}

function nameOf(device: HidRecordingDevice, among: number): string {
  const name = device.name === '' ? 'hid' : device.name;
  return among > 1 ? `${name} ${device.index}` : name;
}

/**
 * Imports the recording at `path`, in constant memory: every report becomes an interrupt transfer from endpoint 81h of a
 * made-up USB device with the recorded vendor, product, name and report descriptor, so that it replays as any USB HID
 * device. Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`; `HAL_TRACE`, naming the line, where it is malformed.
 */
export function importHidRecorder(path: string, to: ImportTarget): HidRecorderImport {
  const { parser, longest } = survey(path);
  const target = openTarget(to, { importedFrom: basename(path), format: 'hid-recorder' });
  const counts = new Map<number, number>();
  const interfaces = new Map<number, HidReports>();
  for (const device of parser.devices) {
    const { name, vendorId, productId, reportDescriptor } = device;
    const description = synthesiseHid({ name, vendorId, productId, reportDescriptor });
    const tap = target.sink.usb(nameOf(device, parser.devices.length), description, {
      importedFrom: basename(path),
      descriptors: 'made up but for vendor, product, name and report descriptor',
      bus: BUS_NAMES[device.bus] ?? String(device.bus),
    });
    const reports = new HidReports(tap, description, 0, longest.get(device.index) ?? 0);
    reports.start(0);
    interfaces.set(device.index, reports);
  }
  let durationNs = 0;
  let total = 0;
  for (const event of eventsOf(path)) {
    interfaces.get(event.device.index)?.input(event.report, LEAD_IN_NS + event.atNs);
    counts.set(event.device.index, (counts.get(event.device.index) ?? 0) + 1);
    durationNs = event.atNs;
    total++;
  }
  target.close();
  return {
    devices: parser.devices.map(({ index, name, vendorId, productId, bus }) => ({
      name,
      vendorId,
      productId,
      bus,
      reports: counts.get(index) ?? 0,
    })),
    reports: total,
    durationNs,
    unknownLines: parser.unknownLines,
    timesBack: parser.timesBack,
  };
}
