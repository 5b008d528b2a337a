/** Unpacks a journal entry by entry; whatever the bytes are, it ends with entries or with one `VMM_JOURNAL` sentence. */

import { VmmError } from '../errors.js';
import { CALL_WORDS } from '../hypercall/hypercall-table.js';
import { AddressSlots } from './address-slots.js';
import {
  CHUNK_HEADER_BYTES,
  HYPERCALL_MODES,
  JOURNAL_MAGIC,
  JOURNAL_VERSION,
  type JournalEnd,
  type JournalStart,
  KIND,
  MAX_DMA_PIECE,
  OTHER,
  SLOT,
  TIME_FORM,
} from './journal-format.js';
import { hashBytes, OutputDigest } from './output-digest.js';

export type JournalEntryKind =
  | 'start'
  | 'end'
  | 'mmio-read'
  | 'mmio-read-open'
  | 'mmio-write'
  | 'load-fault'
  | 'store-fault'
  | 'lockup'
  | 'interrupt-set'
  | 'interrupt-clear'
  | 'time'
  | 'dma-read'
  | 'dma-write'
  | 'hypercall'
  | 'hypercall-result';

const EMPTY = new Uint8Array(0);
const START_FIELDS = 10;
const MAX_DIGEST_BYTES = 32;
const NO_START: JournalStart = {
  xlen: 32,
  ramBase: 0,
  ramBytes: 0,
  entryPc: 0,
  deviceTreeGpa: 0,
  hypercalls: 'none',
  privilege: 3,
  firmwareInfoGpa: 0,
  consoleGpa: 0,
  reportRingGpa: 0,
  image: '',
};

/**
 * The entry that `next` has moved to is in the public fields; those of other kinds keep stale values. `bytes` is the
 * chunk itself. Throws `VMM_JOURNAL` at malformed bytes, at a chunk out of sequence and at a foreign version.
 */
export class JournalReader {
  kind: JournalEntryKind = 'end';
  instret = 0;
  gpa = 0;
  /** Bytes of an MMIO access. */
  size = 0;
  /** MMIO value; bit number of an interrupt; ticks of `time`; hash of a DMA read; a1 of a hypercall result, if `hasValue`. */
  value = 0;
  valueHigh = 0;
  /** a0 of a hypercall result. */
  error = 0;
  /** Whether a hypercall result has an a1. */
  hasValue = false;
  /** Of a hypercall, as `CALL` lays them out. */
  readonly registers = new Uint32Array(CALL_WORDS);
  /** Bytes of a DMA write lie at [offset, offset + length) of `bytes`; a DMA read has `length` alone. */
  bytes: Uint8Array = EMPTY;
  offset = 0;
  length = 0;
  start: JournalStart = NO_START;
  end: JournalEnd | undefined;
  readonly #chunks: Iterator<Uint8Array>;
  readonly #mmio = new AddressSlots();
  readonly #dmaReads = new AddressSlots();
  readonly #dmaWrites = new AddressSlots();
  #view: DataView<ArrayBufferLike> = new DataView(EMPTY.buffer);
  #at = 0;
  #entriesLeft = 0;
  #chunk = -1;
  readonly #integrity = new OutputDigest();
  #lastTicks = -1;
  #dmaReadEnd = -1;
  #dmaWriteEnd = -1;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  /** Where in `bytes` the entry ends. */
  get position(): number {
    return this.#at;
  }

