/** An RV-DAQ16 that plays a recording: the same blocks to the same configuration, as long after RUN as they came then. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';
import { Coalescing, unseenBlocks } from '../simulators/daq-board/coalescing.js';
import { type DaqBoardParameters, daqBoardParametersSchema } from '../simulators/daq-board/parameters.js';
import {
  BAR_BYTES,
  CONTROL_WORDS,
  DAQ_MODE,
  DAQ_REGISTER,
  DAQ_STATUS,
  identityWord,
  LEAST_DIVISOR,
} from '../simulators/daq-board/registers.js';
import type { TraceFile } from '../trace/trace-file.js';
import type { BoardIdentity, BoardMemory, BoardPort, BoardSink } from './board-port.js';
import { DAQ_IDENTITY } from './daq-identity.js';
import { RecordedRuns, type RecordedStep } from './recorded-run.js';
import { ReplayedRing } from './replayed-ring.js';

export interface BoardReplayOptions {
  readonly clock: Clock;
  /** Of the board that was recorded, for its registers CHANNELS and FIFO_SAMPLES, which a trace does not tell. */
  readonly parameters?: DaqBoardParameters;
}

export interface ReplayedBoard extends BoardPort {
  /** Whether nothing of the recording is left. */
  readonly ended: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;
const ABORTED = 0xffff_ffff;
const R = DAQ_REGISTER;

class RecordedBoard implements ReplayedBoard {
  readonly name: string;
  readonly identity: BoardIdentity = DAQ_IDENTITY;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #settings: { readonly channels: number; readonly fifoSamples: number };
  readonly #runs: RecordedRuns;
  readonly #control = new Uint32Array((CONTROL_WORDS.end - CONTROL_WORDS.first) / 4);
  readonly #coalescing = new Coalescing();
  readonly #timer = new Timer(() => this.#work());
  #sink: BoardSink | undefined;
  #memory: BoardMemory | undefined;
  #ring: ReplayedRing | undefined;
  #step: RecordedStep = 'over';
  /** Clock time minus the recording's. */
  #shiftNs = 0;
  #running = 0;
  #level = false;
  #isGone = false;

  constructor(trace: TraceFile, { clock, parameters = {} }: BoardReplayOptions) {
    this.#path = trace.path;
    this.name = `replay:${trace.path}`;
    this.#clock = clock;
    this.#settings = daqBoardParametersSchema.parse(parameters);
    this.#runs = new RecordedRuns(trace);
  }

  get ended(): boolean {
    return this.#runs.ended;
  }

