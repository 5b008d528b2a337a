/** Makes an ordinary trace of umockdev's files: device descriptions, scripts of device nodes, ioctl trees. */

import { basename } from 'node:path';
import { HalError } from '../../errors.js';
import type { LineSettings } from '../../serial/serial-port.js';
import { SETUP_BYTES, TRANSFER_TYPE, type TransferType, Urb, type UsbDescription } from '../../usb/usb-port.js';
import { type ChannelTap, type ForeignSink, type ImportTarget, openTarget, type UrbTap } from './foreign-sink.js';
import { HidReports } from './hid-reports.js';
import { LEAD_IN_NS } from './import-hid-recorder.js';
import { synthesiseHid } from './synthesised-device.js';
import { fileLines } from './text-lines.js';
import { type UmockdevDevice, UmockdevParser, usbDescriptionOf, usbDeviceOf } from './umockdev-description.js';
import { IoctlParser, type IoctlRecord, reapedUrb, type ScriptOperation, ScriptParser } from './umockdev-script.js';

/** umockdev's files of one recording; at least one of them. */
export interface UmockdevFiles {
  /** Made by `umockdev-record DEVICE`. */
  readonly description?: string | undefined;
  /** Made by `umockdev-record --script`. */
  readonly scripts?: readonly string[] | undefined;
  /** Made by `umockdev-record --ioctl`. */
  readonly ioctls?: readonly string[] | undefined;
}

export interface UmockdevImport {
  /** Where descriptors come from: the description, an ioctl with a report descriptor and made up for the rest, or there is no USB device. */
  readonly descriptors: 'recorded' | 'made up' | 'none';
  /** The USB device that the trace is of. */
  readonly device: UsbDescription | undefined;
  readonly reads: number;
  readonly writes: number;
  /** URBs out of ioctl trees; they have no times there and follow each other every millisecond. */
  readonly urbs: number;
  /** URBs whose data is not whole in the tree. */
  readonly cutUrbs: number;
  /** Other ioctls, kept as text. */
  readonly ioctls: number;
  readonly durationNs: number;
}

/** A terminal's settings are in no script. */
const USUAL_LINE: LineSettings = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
const STEP_NS = 1_000_000;
const HID_REPORT_HEAD = 4;

interface Counts {
  reads: number;
  writes: number;
  urbs: number;
  cutUrbs: number;
  ioctls: number;
  lastNs: number;
}

/** Longest read of a script, and its device node; nothing else is kept. */
function surveyScript(path: string): { readonly node: string; readonly longest: number } {
  const parser = new ScriptParser(path);
  let longest = 0;
  for (const line of fileLines(path)) {
    const operation = parser.take(line);
    if (operation?.kind === 'read') longest = Math.max(longest, operation.bytes.length);
  }
  return { node: parser.node, longest };
}

/** The report descriptor that HIDIOCGRDESC gave: a length of four bytes, then the descriptor. */
function reportDescriptorIn(paths: readonly string[]): Uint8Array | undefined {
  for (const path of paths) {
    const parser = new IoctlParser(path);
    for (const line of fileLines(path)) {
      const record = parser.take(line);
      if (record?.name !== 'HIDIOCGRDESC' || record.data.length < HID_REPORT_HEAD) continue;
      const length = record.data[0] | (record.data[1] << 8);
      return record.data.slice(HID_REPORT_HEAD, HID_REPORT_HEAD + length);
    }
  }
  return undefined;
}

/** What a recording is of, found out before anything is written. */
class Recording {
  readonly devices: readonly UmockdevDevice[];
  readonly usb: UmockdevDevice | undefined;
  readonly description: UsbDescription | undefined;
  readonly descriptors: UmockdevImport['descriptors'];
  readonly name: string;

  constructor(files: UmockdevFiles, isHid: boolean) {
    const parser = new UmockdevParser(files.description ?? '');
    if (files.description !== undefined) for (const line of fileLines(files.description)) parser.take(line);
    this.devices = parser.devices;
    this.usb = usbDeviceOf(parser.devices);
    const report = reportDescriptorIn(files.ioctls ?? []);
    if (this.usb !== undefined) {
      this.description = usbDescriptionOf(this.usb, parser.devices);
      this.descriptors = 'recorded';
    } else if (isHid || report !== undefined) {
      const reportDescriptor = report ?? new Uint8Array(0);
      this.description = synthesiseHid({ vendorId: 0, productId: 0, name: '', reportDescriptor });
      this.descriptors = 'made up';
    } else this.descriptors = 'none';
    const product = this.description?.strings.get(this.description.device[15]);
    this.name = product ?? basename(this.usb?.path ?? 'usb');
  }

