/** A moving window over a trace, with number access in either byte order. */

import { BLOCK } from './pcapng-format.js';
import type { TraceSource } from './trace-source.js';

export class TraceWindow {
  readonly #source: TraceSource;
  readonly #decoder = new TextDecoder();
  readonly #probe = new Uint8Array(4);
  readonly #probeView = new DataView(this.#probe.buffer);
  #view: DataView;
  /** File offset of `bytes[0]`, and how many bytes are valid. */
  #start = 0;
  #length = 0;
  bytes: Uint8Array;
  littleEndian = true;

  constructor(source: TraceSource, windowBytes: number) {
    this.#source = source;
    this.bytes = new Uint8Array(Math.max(64, Math.min(windowBytes, source.size)));
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Position in `bytes` of file offset `position`, which has been loaded. */
  at(position: number): number {
    return position - this.#start;
  }

  /** Makes `length` bytes from `position` available, as far as the source has them; returns how many there are. */
  load(position: number, length: number): number {
    const offset = position - this.#start;
    if (offset >= 0 && offset + length <= this.#length) return length;
    const wanted = Math.max(0, Math.min(length, this.#source.size - position));
    if (offset >= 0 && offset + wanted <= this.#length) return wanted;
    if (wanted > this.bytes.length) {
      this.bytes = new Uint8Array(wanted);
      this.#view = new DataView(this.bytes.buffer);
    }
    this.#start = position;
    this.#length = this.#source.read(this.bytes, 0, this.bytes.length, position);
    // A file that shrinks while it is read shows zeros where its end was.
    if (this.#length < wanted) this.bytes.fill(0, this.#length, wanted);
    this.#length = Math.max(this.#length, wanted);
    return wanted;
  }

  /** The u32 at file offset `position`, without moving the window away from where it is. */
  uint32At(position: number): number {
    const offset = position - this.#start;
    if (offset >= 0 && offset + 4 <= this.#length) return this.uint32(offset);
    this.#probe.fill(0);
    this.#source.read(this.#probe, 0, 4, position);
    return this.#probeView.getUint32(0, this.littleEndian);
  }

  /** A cheap test: whether the bytes at file offset `position` could be the type of a block that traces have. */
  mayBeginBlock(position: number, knowsInterfaces: boolean): boolean {
    this.load(position, 12);
    const type = this.uint32(position - this.#start);
    switch (type) {
      case BLOCK.section:
      case BLOCK.customNoCopy:
      case BLOCK.custom:
      case BLOCK.interface:
        return true;
      case BLOCK.packet:
      case BLOCK.statistics:
      case BLOCK.nameResolution:
        return knowsInterfaces;
      default:
        return false;
    }
  }

  uint16(at: number): number {
    return this.#view.getUint16(at, this.littleEndian);
  }

  uint32(at: number): number {
    return this.#view.getUint32(at, this.littleEndian);
  }

  littleUint32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  bigUint32(at: number): number {
    return this.#view.getUint32(at, false);
  }

  /** An unsigned 64-bit number in section byte order; exact below 2^53. */
  uint64(at: number): number {
    const first = this.uint32(at);
    const second = this.uint32(at + 4);
    return this.littleEndian ? second * 0x1_0000_0000 + first : first * 0x1_0000_0000 + second;
  }

  /** A signed 64-bit number in section byte order; exact below 2^53 in magnitude. */
  int64(at: number): number {
    const value = this.#view.getBigInt64(at, this.littleEndian);
    return Number(value);
  }

  text(at: number, length: number): string {
    return this.#decoder.decode(this.bytes.subarray(at, at + length));
  }
}
