/** Packs what enters and leaves a guest into chunks; one entry costs a few bytes and no allocation. */

import { CALL_WORDS } from '../hypercall/hypercall-table.js';
import { AddressSlots } from './address-slots.js';
import {
  CHUNK_BYTES,
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

/** Where chunks go. */
export interface JournalSink {
  /**
   * One chunk of `docs/journal-format.md`, complete in itself. `bytes` is a view that the writer reuses:
   * copy it before returning. `firstInstret` and `lastInstret` are those of its first and last entry.
   */
  chunk(bytes: Uint8Array, firstInstret: number, lastInstret: number, entries: number): void;
}

/** Longest entry without the bytes of a DMA write: a hypercall of eight full registers, or the end's digests. */
const MAX_ENTRY_BYTES = 128;

/**
 * Stamps (`instret`) never decrease. Values are unsigned 32 bits, addresses integers below 2^53.
 * Nothing reaches the sink before a chunk is full, `flush` or `end`.
 */
export class JournalWriter {
  readonly #bytes = new Uint8Array(CHUNK_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #mmio = new AddressSlots();
  readonly #dmaReads = new AddressSlots();
  readonly #dmaWrites = new AddressSlots();
  #length = CHUNK_HEADER_BYTES;
  #entries = 0;
  #sequence = 0;
  #firstInstret = 0;
  #lastInstret = 0;
  #lastTicks = -1;
  #dmaReadEnd = -1;
  #dmaWriteEnd = -1;
  /** Over the entries of every chunk that was handed on. */
  readonly #integrity = new OutputDigest();

  constructor(readonly sink: JournalSink) {}

  start(info: JournalStart): void {
    this.#begin(KIND.other | (OTHER.start << 3), 0);
    this.#varint(info.xlen);
    this.#varint(info.ramBase);
    this.#varint(info.ramBytes);
    this.#varint(info.entryPc);
    this.#varint(info.deviceTreeGpa);
    this.#varint(HYPERCALL_MODES.indexOf(info.hypercalls));
    this.#varint(info.consoleGpa);
    this.#varint(info.reportRingGpa);
    this.#varint(info.privilege);
    this.#varint(info.firmwareInfoGpa);
    this.#hex(info.image);
  }

  mmioRead(instret: number, gpa: number, size: number, value: number, valueHigh: number): void {
    this.#mmioEntry(KIND.mmioRead, instret, gpa, size);
    this.#varint(value);
    if (size === 8) this.#varint(valueHigh);
  }

  /** To be followed by the entries of DMA that happens inside an MMIO read, and then by `mmioRead`. */
  mmioReadOpen(instret: number, gpa: number, size: number): void {
    this.#begin(KIND.other | (OTHER.mmioReadOpen << 3), instret);
    this.#varint(gpa);
    this.#varint(size);
  }

  mmioWrite(instret: number, gpa: number, size: number, value: number, valueHigh: number): void {
    this.#mmioEntry(KIND.mmioWrite, instret, gpa, size);
    this.#varint(value);
    if (size === 8) this.#varint(valueHigh);
  }

  loadFault(instret: number, gpa: number, size: number): void {
    this.#begin(KIND.other | (OTHER.loadFault << 3), instret);
    this.#varint(gpa);
    this.#varint(size);
  }

  storeFault(instret: number): void {
    this.#begin(KIND.other | (OTHER.storeFault << 3), instret);
  }

  lockup(instret: number): void {
    this.#begin(KIND.other | (OTHER.lockup << 3), instret);
  }

  /** One entry for each bit of `mip` that changes. */
  interrupts(instret: number, set: number, clear: number): void {
    for (let left = set; left !== 0; left &= left - 1) {
      this.#begin(KIND.interruptSet | ((31 - Math.clz32(left & -left)) << 3), instret);
    }
    for (let left = clear; left !== 0; left &= left - 1) {
      this.#begin(KIND.interruptClear | ((31 - Math.clz32(left & -left)) << 3), instret);
    }
  }

  time(instret: number, ticks: number): void {
    const asDelta = this.#lastTicks >= 0 && ticks >= this.#lastTicks && this.#fits(MAX_ENTRY_BYTES);
    this.#begin(KIND.time | ((asDelta ? TIME_FORM.delta : TIME_FORM.absolute) << 3), instret);
    this.#varint(asDelta ? ticks - this.#lastTicks : ticks);
    this.#lastTicks = ticks;
  }

  /** `bytesHash` is `hashBytes` of what was read. */
  dmaRead(instret: number, gpa: number, length: number, bytesHash: number): void {
    this.#reserve(MAX_ENTRY_BYTES);
    this.#dmaEntry(KIND.dmaRead, this.#dmaReads, this.#dmaReadEnd, instret, gpa, length);
    this.#view.setUint32(this.#length, bytesHash, true);
    this.#length += 4;
    this.#dmaReadEnd = gpa + length;
  }

  dmaWrite(instret: number, gpa: number, bytes: Uint8Array, offset: number, length: number): void {
    for (let done = 0; done < length; done += MAX_DMA_PIECE) {
      const piece = Math.min(MAX_DMA_PIECE, length - done);
      this.#reserve(MAX_ENTRY_BYTES + piece);
      this.#dmaEntry(KIND.dmaWrite, this.#dmaWrites, this.#dmaWriteEnd, instret, gpa + done, piece);
      for (let i = 0; i < piece; i++) this.#bytes[this.#length + i] = bytes[offset + done + i];
      this.#length += piece;
      this.#dmaWriteEnd = gpa + done + piece;
    }
  }

  /** `registers` as `CALL` lays them out. */
  hypercall(instret: number, registers: Uint32Array): void {
    this.#begin(KIND.other | (OTHER.hypercall << 3), instret);
    for (let i = 0; i < CALL_WORDS; i++) this.#varint(registers[i]);
  }

  /** Both are signed integers below 2^53 in magnitude; a1 stays when `value` is undefined. */
  hypercallResult(instret: number, error: number, value: number | undefined): void {
    this.#begin(KIND.other | (OTHER.hypercallResult << 3), instret);
    this.#signed(error);
    this.#varint(value === undefined ? 0 : 1);
    if (value !== undefined) this.#signed(value);
  }

  /** The last entry, with a digest of all entries before it; what was written is handed on. */
  end(info: JournalEnd): void {
    this.#begin(KIND.other | (OTHER.end << 3), info.instret);
    this.#hex(info.outputDigest);
    this.#hex(info.ramDigest);
    this.#hex(info.stateDigest);
    this.#integrity.word(hashBytes(this.#bytes, CHUNK_HEADER_BYTES, this.#length - CHUNK_HEADER_BYTES));
    this.#hex(this.#integrity.hex());
    this.flush();
  }

  /** Hands on what has been written; does nothing when that is nothing. */
  flush(): void {
    if (this.#entries === 0) return;
    this.#integrity.word(hashBytes(this.#bytes, CHUNK_HEADER_BYTES, this.#length - CHUNK_HEADER_BYTES));
    const view = this.#view;
    view.setUint16(0, JOURNAL_MAGIC, true);
    view.setUint8(2, JOURNAL_VERSION);
    view.setUint8(3, 0);
    view.setUint32(4, this.#sequence, true);
    view.setUint32(8, this.#entries, true);
    view.setUint32(12, this.#firstInstret % 0x1_0000_0000, true);
    view.setUint32(16, Math.floor(this.#firstInstret / 0x1_0000_0000), true);
    this.sink.chunk(this.#bytes.subarray(0, this.#length), this.#firstInstret, this.#lastInstret, this.#entries);
    this.#sequence++;
    this.#length = CHUNK_HEADER_BYTES;
    this.#entries = 0;
    this.#lastTicks = -1;
    this.#dmaReadEnd = -1;
    this.#dmaWriteEnd = -1;
    this.#mmio.clear();
    this.#dmaReads.clear();
    this.#dmaWrites.clear();
  }

  #fits(bytes: number): boolean {
    return this.#length + bytes <= CHUNK_BYTES;
  }

  #reserve(bytes: number): void {
    if (!this.#fits(bytes)) this.flush();
  }

  #begin(tag: number, instret: number): void {
    if (this.#length + MAX_ENTRY_BYTES > CHUNK_BYTES) this.flush();
    if (this.#entries === 0) {
      this.#firstInstret = instret;
      this.#lastInstret = instret;
    }
    this.#bytes[this.#length++] = tag;
    const delta = instret - this.#lastInstret;
    if (delta < 0x80) this.#bytes[this.#length++] = delta;
    else this.#varint(delta);
    this.#lastInstret = instret;
    this.#entries++;
  }

  #mmioEntry(kind: number, instret: number, gpa: number, size: number): void {
    this.#reserve(MAX_ENTRY_BYTES);
    const slot = this.#mmio.find(gpa, size);
    if (slot >= 0) {
      this.#begin(kind | (slot << 3), instret);
      return;
    }
    this.#begin(kind | (SLOT.fresh << 3), instret);
    this.#varint(gpa);
    this.#varint(size);
    this.#mmio.add(gpa, size);
  }

  #dmaEntry(kind: number, slots: AddressSlots, lastEnd: number, instret: number, gpa: number, length: number): void {
    const slot = slots.find(gpa, length);
    if (slot >= 0) {
      this.#begin(kind | (slot << 3), instret);
    } else if (gpa === lastEnd) {
      this.#begin(kind | (SLOT.contiguous << 3), instret);
      this.#varint(length);
    } else {
      this.#begin(kind | (SLOT.fresh << 3), instret);
      this.#varint(gpa);
      this.#varint(length);
      slots.add(gpa, length);
    }
  }

  /** The two words of a 64-bit two's complement number. */
  #signed(value: number): void {
    this.#varint(value >>> 0);
    this.#varint(Math.floor(value / 0x1_0000_0000) >>> 0);
  }

  #varint(value: number): void {
    let left = value;
    while (left >= 0x8000_0000) {
      this.#bytes[this.#length++] = (left & 0x7f) | 0x80;
      left = Math.floor(left / 0x80);
    }
    while (left >= 0x80) {
      this.#bytes[this.#length++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.#bytes[this.#length++] = left;
  }

  #hex(digits: string): void {
    this.#varint(digits.length / 2);
    for (let i = 0; i < digits.length; i += 2) {
      this.#bytes[this.#length++] = Number.parseInt(digits.slice(i, i + 2), 16);
    }
  }
}
