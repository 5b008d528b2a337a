/** The serial port of a partitioned guest: rings in its RAM that cost no exit (docs/guest-abi.md, "Serial ring"). */

import type { Clock } from '../../base/index.js';
import { type CharacterBackend, type CharacterFrontend, LINE_STATUS } from './character.js';
import type { GuestRam } from './guest-ram.js';
import { decodeLine } from './ns16550a-registers.js';
import { ReceiveBurst } from './receive-burst.js';
import { checkPowerOfTwo, checkRingArea, copyRing, RING_HEADER_BYTES, ringDistance } from './ring-area.js';

/** Offsets from the start of the area. */
export const SERIAL_RING = {
  magic: 0x000,
  version: 0x004,
  rxOffset: 0x008,
  rxEntries: 0x00c,
  txOffset: 0x010,
  txEntries: 0x014,
  rxHead: 0x040,
  rxTail: 0x080,
  txHead: 0x0c0,
  txTail: 0x100,
  rxLost: 0x140,
  baudRate: 0x180,
  lineControl: 0x184,
  modemControl: 0x188,
  controlSequence: 0x18c,
  modemStatus: 0x1c0,
  disconnected: 0x1c4,
} as const;

export const SERIAL_RING_MAGIC = 0x5253_5652;
export const SERIAL_RING_VERSION = 1;

const ENTRY_BYTES = 2;
/** Received characters gathered before they are written although nobody has ended the burst. */
const BURST_ENTRIES = 256;

export interface SerialRingOptions {
  readonly clock: Clock;
  readonly ram: GuestRam;
  /** Guest physical address of the area, 64-byte aligned; `serialRingBytes` long. */
  readonly base: number;
  /** Powers of two. */
  readonly rxEntries: number;
  readonly txEntries: number;
  /** Sets bit 16 of `mip`. */
  doorbell(): void;
}

/** Bytes that the area of such a ring takes. */
export function serialRingBytes(rxEntries: number, txEntries: number): number {
  return RING_HEADER_BYTES + ENTRY_BYTES * (rxEntries + txEntries);
}

/**
 * One ring pair. `receive` gathers characters; `publish` writes them, moves `rx_head` once and rings the doorbell once;
 * when nobody publishes, a timer due at once does. `poll` fetches what the guest produced.
 *
 * A guest that writes an impossible index stops this ring for good: `fault` says why, `room()` is 0, nothing in its
 * memory is touched any more. It has harmed itself alone.
 */
export class SerialRing implements CharacterFrontend {
  readonly #options: SerialRingOptions;
  readonly #ram: GuestRam;
  readonly #base: number;
  readonly #rxGpa: number;
  readonly #txGpa: number;
  readonly #burst: ReceiveBurst;
  readonly #pending: Uint8Array;
  readonly #fetched: Uint8Array;
  readonly #read: (gpa: number, buffer: Uint8Array, offset: number, length: number) => void;
  readonly #write: (gpa: number, buffer: Uint8Array, offset: number, length: number) => void;
  #backend: CharacterBackend | undefined;
  #pendingCount = 0;
  #rxHead = 0;
  #rxTail = 0;
  #rxLost = 0;
  #lostUnwritten = false;
  /** The next character carries the overrun mark. */
  #overrun = false;
  #txTail = 0;
  #controlSequence = 0;
  #toldModem = 0;
  #starved = false;
  #fault = '';

  /** @throws VmmError `VMM_CONFIG` when the area is not RAM or a size is no power of two. */
  constructor(options: SerialRingOptions) {
    const { ram, base, rxEntries, txEntries } = options;
    checkPowerOfTwo(rxEntries, 2, 'rx_entries', 'serial ring');
    checkPowerOfTwo(txEntries, 2, 'tx_entries', 'serial ring');
    checkRingArea(ram, base, serialRingBytes(rxEntries, txEntries), 'serial ring');
    this.#options = options;
    this.#ram = ram;
    this.#base = base;
    this.#rxGpa = base + RING_HEADER_BYTES;
    this.#txGpa = this.#rxGpa + ENTRY_BYTES * rxEntries;
    this.#pending = new Uint8Array(ENTRY_BYTES * Math.min(BURST_ENTRIES, rxEntries));
    this.#fetched = new Uint8Array(ENTRY_BYTES * txEntries);
    this.#burst = new ReceiveBurst(options.clock, () => this.#deliver());
    this.#read = (gpa, buffer, offset, length) => ram.read(gpa, buffer, offset, length);
    this.#write = (gpa, buffer, offset, length) => ram.write(gpa, buffer, offset, length);
  }

  /** Why the ring stands still; empty while it works. */
  get fault(): string {
    return this.#fault;
  }

