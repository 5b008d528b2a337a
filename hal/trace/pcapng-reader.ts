/** Reads pcapng of any size in constant memory, block by block, over damage and cut-off tails. */

import { HalError } from '../errors.js';
import { foreignFile } from './foreign-file.js';
import { readPacketOptions } from './packet-options.js';
import { BLOCK, BYTE_ORDER_MAGIC, CUSTOM_BLOCK, ENTERPRISE_NUMBER, MAX_READ_BLOCK_BYTES } from './pcapng-format.js';
import { readApplication, readInterface, readStatistics } from './section-options.js';
import type { InterfaceStatistics, TraceBlockKind, TraceDamage, TraceInterface } from './trace-block.js';
import type { TraceSource } from './trace-source.js';
import { TraceWindow } from './trace-window.js';

const MAX_INTERFACES = 1024;
const MAX_DAMAGE_RECORDS = 100;
const UINT32 = 0x1_0000_0000;

/** The packet at hand; valid until the next call of `next`. Times are nanoseconds on the recording's clock. */
export class PacketView {
  /** Of `TraceInterface.index`. */
  interfaceIndex = 0;
  /** Since `PcapngReader.timeBaseSeconds`; exact to the nanosecond. */
  timeNs = 0;
  /** The reader's window: the packet lies at `offset`, `length` bytes. */
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  length = 0;
  /** Bytes on the wire; more than `length` when the capture cut the packet. */
  originalLength = 0;
  /** `epb_flags`, 0 when absent. */
  flags = 0;
  /** `epb_packetid`, 0 when absent. */
  packetId = 0;
  /** `epb_dropcount`, 0 when absent. */
  dropCount = 0;
  /** The project's custom bytes option, without its PEN: where it lies in `bytes`; length 0 when absent. */
  customOffset = 0;
  customLength = 0;
  /** `opt_comment` and the project's custom string, undefined when absent. */
  comment: string | undefined;
  customText: string | undefined;
}

/**
 * Goes over the blocks of a trace from the start. Every whole block before a cut-off tail is delivered. Memory is bounded
 * (a window of 1 MiB, more only for a longer block, at most 64 MiB); time is linear in the size of the file.
 * The constructor throws `HAL_TRACE` for a file that is no pcapng; nothing later does, but for `HAL_IO` of the disk and
 * `HAL_TRACE` beyond 1,024 interfaces.
 */
export class PcapngReader {
  readonly #window: TraceWindow;
  readonly #source: TraceSource;
  readonly #interfaces: TraceInterface[] = [];
  readonly #damage: TraceDamage[] = [];
  /** Index of interface 0 of the section at hand. */
  #sectionBase = 0;
  #own = false;
  #position = 0;
  #next = 0;
  #timeBase: number | undefined;
  #damageCount = 0;
  #truncatedAt: number | undefined;
  readonly packet = new PacketView();
  kind: TraceBlockKind = 'section';
  /** Of the block at hand: type code, offset in the file, bytes. */
  blockType = 0;
  blockOffset = 0;
  blockLength = 0;
  /** Of a `statistics` block. */
  statistics: InterfaceStatistics | undefined;
  /** Of a `custom` block of the project: what it is (`CUSTOM_BLOCK`, 0 = someone else's) and its text. */
  customKind = 0;
  customText = '';