  /** Number of the USB interface that the hidraw device `node` sits on; 0 when nothing tells. */
  interfaceOf(node: string): number {
    const name = basename(node);
    const device = this.devices.find((one) => one.node === name && one.path.includes('/hidraw/'));
    const match = /:\d+\.(\d+)\/[^/]+\/hidraw\//.exec(device?.path ?? '');
    return match === null ? 0 : Number(match[1]);
  }
}

/** Where the operations of one script go. */
type Player = (operation: ScriptOperation, atNs: number) => void;

class Playback {
  readonly counts: Counts = { reads: 0, writes: 0, urbs: 0, cutUrbs: 0, ioctls: 0, lastNs: 0 };
  readonly #recording: Recording;
  readonly #sink: ForeignSink;
  readonly #from: string;
  readonly #hid = new Map<number, HidReports>();
  #tap: UrbTap | undefined;
  #channel: ChannelTap | undefined;
  #lastId = 0;

  constructor(recording: Recording, sink: ForeignSink, from: string) {
    this.#recording = recording;
    this.#sink = sink;
    this.#from = from;
    if (recording.description !== undefined)
      this.#tap = sink.usb(recording.name, recording.description, {
        importedFrom: from,
        descriptors: recording.descriptors,
      });
  }

  /** Plays scripts side by side, in order of time; every one begins at the end of the lead-in. */
  scripts(paths: readonly string[]): void {
    const running = paths.map((path) => {
      const { node, longest } = surveyScript(path);
      const operations = timed(path);
      return { play: this.#player(node, path, longest), operations, next: operations.next() };
    });
    for (;;) {
      let first: (typeof running)[number] | undefined;
      for (const script of running) {
        if (script.next.done === true) continue;
        if (first?.next.done !== false || script.next.value.atNs < first.next.value.atNs) first = script;
      }
      if (first === undefined || first.next.done === true) return;
      const { operation, atNs } = first.next.value;
      first.play(operation, atNs);
      this.counts[operation.kind === 'read' ? 'reads' : 'writes']++;
      this.counts.lastNs = Math.max(this.counts.lastNs, atNs);
      first.next = first.operations.next();
    }
  }

  /** Plays a tree: its order is that of the recording, but it tells no times. */
  ioctls(path: string): void {
    const parser = new IoctlParser(path);
    let atNs = LEAD_IN_NS;
    for (const line of fileLines(path)) {
      const record = parser.take(line);
      if (record === undefined) continue;
      if (!this.#urb(record, atNs) && !this.#feature(record, parser.node, atNs)) this.#note(record, atNs);
      this.counts.lastNs = Math.max(this.counts.lastNs, atNs);
      atNs += STEP_NS;
    }
  }

  #player(node: string, path: string, longest: number): Player {
    const name = node === '' ? basename(path) : node;
    if (/\/hidraw\d+$/.test(node) && this.#tap !== undefined) {
      const reports = this.#reports(node, longest);
      reports.start(0);
      return ({ kind, bytes }, atNs) => {
        if (kind === 'read') reports.inputs(bytes, atNs);
        else reports.outputs(bytes, atNs);
      };
    }
    if (/\/tty[^/]*$/.test(node)) return this.#terminal(name);
    const read = this.#sink.channel(`${name} read`, 'data', `what a program read from ${name}`);
    const write = this.#sink.channel(`${name} write`, 'data', `what a program wrote to ${name}`);
    return ({ kind, bytes }, atNs) => {
      (kind === 'read' ? read : write).data(bytes, 0, bytes.length, atNs);
    };
  }

  #terminal(name: string): Player {
    const tap = this.#sink.serial(name, USUAL_LINE, { importedFrom: this.#from, line: 'made up' });
    return ({ kind, bytes }, atNs) => {
      if (kind === 'write') tap.transmitted(bytes, 0, bytes.length, atNs);
      else for (const byte of bytes) tap.received(byte, 0, atNs);
    };
  }

  #reports(node: string, longest: number): HidReports {
    const number = this.#recording.interfaceOf(node);
    let reports = this.#hid.get(number);
    if (reports === undefined) {
      const { description } = this.#recording;
      if (this.#tap === undefined || description === undefined)
        throw new HalError('HAL_TRACE', `${this.#from} is of no HID device`, { where: this.#from });
      // Reads hold several reports; their sum is the longest only where no descriptor tells them apart.
      reports = new HidReports(this.#tap, description, number, description.reports.has(number) ? 0 : longest);
      this.#hid.set(number, reports);
    }
    return reports;
  }

  /** Reaped URBs, with the submission that must have come before. */
  #urb(record: IoctlRecord, atNs: number): boolean {
    const reaped = reapedUrb(record);
    if (reaped === undefined) return false;
    this.#tap ??= this.#sink.usb('usb', synthesiseHid(NOBODY), { importedFrom: this.#from, descriptors: 'made up' });
    const control = reaped.type === TRANSFER_TYPE.control;
    const head = control ? SETUP_BYTES : 0;
    const urb = new Urb();
    urb.id = ++this.#lastId;
    urb.transferType = reaped.type as TransferType;
    urb.flags = reaped.flags;
    urb.length = Math.max(0, reaped.bufferLength - head);
    urb.setup.set(reaped.data.subarray(0, head));
    const inbound = control ? (urb.setup[0] & 0x80) !== 0 : (reaped.endpointAddress & 0x80) !== 0;
    urb.endpointAddress = (reaped.endpointAddress & 0x0f) | (inbound ? 0x80 : 0);
    urb.data = new Uint8Array(urb.length);
    const moved = reaped.data.subarray(head, head + urb.length);
    urb.data.set(moved);
    this.#tap.submitted(urb, atNs);
    urb.status = reaped.status;
    urb.actualLength = Math.min(reaped.actualLength, inbound ? moved.length : urb.length);
    this.#tap.completed(urb, atNs + STEP_NS / 2);
    this.counts.urbs++;
    if (reaped.actualLength > moved.length) this.counts.cutUrbs++;
    return true;
  }

  #feature(record: IoctlRecord, node: string, atNs: number): boolean {
    const match = /^HIDIOC([SG])FEATURE/.exec(record.name);
    if (match === null || this.#tap === undefined || record.data.length === 0) return false;
    this.#reports(node, 0).feature(match[1] === 'S' ? 'set' : 'get', record.data, atNs);
    this.counts.urbs++;
    return true;
  }

  #note(record: IoctlRecord, atNs: number): void {
    this.#channel ??= this.#sink.channel('ioctl', 'text', 'ioctls that are no transfers, in their order');
    const data = Buffer.from(record.data).toString('hex');
    this.#channel.text([record.name, record.result, ...record.numbers, data].join(' ').trim(), atNs);
    this.counts.ioctls++;
  }
}

