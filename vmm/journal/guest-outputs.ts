/** Tells from a guest's registers, hypercalls and memory alone what it printed and reported; needs no device. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { REPORT_RECORD, REPORT_RING } from '../devices/report-ring.js';
import { argument, CALL } from '../hypercall/hypercall-table.js';
import { SBI_EXTENSION } from '../hypercall/sbi.js';
import type { JournalStart } from './journal-format.js';

/** NS16550A (PC16550D, table II): transmit holding register, line control register and its divisor latch bit. */
const CONSOLE = { THR: 0, LCR: 3, DLAB: 0x80, bytes: 8 } as const;

/** A larger one is not searched for records. */
const LARGEST_RING = 1 << 24;

/** More is not kept; a guest that prints or reports without end costs no more than this. */
const MOST_CONSOLE_BYTES = 16 * 1024 * 1024;
const MOST_REPORT_BYTES = 256 * 1024 * 1024;
/** What keeping one record costs beside its bytes. */
const REPORT_OVERHEAD_BYTES = 100;

/** Collects console bytes and report records in the order in which the guest produced them. */
export class GuestOutputs {
  readonly #memory: GuestMemory;
  readonly #start: JournalStart;
  #console = new Uint8Array(4_096);
  #consoleLength = 0;
  #lcr = 0;
  #ringTail = 0;
  #reportBytes = 0;
  #isTruncated = false;
  readonly #reports: Uint8Array[] = [];

  constructor(memory: GuestMemory, start: JournalStart) {
    this.#memory = memory;
    this.#start = start;
  }

  /** Characters written to the console UART's transmit register, to the debug console and by putchar. */
  get console(): Uint8Array {
    return this.#console.slice(0, this.#consoleLength);
  }

  get reports(): readonly Uint8Array[] {
    return this.#reports;
  }

  /** There was more than is kept: 16 MiB of console, 256 MiB of reports. */
  get truncated(): boolean {
    return this.#isTruncated;
  }

  mmioWrite(gpa: number, value: number): void {
    const offset = gpa - this.#start.consoleGpa;
    if (offset < 0 || offset >= CONSOLE.bytes) return;
    if (offset === CONSOLE.LCR) this.#lcr = value & 0xff;
    else if (offset === CONSOLE.THR && (this.#lcr & CONSOLE.DLAB) === 0) this.#print(value & 0xff);
  }

  /** An answered call, with registers as `CALL` lays them out; `value` is what a1 got. */
  hypercall(registers: Uint32Array, error: number, value: number): void {
    if (error !== 0) return;
    const functionId = registers[CALL.functionId];
    const a0 = argument(registers, CALL.a0);
    const a1 = argument(registers, CALL.a1);
    switch (registers[CALL.extension]) {
      case SBI_EXTENSION.legacyPutchar:
        this.#print(registers[CALL.a0] & 0xff);
        break;
      case SBI_EXTENSION.debugConsole:
        if (functionId === 2) this.#print(registers[CALL.a0] & 0xff);
        else if (functionId === 0 && this.#memory.contains(a1, value)) {
          for (const byte of this.#memory.read(a1, value)) this.#print(byte);
        }
        break;
      case SBI_EXTENSION.report:
        if (functionId === 1 && a1 >= REPORT_RECORD.headerBytes && this.#memory.contains(a0, a1)) {
          const payload = this.#memory.readU32(a0 + REPORT_RECORD.payloadLength);
          this.#report(this.#memory.read(a0, Math.min(a1, REPORT_RECORD.headerBytes + payload)));
        }
        break;
    }
  }

  /** After DMA has changed memory at `gpa`: when that was the report ring's tail, its reader has taken what lies before it. */
  dmaWrite(gpa: number, length: number): void {
    const ring = this.#start.reportRingGpa;
    if (ring === 0 || gpa !== ring + REPORT_RING.tail || length !== 4) return;
    const memory = this.#memory;
    const tail = memory.readU32(gpa);
    const dataBytes = memory.readU32(ring + REPORT_RING.dataBytes);
    const dataGpa = ring + memory.readU32(ring + REPORT_RING.dataOffset);
    const isUsable = dataBytes > 0 && dataBytes <= LARGEST_RING && (dataBytes & (dataBytes - 1)) === 0;
    if (isUsable && memory.contains(dataGpa, dataBytes)) {
      let left = Math.min((tail - this.#ringTail) >>> 0, dataBytes);
      while (left >= REPORT_RECORD.headerBytes) {
        const record = this.#ringRecord(dataGpa, dataBytes);
        if (record.length === 0) break;
        this.#report(record);
        const padded = Math.ceil(record.length / 8) * 8;
        this.#ringTail = (this.#ringTail + padded) >>> 0;
        left -= padded;
      }
    }
    this.#ringTail = tail;
  }

  /** The record at the ring's tail; empty when it cannot be one. */
  #ringRecord(dataGpa: number, dataBytes: number): Uint8Array {
    const at = (i: number): number => dataGpa + (((this.#ringTail + i) >>> 0) & (dataBytes - 1));
    const payload = this.#memory.readU32(at(REPORT_RECORD.payloadLength));
    const channel = this.#memory.readU32(at(0));
    if (payload > REPORT_RECORD.maxPayloadBytes || channel >= REPORT_RECORD.channels) return new Uint8Array(0);
    const record = new Uint8Array(REPORT_RECORD.headerBytes + payload);
    for (let i = 0; i < record.length; i++) record[i] = this.#memory.readU8(at(i));
    return record;
  }

  #report(record: Uint8Array): void {
    this.#reportBytes += record.length + REPORT_OVERHEAD_BYTES;
    if (this.#reportBytes > MOST_REPORT_BYTES) this.#isTruncated = true;
    else this.#reports.push(record);
  }

  #print(byte: number): void {
    if (this.#consoleLength === MOST_CONSOLE_BYTES) {
      this.#isTruncated = true;
      return;
    }
    if (this.#consoleLength === this.#console.length) {
      const grown = new Uint8Array(2 * this.#console.length);
      grown.set(this.#console);
      this.#console = grown;
    }
    this.#console[this.#consoleLength++] = byte;
  }
}
