/** The few facts of a HID report descriptor that whoever carries reports needs: ids, lengths, and the first usage (HID 1.11, section 6.2.2). */

import { HalError } from '../errors.js';

/** Report types as GET_REPORT and SET_REPORT number them (HID 1.11, section 7.2.1). */
export const HID_REPORT_TYPE = { input: 1, output: 2, feature: 3 } as const;

export type HidReportType = (typeof HID_REPORT_TYPE)[keyof typeof HID_REPORT_TYPE];

/** A report with its id has at most so many bytes (Linux, HID_MAX_BUFFER_SIZE). */
export const MOST_REPORT_BYTES = 16_384;

/** Deepest nesting of PUSH. */
const MOST_SAVED = 64;

/** Item tags with their types, sizes masked out (HID 1.11, sections 6.2.2.4 to 6.2.2.8). */
const ITEM = {
  input: 0x80,
  output: 0x90,
  feature: 0xb0,
  collection: 0xa0,
  usagePage: 0x04,
  reportSize: 0x74,
  reportId: 0x84,
  reportCount: 0x94,
  push: 0xa4,
  pop: 0xb4,
  usage: 0x08,
  long: 0xfe,
} as const;

const ITEM_MASK = 0xfc;

const TYPE_OF_ITEM: ReadonlyMap<number, HidReportType> = new Map([
  [ITEM.input, HID_REPORT_TYPE.input],
  [ITEM.output, HID_REPORT_TYPE.output],
  [ITEM.feature, HID_REPORT_TYPE.feature],
]);

interface Globals {
  readonly usagePage: number;
  readonly reportSize: number;
  readonly reportCount: number;
  readonly reportId: number;
}

/** What a report descriptor says of its reports as a whole. */
export interface HidReportLayout {
  /** Every report begins with its id; otherwise there is one report of each type, and no id crosses the wire. */
  readonly numbered: boolean;
  /** Ids in use, in ascending order; 0 alone where reports are not numbered. */
  readonly ids: readonly number[];
  /** Usage page and usage of the first collection; undefined where it has none. */
  readonly usagePage: number | undefined;
  readonly usage: number | undefined;
  /** Bytes of a report as it crosses the wire, with its id where reports are numbered; 0 where there is no such report. */
  bytesOf(type: HidReportType, reportId: number): number;
  /** Of the longest report of a type, likewise; 0 where there is none. */
  longest(type: HidReportType): number;
}

class ReportLayout implements HidReportLayout {
  readonly #bits = new Map<number, number>();
  readonly #ids = new Set<number>();
  #saved: Globals[] = [];
  #globals: Globals = { usagePage: 0, reportSize: 0, reportCount: 0, reportId: 0 };
  #localUsage: number | undefined;
  #inCollection = false;
  numbered = false;
  usagePage: number | undefined;
  usage: number | undefined;

  get ids(): readonly number[] {
    return this.numbered ? [...this.#ids].sort((a, b) => a - b) : [0];
  }

  bytesOf(type: HidReportType, reportId: number): number {
    const bits = this.#bits.get((type << 8) | reportId) ?? 0;
    return bits === 0 ? 0 : Math.ceil(bits / 8) + (this.numbered ? 1 : 0);
  }

  longest(type: HidReportType): number {
    return Math.max(0, ...this.ids.map((id) => this.bytesOf(type, id)));
  }

  /** One short item: its tag with its type, and its value, unsigned. */
  take(item: number, value: number): void {
    const type = TYPE_OF_ITEM.get(item);
    if (type !== undefined) this.#field(type);
    else if (item === ITEM.collection) this.#collection();
    else if (item === ITEM.usage) this.#localUsage ??= value;
    else this.#global(item, value);
  }

  #global(item: number, value: number): void {
    switch (item) {
      case ITEM.usagePage:
        this.#globals = { ...this.#globals, usagePage: value };
        break;
      case ITEM.reportSize:
        this.#globals = { ...this.#globals, reportSize: value };
        break;
      case ITEM.reportCount:
        this.#globals = { ...this.#globals, reportCount: value };
        break;
      case ITEM.reportId:
        if (value < 1 || value > 255) throw invalid(`numbers a report ${value}`);
        this.numbered = true;
        this.#ids.add(value);
        this.#globals = { ...this.#globals, reportId: value };
        break;
      case ITEM.push:
        if (this.#saved.length === MOST_SAVED) throw invalid(`pushes more than ${MOST_SAVED} times`);
        this.#saved.push(this.#globals);
        break;
      case ITEM.pop:
        this.#globals = this.#saved.pop() ?? fail('pops what was not pushed');
        break;
      default:
        break;
    }
  }

  #field(type: HidReportType): void {
    const { reportId, reportSize, reportCount } = this.#globals;
    const key = (type << 8) | reportId;
    const bits = (this.#bits.get(key) ?? 0) + reportSize * reportCount;
    if (bits > 8 * (MOST_REPORT_BYTES - 1)) throw invalid(`has a report of more than ${MOST_REPORT_BYTES} bytes`);
    this.#bits.set(key, bits);
    this.#localUsage = undefined;
  }

  #collection(): void {
    if (!this.#inCollection && this.#localUsage !== undefined) {
      // A usage of four bytes brings its page along (HID 1.11, section 6.2.2.8).
      this.usagePage = this.#localUsage > 0xffff ? this.#localUsage >>> 16 : this.#globals.usagePage;
      this.usage = this.#localUsage & 0xffff;
    }
    this.#inCollection = true;
    this.#localUsage = undefined;
  }
}

/**
 * Reads a report descriptor in one pass, in memory bounded by its ids. An empty one is that of a device without numbered
 * reports. Throws `HAL_INVALID` for one that ends inside an item, for an impossible id, and for reports beyond
 * `MOST_REPORT_BYTES`.
 */
export function parseReportDescriptor(bytes: Uint8Array): HidReportLayout {
  const layout = new ReportLayout();
  for (let at = 0; at < bytes.length; ) {
    const prefix = bytes[at];
    if (prefix === ITEM.long) {
      if (at + 1 >= bytes.length) throw invalid('ends inside a long item');
      at += 3 + bytes[at + 1];
      if (at > bytes.length) throw invalid('ends inside a long item');
      continue;
    }
    const size = prefix & 3;
    const length = size === 3 ? 4 : size;
    if (at + 1 + length > bytes.length) throw invalid(`ends inside the item at byte ${at}`);
    let value = 0;
    for (let i = 0; i < length; i++) value += bytes[at + 1 + i] * 2 ** (8 * i);
    layout.take(prefix & ITEM_MASK, value);
    at += 1 + length;
  }
  return layout;
}

function invalid(why: string): HalError {
  return new HalError('HAL_INVALID', `the HID report descriptor ${why}`, { where: 'HID report descriptor' });
}

function fail(why: string): never {
  throw invalid(why);
}
