/** Compares what the host submits with what was recorded, and says where they part. */

import { SETUP_BYTES, TRANSFER_TYPE, type Urb } from '../../base/index.js';
import type { RecordedUrb } from '../trace/recorded-urbs.js';
import { countedBits, type UsbReplayMask } from './replay-masks.js';

export type UsbReplayPolicy = 'strict' | 'per-endpoint' | 'masked';

/** One field that is not as recorded. */
export interface UsbFieldDifference {
  readonly field:
    | 'transferType'
    | 'endpointAddress'
    | 'bmRequestType'
    | 'bRequest'
    | 'wValue'
    | 'wIndex'
    | 'wLength'
    | 'length'
    | 'data';
  /** Which byte of the SETUP packet or of the data differs; then `expected` and `actual` are that byte. */
  readonly byte?: number;
  readonly expected: number;
  readonly actual: number;
}

/** A transfer in the words of a report. */
export interface UsbTransferSummary {
  /** Which recorded URB of the device, 1 first, and its packet in the file; 0 for one of the host. */
  readonly urb: number;
  readonly packet: number;
  /** `bulk OUT 02h, 32 bytes: 01 02 …` */
  readonly text: string;
}

export interface UsbDivergence {
  /**
   * `fields`: another content than recorded. `order`: a transfer that was recorded, or might be, but not now. `extra`: nothing
   * more was recorded. `standard`: a standard request that was answered from the recorded descriptors instead.
   */
  readonly kind: 'fields' | 'order' | 'extra' | 'standard';
  readonly policy: UsbReplayPolicy;
  /** Which submission of the host, 1 first. */
  readonly submission: number;
  /** The recorded URB it was compared with, 1 first, and its packet in the file (as Wireshark counts); 0 without one. */
  readonly urb: number;
  readonly packet: number;
  /** On the replay's clock. */
  readonly atNs: number;
  /** When the recorded URB was submitted, on the recording's clock; -1 without one. */
  readonly recordedNs: number;
  readonly actual: UsbTransferSummary;
  /** What might have come now, at most 8: one in a strict replay, else the next of each endpoint. */
  readonly expected: readonly UsbTransferSummary[];
  /** Field by field, at most 16 bytes of data. */
  readonly fields: readonly UsbFieldDifference[];
  /** One sentence. */
  readonly message: string;
}

export interface UsbDivergenceReport {
  readonly policy: UsbReplayPolicy;
  /** URBs the host has submitted. */
  readonly submitted: number;
  /** Of these, as recorded. */
  readonly matched: number;
  /** Of these, not as recorded. */
  readonly differences: number;
  /** Of these, standard requests answered out of band. */
  readonly substituted: number;
  /** Of these, IN transfers beyond the last recorded one of their endpoint; they wait. */
  readonly beyondEnd: number;
  readonly first: UsbDivergence | undefined;
  /** The first 16 standard requests that were not as recorded. */
  readonly substitutions: readonly UsbDivergence[];
  /** Recorded standard requests that the host left out. */
  readonly skipped: number;
  /** Recorded URBs that the host has not submitted (yet). */
  readonly unconsumed: number;
  /** What is waited for now, at most 8. */
  readonly expected: readonly UsbTransferSummary[];
  /** Completions in the recording without their submission. */
  readonly orphans: number;
  /** Isochronous packets, which are not replayed. */
  readonly isochronous: number;
  /** One sentence. */
  readonly message: string;
}

const MOST_BYTES_TOLD = 16;
const TRANSFER_NAMES = ['isochronous', 'interrupt', 'control', 'bulk'] as const;
const SETUP_FIELDS = [
  'bmRequestType',
  'bRequest',
  'wValue',
  'wValue',
  'wIndex',
  'wIndex',
  'wLength',
  'wLength',
] as const;

/** Whether `urb` is what was recorded. Allocates nothing. */
export function sameTransfer(urb: Urb, recorded: RecordedUrb, masks: readonly UsbReplayMask[]): boolean {
  if (urb.transferType !== recorded.transferType) return false;
  const isControl = urb.transferType === TRANSFER_TYPE.control;
  if (!isControl && urb.endpointAddress !== recorded.endpointAddress) return false;
  if (isControl)
    for (let i = 0; i < SETUP_BYTES; i++)
      if (urb.setup[i] !== recorded.setup[i] && differs(urb, recorded, masks, 'setup', i)) return false;
  if (!isControl && recorded.length >= 0 && urb.length !== recorded.length) return false;
  if (recorded.inbound) return true;
  if (urb.length !== recorded.dataLength) return false;
  const { data } = recorded;
  for (let i = 0; i < urb.length; i++)
    if (urb.data[i] !== data[i] && differs(urb, recorded, masks, 'data', i)) return false;
  return true;
}