const NOBODY = { vendorId: 0, productId: 0, name: '', reportDescriptor: new Uint8Array(0) };

/** The operations of a script with their times. */
function* timed(path: string): Generator<{ readonly operation: ScriptOperation; readonly atNs: number }, undefined> {
  const parser = new ScriptParser(path);
  let atNs = LEAD_IN_NS;
  for (const line of fileLines(path)) {
    const operation = parser.take(line);
    if (operation === undefined) continue;
    atNs += operation.delayMs * 1e6;
    yield { operation, atNs };
  }
  return undefined;
}

/**
 * Imports umockdev's files of one recording, in constant memory (but for the description). Scripts of hidraw nodes become
 * reports of the described USB device (of a made-up one without a description), scripts of terminals serial ports, other
 * scripts channels of data. Reaped URBs become transfers; other ioctls lines of text. Delays are those of the script, on top
 * of 100 ms of quiet. Throws `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`; `HAL_TRACE`, naming the line.
 */
export function importUmockdev(files: UmockdevFiles, to: ImportTarget): UmockdevImport {
  const scripts = files.scripts ?? [];
  const ioctls = files.ioctls ?? [];
  const all = [...(files.description === undefined ? [] : [files.description]), ...scripts, ...ioctls];
  if (all.length === 0) throw new HalError('HAL_INVALID', 'no file of umockdev was named', { hint: 'Name one.' });
  const isHid = scripts.some((path) => /\/hidraw\d+$/.test(surveyScript(path).node));
  const recording = new Recording(files, isHid);
  const from = all.map((path) => basename(path)).join(', ');
  const target = openTarget(to, { importedFrom: from, format: 'umockdev' });
  const playback = new Playback(recording, target.sink, from);
  try {
    playback.scripts(scripts);
    for (const path of ioctls) playback.ioctls(path);
  } catch (error) {
    target.abandon();
    throw error;
  }
  target.close();
  const { lastNs, ...counts } = playback.counts;
  return {
    descriptors: recording.descriptors,
    device: recording.description,
    ...counts,
    durationNs: Math.max(0, lastNs - LEAD_IN_NS),
  };
}
