/** Writes pcapng: whole blocks, assembled in one reused buffer, synchronously, without an allocation per packet. */

import { HalError } from '../errors.js';
import {
  APPLICATION,
  BLOCK,
  BYTE_ORDER_MAGIC,
  ENTERPRISE_NUMBER,
  MAX_PACKET_BYTES,
  MAX_WRITTEN_BLOCK_BYTES,
  OPTION,
} from './pcapng-format.js';
import type { TraceSink } from './trace-sink.js';

export interface WrittenInterface {
  readonly linkType: number;
  readonly name: string;
  readonly description?: string;
  /** Bits per second. */
  readonly speed?: number;
  /** Seconds to add to every time stamp (`if_tsoffset`); 0 when omitted. */
  readonly offsetSeconds?: number;
  /** Custom string options, `key=value` each, under the documentation PEN. */
  readonly custom?: readonly string[];
}

export interface PcapngWriterOptions {
  /** Hand every block to the sink at once, so that a killed process keeps it; otherwise in batches of at least 64 KiB. */
  readonly flushEachBlock: boolean;
}

const BATCH_BYTES = 65_536;
const UINT32 = 0x1_0000_0000;

/**
 * One pcapng section, little-endian, nanosecond time stamps. Between calls the sink has seen nothing but whole blocks.
 * A packet is written in steps: `beginPacket`, payload (`byte`, `bytes`), `endPayload`, options, `endPacket`.
 * Throws what the sink throws; `HAL_INVALID` for a block beyond what readers take.
 */
export class PcapngWriter {
  readonly #sink: TraceSink;
  readonly #flushEachBlock: boolean;
  readonly #encoder = new TextEncoder();
  #buffer = new Uint8Array(4 * BATCH_BYTES);
  #view = new DataView(this.#buffer.buffer);
  /** End of the last whole block. */
  #whole = 0;
  /** Where the block under construction goes on. */
  #at = 0;
  #payloadStart = 0;
  #interfaces = 0;
  #bytesWritten = 0;

  constructor(sink: TraceSink, options: PcapngWriterOptions) {
    this.#sink = sink;
    this.#flushEachBlock = options.flushEachBlock;
    this.#begin(BLOCK.section);
    this.#uint32(BYTE_ORDER_MAGIC);
    this.#uint32(1);
    this.#uint32(0xffff_ffff);
    this.#uint32(0xffff_ffff);
    this.#stringOption(OPTION.sectionApplication, APPLICATION);
    this.#endOptions();
    this.#end();
  }

  /** Bytes handed to the sink and waiting for it. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Describes a further interface; returns its number. */
  addInterface(description: WrittenInterface): number {
    this.#begin(BLOCK.interface);
    this.#uint32(description.linkType);
    this.#uint32(0);
    this.#stringOption(OPTION.interfaceName, description.name);
    if (description.description !== undefined) this.#stringOption(OPTION.interfaceDescription, description.description);
    if (description.speed !== undefined) {
      this.#optionHead(OPTION.interfaceSpeed, 8);
      this.#uint64(Math.round(description.speed));
    }
    this.#optionHead(OPTION.interfaceResolution, 1);
    this.#uint32(9);
    if (description.offsetSeconds !== undefined && description.offsetSeconds !== 0) {
      this.#optionHead(OPTION.interfaceOffset, 8);
      this.#uint64(description.offsetSeconds);
    }
    for (const text of description.custom ?? []) this.#customString(text);
    this.#endOptions();
    this.#end();
    return this.#interfaces++;
  }

  /** Starts a packet at `timeNs` (not negative, below 2^53). */
  beginPacket(interfaceId: number, timeNs: number): void {
    this.#begin(BLOCK.packet);
    this.#uint32(interfaceId);
    this.#time(timeNs);
    this.#payloadStart = this.#at + 8;
    this.#at = this.#payloadStart;
  }

  /** One byte of payload; room for 32 KiB of them is always there. */
  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  /** Payload. */
  bytes(source: Uint8Array, offset: number, length: number): void {
    this.#room(length);
    if (length <= 512) {
      const target = this.#buffer;
      let at = this.#at;
      for (let i = offset, end = offset + length; i < end; i++) target[at++] = source[i];
      this.#at = at;
      return;
    }
    this.#buffer.set(source.subarray(offset, offset + length), this.#at);
    this.#at += length;
  }

  /** UTF-8 payload; returns how many bytes. */
  text(value: string): number {
    this.#room(value.length * 3);
    const { written } = this.#encoder.encodeInto(value, this.#buffer.subarray(this.#at));
    this.#at += written;
    return written;
  }

  /** The payload is complete; options may follow. Throws `HAL_INVALID`, and forgets the packet, beyond 256 KiB. */
  endPayload(): void {
    const length = this.#at - this.#payloadStart;
    if (length > MAX_PACKET_BYTES) {
      this.#at = this.#whole;
      throw new HalError('HAL_INVALID', `a trace packet holds at most ${MAX_PACKET_BYTES} bytes, not ${length}`, {
        hint: 'Cut what is recorded into smaller packets.',
      });
    }
    this.#view.setUint32(this.#payloadStart - 8, length, true);
    this.#view.setUint32(this.#payloadStart - 4, length, true);
    this.#pad();
  }

