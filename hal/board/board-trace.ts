/** What a trace tells of a board: packets of the interface `board NAME` (docs/trace-format.md), one by one. */

import { HalError } from '../errors.js';
import type { PacketView } from '../trace/pcapng-reader.js';
import { selectInterface, type TraceFile } from '../trace/trace-file.js';
import { upperPayloadOffset } from '../trace/upper-channel.js';

/** First word of a packet; the second and third are what is named here, all little-endian. */
export const BOARD_PACKET = {
  /** Offset and value. */
  write: 1,
  /** Offset and value, of a register whose reading has an effect. */
  read: 2,
  /** Level and 0. */
  interrupt: 3,
  /** Address modulo 2^32 and length; the bytes follow. */
  dma: 4,
} as const;

export const BOARD_HEADER_BYTES = 12;
export const MOST_DMA_BYTES = 65_536;

const PREFIX = 'board ';

/** Reads in constant memory. The fields are those of the present packet and change with `next`. */
export class BoardTrace {
  kind = 0;
  timeNs = 0;
  first = 0;
  second = 0;
  /** The bytes of a DMA write: the first `second` of them. */
  readonly bytes = new Uint8Array(MOST_DMA_BYTES);
  readonly #path: string;
  readonly #packets: Generator<PacketView, void, undefined>;
  readonly #interface: number;
  #number = 0;

  /** `HAL_NOT_FOUND` when the trace holds no board, `HAL_INVALID` when it holds several. */
  constructor(trace: TraceFile) {
    this.#path = trace.path;
    const boards = trace.interfaces.filter(({ name }) => name.startsWith(PREFIX));
    // Says by itself what there is instead.
    this.#interface = boards.length === 1 ? boards[0].index : selectInterface(trace, `${PREFIX}…`).index;
    this.#packets = trace.packets();
  }

  /** Number of the present packet among those of the board, 1 the first. */
  get number(): number {
    return this.#number;
  }

  /** Goes on to the next packet of the board; false at the end. `HAL_TRACE` at one that is damaged. */
  next(): boolean {
    for (let packet = this.#packets.next(); packet.done !== true; packet = this.#packets.next())
      if (packet.value.interfaceIndex === this.#interface) return this.#take(packet.value);
    return false;
  }

  close(): void {
    this.#packets.return();
  }

  #take({ bytes, offset, length, timeNs }: PacketView): true {
    this.#number++;
    const payload = upperPayloadOffset(bytes, offset, length);
    const at = offset + payload;
    const count = length - payload - BOARD_HEADER_BYTES;
    if (payload < 0 || count < 0) throw this.#damaged('has no header');
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, BOARD_HEADER_BYTES);
    this.kind = view.getUint32(0, true);
    this.first = view.getUint32(4, true);
    this.second = view.getUint32(8, true);
    this.timeNs = timeNs;
    if (this.kind !== BOARD_PACKET.dma) return true;
    if (count !== this.second || count > MOST_DMA_BYTES)
      throw this.#damaged(`holds ${count} of the ${this.second} bytes of a DMA`);
    const from = at + BOARD_HEADER_BYTES;
    for (let i = 0; i < count; i++) this.bytes[i] = bytes[from + i];
    return true;
  }

  #damaged(what: string): HalError {
    return new HalError('HAL_TRACE', `${this.#path}: packet ${this.#number} of the board ${what}`, {
      where: this.#path,
      hint: 'Record the board again; "rig trace info" shows what the file holds.',
    });
  }
}