  attach(sink: BoardSink, memory: BoardMemory): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has a host already.`, {
        where: this.name,
        hint: 'Open a second replay of the same trace.',
      });
    this.#sink = sink;
    this.#memory = memory;
  }

  readRegister(offset: number): number {
    if (this.#isGone || offset % 4 !== 0 || offset < 0 || offset >= BAR_BYTES) return ABORTED;
    if (offset >= CONTROL_WORDS.first && offset < CONTROL_WORDS.end) return this.#word(offset);
    this.#work();
    return this.#isGone ? ABORTED : this.#boardsWord(offset);
  }

  writeRegister(offset: number, value: number): void {
    if (this.#isGone || offset % 4 !== 0 || offset < CONTROL_WORDS.first || offset >= CONTROL_WORDS.end) return;
    this.#work();
    const isNews = value >>> 0 !== this.#word(offset);
    this.#control[(offset - CONTROL_WORDS.first) / 4] = value;
    if (offset === R.run && isNews) this.#start(value >>> 0);
    if (offset === R.acknowledge && isNews && this.#ring !== undefined)
      this.#coalescing.acknowledged(this.#ring.head, value >>> 0, this.#clock.now());
    this.#work();
  }

  close(): void {
    this.#isGone = true;
    this.#level = false;
    this.#clock.cancel(this.#timer);
    this.#runs.close();
  }

  #word(offset: number): number {
    return this.#control[(offset - CONTROL_WORDS.first) / 4];
  }

  #begin(run: number): void {
    this.#running = run;
    this.#coalescing.reset();
    this.#ring = undefined;
    this.#step = 'over';
    if (run === 0) return;
    if (!this.#runs.nextRun())
      throw this.#diverged('begins a run that was not recorded', 'Record for longer, or let the guest start once.');
    this.#compare();
    const address = this.#word(R.ringHigh) * 0x1_0000_0000 + this.#word(R.ringLow);
    this.#ring = new ReplayedRing(address, this.#word(R.ringSize));
    this.#shiftNs = this.#clock.now() - this.#runs.startNs;
    this.#step = this.#runs.next();
  }

  /** `HAL_DIVERGED` where what the guest asks for is not what was recorded, `HAL_UNSUPPORTED` for programmed mode. */
  #compare(): void {
    const { dma, counter } = DAQ_MODE;
    const asked = [R.mode, R.divisor, R.channelMask].map((offset) => [this.#word(offset), this.#runs.word(offset)]);
    const [[mode, recordedMode], [divisor, recordedDivisor], [mask, recordedMask]] = asked;
    if ((mode & dma) === 0 || (recordedMode & dma) === 0)
      throw new HalError('HAL_UNSUPPORTED', `${this.name}: samples of programmed mode cannot be replayed`, {
        where: this.#path,
        hint: 'Record and replay a guest that uses DMA.',
      });
    const differences = [
      (mode & counter) === (recordedMode & counter) ? '' : `MODE ${mode}, recorded ${recordedMode}`,
      Math.max(LEAST_DIVISOR, divisor) === Math.max(LEAST_DIVISOR, recordedDivisor)
        ? ''
        : `DIVISOR ${divisor}, recorded ${recordedDivisor}`,
      mask === recordedMask ? '' : `CHANNEL_MASK ${mask}, recorded ${recordedMask}`,
    ].filter((text) => text !== '');
    if (differences.length > 0)
      throw this.#diverged(`asks for ${differences.join('; ')}`, 'Give the guest the settings of the recorded run.');
  }

  #diverged(what: string, hint: string): HalError {
    return new HalError('HAL_DIVERGED', `${this.name}: the guest ${what}`, { where: this.#path, hint });
  }

  #boardsWord(offset: number): number {
    const { channels, fifoSamples } = this.#settings;
    const identity = identityWord(offset, channels, fifoSamples);
    if (identity !== undefined) return identity;
    const ring = this.#ring;
    switch (offset) {
      case R.running:
        return this.#running;
      case R.fifoData:
        return ABORTED;
      case R.status:
        return this.#status();
      case R.head:
        return ring?.head ?? 0;
      case R.samplesLow:
        return (ring?.samples ?? 0) % 0x1_0000_0000;
      case R.samplesHigh:
        return Math.floor((ring?.samples ?? 0) / 0x1_0000_0000);
      case R.lost:
        return (ring?.lost ?? 0) % 0x1_0000_0000;
      case R.dmaErrors:
        return ring?.hasError ? 1 : 0;
      default:
        return 0;
    }
  }

  #status(): number {
    const ring = this.#ring;
    let status = this.#level ? DAQ_STATUS.interrupt : 0;
    if (ring === undefined) return status;
    if (ring.lost > 0) status |= DAQ_STATUS.overrun;
    if (ring.hasError) status |= DAQ_STATUS.dmaError;
    if (ring.head === this.#word(R.tail)) status |= DAQ_STATUS.ringEmpty;
    return status;
  }

  /** Plays what was due by now; what finds no descriptor waits for one. */
  #work(): void {
    if (this.#isGone || this.#memory === undefined) return;
    const nowNs = this.#clock.now();
    try {
      this.#play(nowNs);
    } catch (error) {
      this.#end(error);
      return;
    }
    const level = this.#wantsInterrupt(nowNs);
    const isStill = this.#step === 'over' || this.#ring?.isWaiting === true || this.#ring?.hasError === true;
    const stepNs = isStill ? NEVER : this.#runs.timeNs + this.#shiftNs;
    const waits = !level && this.#canInterrupt && this.#unseen > 0;
    const dueNs = Math.min(stepNs, waits ? this.#coalescing.dueNs(this.#word(R.coalesceUs)) : NEVER);
    if (dueNs === NEVER) this.#clock.cancel(this.#timer);
    else this.#clock.schedule(this.#timer, dueNs);
    if (level === this.#level) return;
    this.#level = level;
    // Last: the host may answer with register accesses at once.
    this.#sink?.interrupt(level);
  }

  #play(nowNs: number): void {
    const ring = this.#ring;
    const memory = this.#memory;
    if (ring === undefined || memory === undefined) return;
    // Also before anything is due: a board reads the next descriptor as soon as it can.
    while (ring.load(memory, this.#word(R.tail))) {
      if (this.#step === 'over' || this.#runs.timeNs + this.#shiftNs > nowNs) return;
      const { bytes, length } = this.#runs;
      if (this.#step === 'piece') ring.fill(memory, bytes, length);
      else if (ring.complete(memory, bytes, this.#shiftNs)) this.#coalescing.completed(nowNs);
      if (ring.mismatch !== '')
        throw this.#diverged(ring.mismatch, 'Give the guest blocks of the length of the recorded ones.');
      if (!ring.hasError) this.#step = this.#runs.next();
    }
  }

  get #canInterrupt(): boolean {
    return this.#ring !== undefined && (this.#word(R.mode) & DAQ_MODE.interrupt) !== 0;
  }

  get #unseen(): number {
    return unseenBlocks(this.#ring?.head ?? 0, this.#word(R.acknowledge));
  }

  #wantsInterrupt(nowNs: number): boolean {
    if (!this.#canInterrupt) return false;
    if (this.#ring?.hasError) return true;
    const unseen = this.#unseen;
    const isDue = nowNs >= this.#coalescing.dueNs(this.#word(R.coalesceUs));
    return unseen > 0 && (unseen >= this.#word(R.coalesceCount) || isDue);
  }

  #start(run: number): void {
    try {
      this.#begin(run);
    } catch (error) {
      this.#end(error);
    }
  }

  /** What the recording or the guest makes impossible ends the board. */
  #end(error: unknown): void {
    if (!(error instanceof HalError)) throw error;
    this.close();
    this.#sink?.disconnected(error);
  }
}

/**
 * The one board of a trace, idle. DMA goes to the descriptors of the guest that is there, each piece as long after its RUN
 * as it came after the recorded one, or when the guest has given a descriptor; time stamps of blocks move with it. The line
 * follows the guest's own COALESCE_* and ACKNOWLEDGE. A guest that configures another acquisition or other blocks, or begins
 * more runs, is told `HAL_DIVERGED`; programmed mode is `HAL_UNSUPPORTED`, a damaged recording `HAL_TRACE`. Throws
 * `HAL_NOT_FOUND` when the trace holds no board and `HAL_INVALID` when it holds several.
 */
export function createReplayedBoard(trace: TraceFile, options: BoardReplayOptions): ReplayedBoard {
  return new RecordedBoard(trace, options);
}