  /** Moves to the next entry; false when there is no further one. */
  next(): boolean {
    while (this.#entriesLeft === 0) if (!this.#nextChunk()) return false;
    this.#entriesLeft--;
    const tag = this.#byte();
    this.instret += this.#varint();
    if (this.instret > Number.MAX_SAFE_INTEGER) this.#fail('an instruction count is beyond 2^53');
    this.#entry(tag & 7, tag >>> 3);
    if (this.#entriesLeft === 0 && this.#at !== this.bytes.length) {
      this.#fail(`${this.bytes.length - this.#at} bytes follow its last entry`);
    }
    return true;
  }

  #entry(kind: number, detail: number): void {
    switch (kind) {
      case KIND.mmioRead:
      case KIND.mmioWrite:
        this.kind = kind === KIND.mmioRead ? 'mmio-read' : 'mmio-write';
        this.#mmioAccess(detail);
        break;
      case KIND.interruptSet:
      case KIND.interruptClear:
        this.kind = kind === KIND.interruptSet ? 'interrupt-set' : 'interrupt-clear';
        this.value = detail;
        break;
      case KIND.time:
        this.#time(detail);
        break;
      case KIND.dmaRead:
        this.kind = 'dma-read';
        this.#dmaPlace(this.#dmaReads, this.#dmaReadEnd, detail);
        this.#dmaReadEnd = this.gpa + this.length;
        this.#need(4);
        this.value = this.#view.getUint32(this.#at, true);
        this.#at += 4;
        break;
      case KIND.dmaWrite:
        this.kind = 'dma-write';
        this.#dmaPlace(this.#dmaWrites, this.#dmaWriteEnd, detail);
        this.#dmaWriteEnd = this.gpa + this.length;
        if (this.length > MAX_DMA_PIECE)
          this.#fail(`a DMA write of ${this.length} bytes is longer than an entry holds`);
        this.#need(this.length);
        this.offset = this.#at;
        this.#at += this.length;
        break;
      default:
        this.#otherEntry(detail);
    }
  }

  #otherEntry(detail: number): void {
    switch (detail) {
      case OTHER.start:
        this.kind = 'start';
        this.#start();
        break;
      case OTHER.end:
        this.kind = 'end';
        this.end = {
          instret: this.instret,
          outputDigest: this.#hex(),
          ramDigest: this.#hex(),
          stateDigest: this.#hex(),
        };
        this.#integrity.word(hashBytes(this.bytes, CHUNK_HEADER_BYTES, this.#at - CHUNK_HEADER_BYTES));
        if (this.#hex() !== this.#integrity.hex()) this.#fail('it is not as it was written');
        break;
      case OTHER.loadFault:
      case OTHER.mmioReadOpen:
        this.kind = detail === OTHER.loadFault ? 'load-fault' : 'mmio-read-open';
        this.gpa = this.#varint();
        this.size = this.#accessSize(this.#varint());
        break;
      case OTHER.storeFault:
        this.kind = 'store-fault';
        break;
      case OTHER.lockup:
        this.kind = 'lockup';
        break;
      case OTHER.hypercall:
        this.kind = 'hypercall';
        for (let i = 0; i < CALL_WORDS; i++) this.registers[i] = this.#uint32();
        break;
      case OTHER.hypercallResult:
        this.kind = 'hypercall-result';
        this.error = this.#signed();
        this.hasValue = this.#flag();
        this.value = this.hasValue ? this.#signed() : 0;
        break;
      default:
        this.#fail(`an entry of unknown kind ${detail}`);
    }
  }

  #mmioAccess(slot: number): void {
    if (slot === SLOT.fresh) {
      this.gpa = this.#varint();
      this.size = this.#accessSize(this.#varint());
      this.#mmio.add(this.gpa, this.size);
    } else {
      if (!this.#mmio.holds(slot)) this.#fail(`an entry names address slot ${slot}, which holds nothing`);
      this.gpa = this.#mmio.gpa(slot);
      this.size = this.#mmio.length(slot);
    }
    this.value = this.#uint32();
    this.valueHigh = this.size === 8 ? this.#uint32() : 0;
  }