function differs(
  urb: Urb,
  recorded: RecordedUrb,
  masks: readonly UsbReplayMask[],
  where: 'setup' | 'data',
  i: number,
): boolean {
  if (masks.length === 0) return true;
  const bits = countedBits(masks, where, i, recorded.endpointAddress, recorded.setup);
  const change = where === 'setup' ? urb.setup[i] ^ recorded.setup[i] : urb.data[i] ^ recorded.data[i];
  return (change & bits) !== 0;
}

/** Every field that is not as recorded. */
export function fieldDifferences(
  urb: Urb,
  recorded: RecordedUrb,
  masks: readonly UsbReplayMask[],
): UsbFieldDifference[] {
  const fields: UsbFieldDifference[] = [];
  const isControl = urb.transferType === TRANSFER_TYPE.control && recorded.transferType === TRANSFER_TYPE.control;
  if (urb.transferType !== recorded.transferType)
    fields.push({ field: 'transferType', expected: recorded.transferType, actual: urb.transferType });
  if (!isControl && urb.endpointAddress !== recorded.endpointAddress)
    fields.push({ field: 'endpointAddress', expected: recorded.endpointAddress, actual: urb.endpointAddress });
  if (isControl)
    for (const [byte, field] of SETUP_FIELDS.entries())
      if (urb.setup[byte] !== recorded.setup[byte] && differs(urb, recorded, masks, 'setup', byte))
        fields.push({ field, byte, expected: recorded.setup[byte], actual: urb.setup[byte] });
  const length = recorded.inbound ? recorded.length : recorded.dataLength;
  if (!(isControl && recorded.inbound) && length >= 0 && urb.length !== length)
    fields.push({ field: 'length', expected: length, actual: urb.length });
  if (recorded.inbound || urb.inbound) return fields;
  const shared = Math.min(urb.length, recorded.dataLength);
  let told = 0;
  for (let byte = 0; byte < shared && told < MOST_BYTES_TOLD; byte++) {
    if (urb.data[byte] === recorded.data[byte] || !differs(urb, recorded, masks, 'data', byte)) continue;
    fields.push({ field: 'data', byte, expected: recorded.data[byte], actual: urb.data[byte] });
    told++;
  }
  return fields;
}

function hexBytes(bytes: Uint8Array, length: number): string {
  const shown = Array.from(bytes.subarray(0, Math.min(length, MOST_BYTES_TOLD)), hexByte).join(' ');
  return length > MOST_BYTES_TOLD ? `${shown} …` : shown;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

type Described = Pick<Urb, 'transferType' | 'endpointAddress' | 'setup' | 'inbound' | 'data'>;

function describe(urb: Described, length: number): string {
  const name = TRANSFER_NAMES[urb.transferType];
  const data = urb.inbound || length <= 0 ? '' : `: ${hexBytes(urb.data, length)}`;
  if (urb.transferType === TRANSFER_TYPE.control) return `control ${hexBytes(urb.setup, SETUP_BYTES)}${data}`;
  const size = length < 0 ? '' : `, ${length} bytes`;
  return `${name} ${urb.inbound ? 'IN' : 'OUT'} ${hexByte(urb.endpointAddress)}h${size}${data}`;
}

export function summaryOf(recorded: RecordedUrb): UsbTransferSummary {
  const length = recorded.inbound ? recorded.length : recorded.dataLength;
  return { urb: recorded.number, packet: recorded.submitPacket, text: describe(recorded, length) };
}

export function summaryOfHost(urb: Urb): UsbTransferSummary {
  return { urb: 0, packet: 0, text: describe(urb, urb.length) };
}

function fieldText({ field, byte, expected, actual }: UsbFieldDifference): string {
  const hexed = field !== 'length';
  const of = (value: number): string => (hexed ? `${hexByte(value)}h` : String(value));
  if (field === 'data') return `data byte ${byte} is ${of(actual)} instead of ${of(expected)}`;
  const where = byte === undefined ? '' : ` (SETUP byte ${byte})`;
  return `${field}${where} is ${of(actual)} instead of ${of(expected)}`;
}

/** Fills in a divergence but for its sentence. */
export function divergence(found: Omit<UsbDivergence, 'message'>): UsbDivergence {
  const { kind, submission, actual, expected, fields, urb, packet } = found;
  const subject = `submission ${submission} of the host (${actual.text})`;
  const [told] = fields;
  const more = fields.length > 1 ? ` and ${fields.length - 1} more` : '';
  const what = told === undefined ? 'is not what was recorded' : `${fieldText(told)}${more}`;
  const among = expected.map((one) => `URB ${one.urb}, ${one.text}`).join('; or ');
  const message = {
    fields: `${subject} differs from URB ${urb} (packet ${packet}): ${what}`,
    order: `${subject} comes where ${among} was recorded (packet ${expected[0]?.packet ?? 0})`,
    extra: `${subject} comes where nothing more was recorded`,
    standard:
      urb === 0
        ? `${subject} was not recorded here; it is answered from the recorded descriptors`
        : `${subject} differs from URB ${urb} (packet ${packet}): ${what}; it is answered from the recorded descriptors`,
  }[kind];
  return { ...found, message };
}