  constructor(source: TraceSource, windowBytes = 1 << 20) {
    this.#source = source;
    this.#window = new TraceWindow(source, windowBytes);
    const available = this.#window.load(0, 28);
    const head = this.#window.bytes.subarray(0, Math.min(available, 28));
    if (this.#sectionOrder(0) === undefined) throw foreignFile(source.name, head, source.size);
    this.#setOrder(0);
    if (this.#whyNot(0) !== undefined && source.size >= 28 && this.#window.uint32(4) <= source.size)
      throw foreignFile(source.name, head, source.size);
  }

  /** Every interface described so far. */
  get interfaces(): readonly TraceInterface[] {
    return this.#interfaces;
  }

  /** What could not be understood so far: the first 100 places, in file order. */
  get damage(): readonly TraceDamage[] {
    return this.#damage;
  }

  get damageCount(): number {
    return this.#damageCount;
  }

  /** Offset of a last block that was cut off, once it has been reached. */
  get truncatedAt(): number | undefined {
    return this.#truncatedAt;
  }

  /**
   * Unix seconds at which `timeNs` is 0: the recording clock's origin in the project's traces (0 in virtual time), the
   * second of the first packet in others.
   */
  get timeBaseSeconds(): number {
    return this.#timeBase ?? 0;
  }

  /** The interface of the packet at hand. */
  get packetInterface(): TraceInterface {
    return this.#interfaces[this.packet.interfaceIndex];
  }

  /** The block at hand as it is in the file: `blockLength` bytes of `rawBytes` from `rawOffset`, valid until `next`. */
  get rawBytes(): Uint8Array {
    return this.#window.bytes;
  }

  get rawOffset(): number {
    return this.#window.at(this.blockOffset);
  }

  /** Byte order of the section at hand. */
  get littleEndian(): boolean {
    return this.#window.littleEndian;
  }

  /** Moves to the next block that can be understood; false at the end. */
  next(): boolean {
    for (;;) {
      this.#position = this.#next;
      if (this.#position >= this.#source.size) return false;
      const reason = this.#whyNot(this.#position);
      if (reason === undefined) {
        const length = this.#window.uint32(this.#window.at(this.#position) + 4);
        this.#next = this.#position + length;
        if (this.#take(length)) return true;
        continue;
      }
      if (!this.#resynchronise(reason)) return false;
    }
  }

  close(): void {
    this.#source.close();
  }

  /** Little-endian (true), big-endian (false), or undefined when no section begins at file offset `position`. */
  #sectionOrder(position: number): boolean | undefined {
    const window = this.#window;
    if (window.load(position, 28) < 12) return undefined;
    const at = window.at(position);
    if (window.littleUint32(at) !== BLOCK.section) return undefined;
    if (window.littleUint32(at + 8) === BYTE_ORDER_MAGIC) return true;
    if (window.bigUint32(at + 8) === BYTE_ORDER_MAGIC) return false;
    return undefined;
  }

  #setOrder(position: number): void {
    const order = this.#sectionOrder(position);
    if (order !== undefined) this.#window.littleEndian = order;
  }

  /** Why no whole, plausible block lies at file offset `position`; undefined when one does, and then its head is loaded. */
  #whyNot(position: number): string | undefined {
    const window = this.#window;
    if (this.#source.size - position < 12) return 'cut off';
    window.load(position, 32);
    const at = window.at(position);
    const type = window.uint32(at);
    const before = window.littleEndian;
    if (type === BLOCK.section) {
      const order = this.#sectionOrder(position);
      if (order === undefined) return 'a section header without its byte-order magic';
      window.littleEndian = order;
    }
    const reason = this.#whyNotLength(position, window.uint32(at + 4), type);
    if (reason !== undefined) window.littleEndian = before;
    return reason;
  }

  #whyNotLength(position: number, length: number, type: number): string | undefined {
    if (length < 12 || (length & 3) !== 0) return `a block length of ${length}`;
    if (length > MAX_READ_BLOCK_BYTES) return `a block of ${length} bytes, more than any trace has`;
    if (position + length > this.#source.size) return 'cut off';
    if (this.#window.uint32At(position + length - 4) !== length) return 'a block whose two lengths differ';
    this.#window.load(position, Math.min(length, 32));
    const at = this.#window.at(position);
    if (type === BLOCK.packet) {
      if (length < 32) return 'a packet block that is too short';
      if (this.#window.uint32(at + 20) > length - 32) return 'a packet longer than its block';
      if (this.#sectionBase + this.#window.uint32(at + 8) >= this.#interfaces.length)
        return 'a packet of an interface that was not described';
    } else if (type === BLOCK.section && length >= 28 && this.#window.uint16(at + 12) !== 1) {
      return `a section of pcapng version ${this.#window.uint16(at + 12)}`;
    } else if ((type === BLOCK.section && length < 28) || (type === BLOCK.interface && length < 20)) {
      return 'a block that is too short for its type';
    }
    return undefined;
  }

  /** Skips to the next plausible block of a known type. False when there is none: then this was the tail. */
  #resynchronise(reason: string): boolean {
    const start = this.#position;
    const size = this.#source.size;
    for (let position = start + 1; position <= size - 12; position++) {
      if (!this.#window.mayBeginBlock(position, this.#interfaces.length > 0)) continue;
      if (this.#whyNot(position) !== undefined) continue;
      this.#record(start, position - start, reason);
      this.#next = position;
      return true;
    }
    this.#next = size;
    if (reason === 'cut off') this.#truncatedAt = start;
    else this.#record(start, size - start, reason);
    return false;
  }

  #record(offset: number, length: number, reason: string): void {
    this.#damageCount++;
    if (this.#damage.length < MAX_DAMAGE_RECORDS) this.#damage.push({ offset, length, reason });
  }

  /** Takes in the block at the position; false when it turns out not to be one. */
  #take(length: number): boolean {
    const window = this.#window;
    window.load(this.#position, length);
    const at = window.at(this.#position);
    this.blockType = window.uint32(at);
    this.blockOffset = this.#position;
    this.blockLength = length;
    const bodyEnd = at + length - 4;
    switch (this.blockType) {
      case BLOCK.section:
        this.kind = 'section';
        this.#sectionBase = this.#interfaces.length;
        this.#own = readApplication(window, at + 24, bodyEnd);
        return true;
      case BLOCK.interface:
        this.kind = 'interface';
        this.#takeInterface(at, bodyEnd);
        return true;
      case BLOCK.packet:
        this.kind = 'packet';
        this.#takePacket(at, bodyEnd);
        return true;
      case BLOCK.statistics:
        this.kind = 'statistics';
        return length >= 24 && this.#takeStatistics(at, bodyEnd);
      case BLOCK.custom:
      case BLOCK.customNoCopy:
        this.kind = 'custom';
        this.#takeCustom(at, bodyEnd);
        return true;
      default:
        this.kind = 'other';
        return true;
    }
  }

  #takeInterface(at: number, end: number): void {
    if (this.#interfaces.length >= MAX_INTERFACES)
      throw new HalError('HAL_TRACE', `${this.#source.name} describes more than ${MAX_INTERFACES} interfaces`, {
        where: this.#source.name,
        hint: 'It is damaged or not a trace; record it again.',
      });
    this.#interfaces.push(
      readInterface(this.#window, at + 16, end, this.#interfaces.length, this.#window.uint16(at + 8), this.#own),
    );
  }

  #takePacket(at: number, end: number): void {
    const window = this.#window;
    const packet = this.packet;
    packet.interfaceIndex = this.#sectionBase + window.uint32(at + 8);
    packet.timeNs = this.#timeOf(
      this.#interfaces[packet.interfaceIndex],
      window.uint32(at + 12),
      window.uint32(at + 16),
    );
    packet.bytes = window.bytes;
    packet.offset = at + 28;
    packet.length = window.uint32(at + 20);
    packet.originalLength = window.uint32(at + 24);
    readPacketOptions(window, packet, at + 28 + ((packet.length + 3) & ~3), end, this.#own);
  }

  #takeStatistics(at: number, end: number): boolean {
    const index = this.#sectionBase + this.#window.uint32(at + 8);
    const described = this.#interfaces[index];
    if (described === undefined) return false;
    this.statistics = readStatistics(this.#window, at + 20, end, index, (high, low) =>
      this.#timeOf(described, high, low),
    );
    return true;
  }

  #takeCustom(at: number, end: number): void {
    const window = this.#window;
    this.customKind = 0;
    this.customText = '';
    if (!this.#own || end - at < 20 || window.uint32(at + 8) !== ENTERPRISE_NUMBER) return;
    const kind = window.uint32(at + 12);
    const length = window.uint32(at + 16);
    if ((kind !== CUSTOM_BLOCK.manifest && kind !== CUSTOM_BLOCK.summary) || length > end - at - 20) return;
    this.customKind = kind;
    this.customText = window.text(at + 20, length);
  }

  /** A 64-bit time stamp as nanoseconds since the time base: split in seconds and rest, as a double holds no 64 bits. */
  #timeOf(described: TraceInterface, high: number, low: number): number {
    const base = this.#timeBase;
    if (described.ticksPerSecond === 1e9 && high < 0x20_0000 && base === described.offsetSeconds)
      return high * UINT32 + low - described.originNs;
    const { seconds, ns } = splitTime(high, low, described.ticksPerSecond);
    const unixSeconds = seconds + described.offsetSeconds;
    if (base === undefined) this.#timeBase = described.own ? described.offsetSeconds : unixSeconds;
    return (unixSeconds - (this.#timeBase ?? 0)) * 1e9 + ns - described.originNs;
  }
}

function splitTime(high: number, low: number, ticksPerSecond: number): { seconds: number; ns: number } {
  if (ticksPerSecond > 2 ** 36) {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const perSecond = BigInt(ticksPerSecond);
    return { seconds: Number(ticks / perSecond), ns: Number(((ticks % perSecond) * 1_000_000_000n) / perSecond) };
  }
  // Long division in 16-bit digits: each partial dividend stays below 2^53.
  const q1 = Math.floor(high / ticksPerSecond);
  const d2 = (high % ticksPerSecond) * 65_536 + (low >>> 16);
  const q2 = Math.floor(d2 / ticksPerSecond);
  const d3 = (d2 % ticksPerSecond) * 65_536 + (low & 0xffff);
  const q3 = Math.floor(d3 / ticksPerSecond);
  const rest = d3 % ticksPerSecond;
  const ns = 1e9 % ticksPerSecond === 0 ? rest * (1e9 / ticksPerSecond) : Math.floor((rest / ticksPerSecond) * 1e9);
  return { seconds: q1 * UINT32 + q2 * 65_536 + q3, ns };
}