  /** `epb_flags`: direction. */
  flags(value: number): void {
    this.#optionHead(OPTION.packetFlags, 4);
    this.#uint32(value);
  }

  packetId(id: number): void {
    this.#optionHead(OPTION.packetId, 8);
    this.#uint64(id);
  }

  /** Packets lost between this and the one before on the interface. */
  dropCount(count: number): void {
    this.#optionHead(OPTION.packetDrops, 8);
    this.#uint64(count);
  }

  comment(text: string): void {
    this.#stringOption(OPTION.comment, text);
  }

  /** A custom string option under the documentation PEN. */
  customString(text: string): void {
    this.#customString(text);
  }

  /** Opens a custom bytes option of `length` bytes after its PEN; they follow by `byte`, then `endCustomBytes`. */
  beginCustomBytes(length: number): void {
    this.#optionHead(OPTION.customBytes, 4 + length);
    this.#uint32(ENTERPRISE_NUMBER);
  }

  endCustomBytes(): void {
    this.#pad();
  }

  /** Completes the packet. */
  endPacket(): void {
    this.#endOptions();
    this.#end();
  }

  /** What an interface saw in all: times of the first and last moment of recording, packets, packets lost. */
  statistics(interfaceId: number, startNs: number, endNs: number, received: number, dropped: number): void {
    this.#begin(BLOCK.statistics);
    this.#uint32(interfaceId);
    this.#time(endNs);
    this.#optionHead(OPTION.statisticsStart, 8);
    this.#time(startNs);
    this.#optionHead(OPTION.statisticsEnd, 8);
    this.#time(endNs);
    this.#optionHead(OPTION.statisticsReceived, 8);
    this.#uint64(received);
    this.#optionHead(OPTION.statisticsDropped, 8);
    this.#uint64(dropped);
    this.#endOptions();
    this.#end();
  }

  /** A custom block that tools must not copy: u32 PEN, u32 `kind`, u32 length, UTF-8 text. */
  customBlock(kind: number, text: string): void {
    this.#begin(BLOCK.customNoCopy);
    this.#uint32(ENTERPRISE_NUMBER);
    this.#uint32(kind);
    const lengthAt = this.#at;
    this.#at += 4;
    const length = this.text(text);
    this.#view.setUint32(lengthAt, length, true);
    this.#pad();
    this.#end();
  }

  /** Hands every whole block to the sink. */
  flush(): void {
    const length = this.#whole;
    if (length === 0) return;
    this.#whole = 0;
    this.#at = 0;
    this.#sink.write(this.#buffer, 0, length);
  }

  #begin(type: number): void {
    this.#at = this.#whole;
    this.#room(BATCH_BYTES);
    this.#uint32(type);
    this.#at += 4;
  }

  #end(): void {
    const length = this.#at + 4 - this.#whole;
    if (length > MAX_WRITTEN_BLOCK_BYTES) {
      this.#at = this.#whole;
      throw new HalError('HAL_INVALID', `a trace block holds at most 16 MiB, not ${length} bytes`, {
        hint: 'Keep the manifest of the run small.',
      });
    }
    this.#view.setUint32(this.#whole + 4, length, true);
    this.#uint32(length);
    this.#whole = this.#at;
    this.#bytesWritten += length;
    if (this.#flushEachBlock || this.#whole >= BATCH_BYTES) this.flush();
  }

  /** Makes sure that `length` bytes and the fixed parts of a block fit behind what is there. */
  #room(length: number): void {
    const needed = this.#at + length + BATCH_BYTES;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }

  #uint32(value: number): void {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** A 64-bit option value: low half first, as the section is little-endian. */
  #uint64(value: number): void {
    this.#uint32(value >>> 0);
    this.#uint32(Math.floor(value / UINT32) >>> 0);
  }

  /** A time stamp: high half first, in either byte order. */
  #time(timeNs: number): void {
    this.#uint32(Math.floor(timeNs / UINT32));
    this.#uint32(timeNs >>> 0);
  }

  #optionHead(code: number, length: number): void {
    this.#uint32(code | (length << 16));
  }

  #stringOption(code: number, text: string): void {
    const headAt = this.#at;
    this.#at += 4;
    this.#optionText(headAt, code, text, 0);
  }

  #customString(text: string): void {
    const headAt = this.#at;
    this.#at += 4;
    this.#uint32(ENTERPRISE_NUMBER);
    this.#optionText(headAt, OPTION.customString, text, 4);
  }

  #optionText(headAt: number, code: number, text: string, before: number): void {
    this.#room(BATCH_BYTES);
    const { written } = this.#encoder.encodeInto(text, this.#buffer.subarray(this.#at, this.#at + 65_000));
    this.#view.setUint32(headAt, (code | ((before + written) << 16)) >>> 0, true);
    this.#at += written;
    this.#pad();
  }

  #endOptions(): void {
    this.#uint32(OPTION.end);
  }

  #pad(): void {
    while (((this.#at - this.#whole) & 3) !== 0) this.#buffer[this.#at++] = 0;
  }
}