  /** Writes the rig's fields; before the guest boots. */
  initialise(): void {
    const { rxEntries, txEntries } = this.#options;
    const header = new Uint8Array(RING_HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint32(SERIAL_RING.magic, SERIAL_RING_MAGIC, true);
    view.setUint32(SERIAL_RING.version, SERIAL_RING_VERSION, true);
    view.setUint32(SERIAL_RING.rxOffset, this.#rxGpa - this.#base, true);
    view.setUint32(SERIAL_RING.rxEntries, rxEntries, true);
    view.setUint32(SERIAL_RING.txOffset, this.#txGpa - this.#base, true);
    view.setUint32(SERIAL_RING.txEntries, txEntries, true);
    this.#ram.write(this.#base, header, 0, header.length);
  }

  attach(backend: CharacterBackend): void {
    this.#backend = backend;
  }

  room(): number {
    this.#refreshRxTail();
    const room = this.#freeEntries();
    if (room === 0) this.#starved = true;
    return room;
  }

  receive(byte: number, lineStatus: number): boolean {
    if (this.#freeEntries() === 0 && this.room() === 0) return false;
    const at = ENTRY_BYTES * this.#pendingCount;
    this.#pending[at] = byte;
    this.#pending[at + 1] = this.#overrun ? lineStatus | LINE_STATUS.overrun : lineStatus;
    this.#overrun = false;
    this.#pendingCount++;
    this.#burst.begin();
    if (ENTRY_BYTES * this.#pendingCount === this.#pending.length) this.publish();
    return true;
  }

  /** The burst is complete: the guest sees what was received, with one doorbell. */
  publish(): void {
    this.#burst.end();
  }

  /** Counts in `rx_lost` too. */
  overrun(): void {
    this.#overrun = true;
    this.#rxLost = (this.#rxLost + 1) >>> 0;
    this.#lostUnwritten = true;
    this.#burst.begin();
  }

  modemStatus(bits: number): void {
    this.#announce(SERIAL_RING.modemStatus, bits & 0x0f);
  }

  /** Tells the guest that its device is gone, or is there again. */
  disconnected(gone: boolean): void {
    this.#announce(SERIAL_RING.disconnected, gone ? 1 : 0);
  }

  /**
   * Fetches what the guest produced since the last call: control changes first, then characters (all of them, at
   * most `tx_entries`). Returns how many characters went to the backend.
   */
  poll(): number {
    if (this.#fault !== '') return 0;
    this.#pollControl();
    const count = this.#pollTransmit();
    if (this.#starved && this.room() > 0) {
      this.#starved = false;
      this.#backend?.roomAvailable();
    }
    return count;
  }

  #freeEntries(): number {
    if (this.#fault !== '') return 0;
    return this.#options.rxEntries - ringDistance(this.#rxHead, this.#rxTail) - this.#pendingCount;
  }

  #refreshRxTail(): void {
    if (this.#fault !== '') return;
    const tail = this.#ram.readU32(this.#base + SERIAL_RING.rxTail);
    // The guest may only move towards rx_head, from where it was.
    if (ringDistance(this.#rxHead, tail) > ringDistance(this.#rxHead, this.#rxTail))
      this.#stop(`rx_tail went from ${this.#rxTail} to ${tail} while rx_head is ${this.#rxHead}`);
    else this.#rxTail = tail;
  }

  #deliver(): void {
    const count = this.#pendingCount;
    this.#pendingCount = 0;
    if (this.#fault !== '') return;
    if (this.#lostUnwritten) this.#ram.writeU32(this.#base + SERIAL_RING.rxLost, this.#rxLost);
    this.#lostUnwritten = false;
    if (count > 0) {
      copyRing(this.#write, this.#rxGpa, this.#options.rxEntries, this.#rxHead, this.#pending, count, ENTRY_BYTES);
      this.#rxHead = (this.#rxHead + count) >>> 0;
      this.#ram.writeU32(this.#base + SERIAL_RING.rxHead, this.#rxHead);
    }
    this.#options.doorbell();
  }

  #announce(offset: number, value: number): void {
    if (this.#fault !== '') return;
    this.#ram.writeU32(this.#base + offset, value);
    this.#options.doorbell();
  }

  #pollControl(): void {
    const sequence = this.#ram.readU32(this.#base + SERIAL_RING.controlSequence);
    if (sequence === this.#controlSequence) return;
    this.#controlSequence = sequence;
    const baudRate = this.#ram.readU32(this.#base + SERIAL_RING.baudRate);
    const lineControl = this.#ram.readU32(this.#base + SERIAL_RING.lineControl);
    const modemControl = this.#ram.readU32(this.#base + SERIAL_RING.modemControl) & 0x07;
    this.#backend?.configure(decodeLine(lineControl & 0x3f, baudRate));
    if (modemControl === this.#toldModem) return;
    this.#toldModem = modemControl;
    this.#backend?.modemControl(modemControl);
  }

  #pollTransmit(): number {
    const head = this.#ram.readU32(this.#base + SERIAL_RING.txHead);
    const count = ringDistance(head, this.#txTail);
    if (count === 0) return 0;
    if (count > this.#options.txEntries) {
      this.#stop(`tx_head is ${head} while tx_tail is ${this.#txTail} in a ring of ${this.#options.txEntries}`);
      return 0;
    }
    copyRing(this.#read, this.#txGpa, this.#options.txEntries, this.#txTail, this.#fetched, count, ENTRY_BYTES);
    this.#txTail = head;
    this.#ram.writeU32(this.#base + SERIAL_RING.txTail, head);
    for (let i = 0; i < count; i++) this.#backend?.transmit(this.#fetched[ENTRY_BYTES * i]);
    return count;
  }

  #stop(fault: string): void {
    this.#fault = `the guest wrote an impossible ring index: ${fault}`;
  }
}
