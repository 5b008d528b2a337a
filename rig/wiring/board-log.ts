/** What crossed the bus of a board, as evidence and in the trace: register accesses that mean something, DMA, interrupts. */

import type { Clock } from '../../base/index.js';
import {
  BOARD_HEADER_BYTES,
  BOARD_PACKET,
  type BoardIdentity,
  type BoardMemory,
  type BoardPort,
  type BoardSink,
  DAQ_REGISTER,
  DESCRIPTOR_BYTES,
  MOST_DMA_BYTES,
  type UpperChannel,
} from '../../hal/index.js';
import { TransferArrivals } from '../metrics/arrivals.js';

const NO_SAMPLE = 0xffff_ffff;
const SAMPLE_BYTES = 2;
const R = DAQ_REGISTER;

/** The board with its taps. A byte is complete when its DMA was done, or when its register was read. */
export class LoggedBoard implements BoardPort {
  readonly arrivals = new TransferArrivals();
  readonly name: string;
  readonly identity: BoardIdentity;
  readonly #board: BoardPort;
  readonly #clock: Clock;
  readonly #channel: UpperChannel;
  /** Trace packets of the transfers in `arrivals`, in their order. */
  readonly #packets: number[] = [];
  readonly #packet = new Uint8Array(BOARD_HEADER_BYTES + MOST_DMA_BYTES);
  readonly #view = new DataView(this.#packet.buffer);
  /** Where the descriptors of the present run lie: what is written there is no sample. */
  #ringStart = 0;
  #ringEnd = 0;

  constructor(board: BoardPort, clock: Clock, channel: UpperChannel) {
    this.name = board.name;
    this.identity = board.identity;
    this.#board = board;
    this.#clock = clock;
    this.#channel = channel;
  }

  /** Id of the trace packet that holds byte `index` of the stream, 0 when none does. */
  packetOf(index: number): number {
    return this.#packets[this.arrivals.transferOf(index)] ?? 0;
  }

  attach(sink: BoardSink, memory: BoardMemory): void {
    this.#board.attach(
      {
        interrupt: (level) => {
          this.#record(BOARD_PACKET.interrupt, level ? 1 : 0, 0, 0);
          sink.interrupt(level);
        },
        disconnected: (error) => sink.disconnected(error),
      },
      {
        read: (address, target, offset, length) => memory.read(address, target, offset, length),
        write: (address, source, offset, length) => {
          const isDone = memory.write(address, source, offset, length);
          if (isDone) this.#wrote(address, source, offset, length);
          return isDone;
        },
      },
    );
  }

  readRegister(offset: number): number {
    const value = this.#board.readRegister(offset);
    if (offset === R.fifoData && value !== NO_SAMPLE)
      this.#arrived(SAMPLE_BYTES, this.#record(BOARD_PACKET.read, offset, value, 0));
    return value;
  }

  writeRegister(offset: number, value: number): void {
    this.#record(BOARD_PACKET.write, offset, value, 0);
    if (offset === R.run) {
      const board = this.#board;
      this.#ringStart = board.readRegister(R.ringHigh) * 0x1_0000_0000 + board.readRegister(R.ringLow);
      this.#ringEnd = this.#ringStart + board.readRegister(R.ringSize) * DESCRIPTOR_BYTES;
    }
    this.#board.writeRegister(offset, value);
  }

  close(): void {
    this.#board.close();
  }

  #wrote(address: number, source: Uint8Array, offset: number, length: number): void {
    for (let i = 0; i < length; i++) this.#packet[BOARD_HEADER_BYTES + i] = source[offset + i];
    const id = this.#record(BOARD_PACKET.dma, address % 0x1_0000_0000, length, length);
    if (address < this.#ringStart || address >= this.#ringEnd) this.#arrived(length, id);
  }

  #arrived(bytes: number, packetId: number): void {
    this.arrivals.add(bytes, this.#clock.now());
    this.#packets.push(packetId);
  }

  #record(kind: number, first: number, second: number, bytes: number): number {
    this.#view.setUint32(0, kind, true);
    this.#view.setUint32(4, first, true);
    this.#view.setUint32(8, second, true);
    return this.#channel.data(this.#packet, 0, BOARD_HEADER_BYTES + bytes, this.#clock.now());
  }
}
