/** The runs of a recorded board, one after the other: what each was configured for, and the DMA of it, piece by piece. */

import { CONTROL_WORDS, DAQ_REGISTER, DESCRIPTOR, DESCRIPTOR_BYTES } from '../simulators/daq-board/registers.js';
import type { TraceFile } from '../trace/trace-file.js';
import { BOARD_PACKET, BoardTrace } from './board-trace.js';

const R = DAQ_REGISTER;
const DONE_BYTES = DESCRIPTOR_BYTES - DESCRIPTOR.doneLength;

/** What comes next in the present run. */
export type RecordedStep =
  /** Bytes of a block. */
  | 'piece'
  /** The block is done: the second half of its descriptor. */
  | 'done'
  /** Nothing more in this run. */
  | 'over';

export class RecordedRuns {
  readonly #trace: BoardTrace;
  readonly #control = new Uint32Array((CONTROL_WORDS.end - CONTROL_WORDS.first) / 4);
  /** Blocks done in the present run. */
  #head = 0;
  #startNs = 0;
  #isEnded = false;
  /** The present packet begins a run that nobody has asked for yet. */
  #isAtRun = false;

  /** As the constructor of `BoardTrace`. */
  constructor(trace: TraceFile) {
    this.#trace = new BoardTrace(trace);
  }

  /** Whether the recording is over. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** When the present run began, on the recording's clock. */
  get startNs(): number {
    return this.#startNs;
  }

  /** Of the present step, on the recording's clock. */
  get timeNs(): number {
    return this.#trace.timeNs;
  }

  /** Bytes of the present step: the first `length`. */
  get bytes(): Uint8Array {
    return this.#trace.bytes;
  }

  get length(): number {
    return this.#trace.second;
  }

  /** What stood in a control word when the present run began, or was written since. */
  word(offset: number): number {
    return this.#control[(offset - CONTROL_WORDS.first) / 4];
  }

  /** Leaves the present run and goes to the next; false when there is none. `HAL_TRACE`. */
  nextRun(): boolean {
    while (!this.#isAtRun) if (!this.#read()) return false;
    this.#isAtRun = false;
    this.#head = 0;
    this.#startNs = this.#trace.timeNs;
    return true;
  }

  /** Goes on within the present run. `HAL_TRACE`. */
  next(): RecordedStep {
    while (!this.#isAtRun && this.#read()) {
      if (this.#trace.kind !== BOARD_PACKET.dma) {
        if (this.word(R.run) === 0) return 'over';
        continue;
      }
      if (!this.#isDone()) return 'piece';
      this.#head = (this.#head + 1) >>> 0;
      return 'done';
    }
    return 'over';
  }

  close(): void {
    this.#isEnded = true;
    this.#trace.close();
  }

  #read(): boolean {
    const trace = this.#trace;
    if (this.#isEnded || !trace.next()) {
      this.#isEnded = true;
      return false;
    }
    const { kind, first, second } = trace;
    if (kind === BOARD_PACKET.write && first % 4 === 0 && first >= CONTROL_WORDS.first && first < CONTROL_WORDS.end) {
      this.#isAtRun = first === R.run && second !== 0 && second !== this.word(R.run);
      this.#control[(first - CONTROL_WORDS.first) / 4] = second;
    }
    return true;
  }

  /** Whether a DMA wrote the second half of the descriptor whose turn it was. */
  #isDone(): boolean {
    const slot = this.#head & (this.word(R.ringSize) - 1);
    const address = (this.word(R.ringLow) + slot * DESCRIPTOR_BYTES + DESCRIPTOR.doneLength) >>> 0;
    return this.#trace.first === address && this.#trace.second === DONE_BYTES;
  }
}