  #dmaPlace(slots: AddressSlots, lastEnd: number, slot: number): void {
    if (slot === SLOT.fresh) {
      this.gpa = this.#varint();
      this.length = this.#varint();
      slots.add(this.gpa, this.length);
    } else if (slot === SLOT.contiguous) {
      if (lastEnd < 0) this.#fail('a DMA entry continues one that is not there');
      this.gpa = lastEnd;
      this.length = this.#varint();
    } else {
      if (!slots.holds(slot)) this.#fail(`a DMA entry names address slot ${slot}, which holds nothing`);
      this.gpa = slots.gpa(slot);
      this.length = slots.length(slot);
    }
    if (this.gpa + this.length > Number.MAX_SAFE_INTEGER) this.#fail('a DMA entry lies beyond 2^53');
  }

  #time(form: number): void {
    this.kind = 'time';
    const ticks = this.#varint();
    if (form === TIME_FORM.absolute) this.value = ticks;
    else if (form === TIME_FORM.delta && this.#lastTicks >= 0) this.value = this.#lastTicks + ticks;
    else this.#fail('a time entry has no form this version knows');
    if (this.value > Number.MAX_SAFE_INTEGER) this.#fail('a time is beyond 2^53');
    this.#lastTicks = this.value;
  }

  #start(): void {
    const fields: number[] = [];
    for (let i = 0; i < START_FIELDS; i++) fields.push(this.#varint());
    const [xlen, ramBase, ramBytes, entryPc, deviceTreeGpa, hypercalls, consoleGpa, reportRingGpa] = fields;
    const [privilege, firmwareInfoGpa] = fields.slice(8);
    if (hypercalls >= HYPERCALL_MODES.length) this.#fail('its guest has hypercalls of an unknown kind');
    if (privilege !== 1 && privilege !== 3) this.#fail(`its guest starts in mode ${privilege}`);
    if (xlen !== 32 && xlen !== 64) this.#fail(`its guest has registers of ${xlen} bits`);
    this.start = {
      xlen: xlen === 64 ? 64 : 32,
      ramBase,
      ramBytes,
      entryPc,
      deviceTreeGpa,
      hypercalls: HYPERCALL_MODES[hypercalls],
      consoleGpa,
      reportRingGpa,
      privilege: privilege === 1 ? 1 : 3,
      firmwareInfoGpa,
      image: this.#hex(),
    };
  }

  #nextChunk(): boolean {
    const result = this.#chunks.next();
    if (result.done === true) return false;
    const bytes = result.value;
    if (this.#chunk >= 0)
      this.#integrity.word(hashBytes(this.bytes, CHUNK_HEADER_BYTES, this.#at - CHUNK_HEADER_BYTES));
    this.#chunk++;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    if (bytes.length < CHUNK_HEADER_BYTES || this.#view.getUint16(0, true) !== JOURNAL_MAGIC) {
      this.#fail('it does not begin with the header of a journal chunk');
    }
    const version = this.#view.getUint8(2);
    if (version !== JOURNAL_VERSION)
      this.#fail(`its format version is ${version}; this program reads ${JOURNAL_VERSION}`);
    if (this.#view.getUint8(3) !== 0) this.#fail('its header has flags that this program does not know');
    const sequence = this.#view.getUint32(4, true);
    if (sequence !== this.#chunk) this.#fail(`a chunk is number ${sequence} where number ${this.#chunk} belongs`);
    const first = this.#view.getUint32(12, true) + this.#view.getUint32(16, true) * 0x1_0000_0000;
    if (first < this.instret) this.#fail('it begins before its predecessor ended');
    this.instret = first;
    this.#entriesLeft = this.#view.getUint32(8, true);
    this.#at = CHUNK_HEADER_BYTES;
    this.#lastTicks = -1;
    this.#dmaReadEnd = -1;
    this.#dmaWriteEnd = -1;
    this.#mmio.clear();
    this.#dmaReads.clear();
    this.#dmaWrites.clear();
    return true;
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.bytes.length) this.#fail('it ends in the middle of an entry');
  }

  #byte(): number {
    this.#need(1);
    return this.bytes[this.#at++];
  }

  #varint(): number {
    let byte = this.#byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 56) this.#fail('a number is beyond 2^53');
    } while (byte >= 0x80);
    return value;
  }

  #uint32(): number {
    const value = this.#varint();
    if (value > 0xffff_ffff) this.#fail('a value is longer than 32 bits');
    return value;
  }

  #signed(): number {
    const low = this.#uint32();
    const value = (this.#uint32() | 0) * 0x1_0000_0000 + low;
    if (!Number.isSafeInteger(value)) this.#fail('a hypercall result is beyond 2^53');
    return value;
  }

  #flag(): boolean {
    const value = this.#varint();
    if (value > 1) this.#fail(`a yes or no is ${value}`);
    return value === 1;
  }

  #accessSize(size: number): number {
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) this.#fail(`an access has a size of ${size} bytes`);
    return size;
  }

  #hex(): string {
    const length = this.#varint();
    if (length > MAX_DIGEST_BYTES) this.#fail(`a digest has ${length} bytes`);
    let digits = '';
    for (let i = 0; i < length; i++) digits += this.#byte().toString(16).padStart(2, '0');
    return digits;
  }

  #fail(what: string): never {
    throw new VmmError('VMM_JOURNAL', `The journal cannot be read: ${what}.`, {
      where: `journal chunk ${this.#chunk}, byte ${this.#at}`,
      hint: 'Record the run again; a journal that was damaged cannot certify anything.',
    });
  }
}
