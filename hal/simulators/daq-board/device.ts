/** The RV-DAQ16: a 16-bit data acquisition board on a memory bus, its registers and its interrupt (docs/daq-board.md). */

import { type Clock, createRandom, type Random, Timer } from '../../../base/index.js';
import type { BoardIdentity, BoardMemory, BoardPort, BoardSink } from '../../board/board-port.js';
import { DAQ_IDENTITY } from '../../board/daq-identity.js';
import { HalError } from '../../errors.js';
import { createSignal, type Signal } from '../signal/signal.js';
import { Coalescing, unseenBlocks } from './coalescing.js';
import { Conversion } from './conversion.js';
import { DmaRing } from './dma-ring.js';
import { type DaqBoardParameters, daqBoardParametersSchema } from './parameters.js';
import {
  BAR_BYTES,
  CONTROL_WORDS,
  DAQ_MODE,
  DAQ_REGISTER,
  DAQ_STATUS,
  identityWord,
  LEAST_DIVISOR,
} from './registers.js';
import { NumberedFifo } from './sample-fifo.js';

export interface DaqBoardOptions {
  readonly clock: Clock;
  readonly parameters?: DaqBoardParameters;
  /** What noise and jitter follow from. */
  readonly seed?: string;
}

/** What is known to be true of one run of the converter. */
export interface DaqRunTruth {
  readonly startNs: number;
  /** Between scans, exact, clock error included. */
  readonly periodNs: number;
  /** Channel numbers in the order of the samples. */
  readonly channels: readonly number[];
  /** Scans taken, lost ones included. */
  readonly scans: number;
  /** Samples lost. */
  readonly lost: number;
  /** When the first scan was lost; undefined when none was. */
  readonly overrunNs: number | undefined;
  /** The code of `channel` in scan `index` (0 = first); exact for a converter without jitter, and when samples count up. */
  code(channel: number, index: number): number;
}

/** What is known to be true of the present run, as of the last register access or event. */
export interface DaqBoardTruth {
  /** Between scans, exact, clock error included; 0 before the first run. */
  readonly periodNs: number;
  readonly samples: number;
  readonly lost: number;
  /** Every run so far, the present one last. */
  readonly runs: readonly DaqRunTruth[];
}

export type DaqBoard = BoardPort & DaqBoardTruth;

const NEVER = Number.POSITIVE_INFINITY;
const ABORTED = 0xffff_ffff;
/** Volts at full scale; codes are two's complement. */
const FULL_SCALE = 10;
const R = DAQ_REGISTER;

class SimulatedDaqBoard implements BoardPort, DaqBoardTruth {
  readonly name = 'sim:rv-daq16';
  readonly runs: DaqRunTruth[] = [];
  readonly identity: BoardIdentity = DAQ_IDENTITY;
  readonly #clock: Clock;
  readonly #settings: ReturnType<typeof daqBoardParametersSchema.parse>;
  readonly #random: Random;
  readonly #signals: readonly Signal[];
  readonly #fifo: NumberedFifo;
  readonly #control = new Uint32Array((CONTROL_WORDS.end - CONTROL_WORDS.first) / 4);
  readonly #timer = new Timer(() => this.#work());
  #sink: BoardSink | undefined;
  #memory: BoardMemory | undefined;
  #conversion: Conversion | undefined;
  #ring: DmaRing | undefined;
  #running = 0;
  readonly #coalescing = new Coalescing();
  #level = false;
  #isClosed = false;

  constructor({ clock, parameters = {}, seed = 'rv-daq16' }: DaqBoardOptions) {
    this.#clock = clock;
    this.#settings = daqBoardParametersSchema.parse(parameters);
    this.#random = createRandom(seed).fork('daq-board');
    const seeds = this.#random.fork('signals');
    this.#signals = this.#settings.signals.map((signal) => createSignal(signal, seeds.uint32()));
    this.#fifo = new NumberedFifo(this.#settings.fifoSamples);
  }

  get periodNs(): number {
    return this.#conversion?.periodNs ?? 0;
  }

  get samples(): number {
    return this.#conversion?.samples ?? 0;
  }

  get lost(): number {
    return this.#conversion?.lost ?? 0;
  }

  attach(sink: BoardSink, memory: BoardMemory): void {
    if (this.#sink !== undefined) throw new HalError('HAL_IN_USE', `${this.name} has a host already.`);
    this.#sink = sink;
    this.#memory = memory;
  }

  readRegister(offset: number): number {
    if (this.#isClosed || offset % 4 !== 0 || offset < 0 || offset >= BAR_BYTES) return ABORTED;
    if (offset >= CONTROL_WORDS.first && offset < CONTROL_WORDS.end) return this.#word(offset);
    const identity = identityWord(offset, this.#settings.channels, this.#fifo.capacity);
    if (identity !== undefined) return identity;
    this.#work();
    return offset === R.fifoData ? this.#takeSample() : this.#statusWord(offset);
  }

  writeRegister(offset: number, value: number): void {
    if (this.#isClosed || offset % 4 !== 0 || offset < CONTROL_WORDS.first || offset >= CONTROL_WORDS.end) return;
    this.#work();
    const isNews = value >>> 0 !== this.#word(offset);
    this.#control[(offset - CONTROL_WORDS.first) / 4] = value;
    if (offset === R.run && isNews) this.#begin(value >>> 0);
    if (offset === R.acknowledge && isNews && this.#ring !== undefined) {
      this.#coalescing.acknowledged(this.#ring.head, this.#word(R.acknowledge), this.#clock.now());
    }
    this.#work();
  }

  close(): void {
    this.#clock.cancel(this.#timer);
    this.#isClosed = true;
    this.#level = false;
  }

  #word(offset: number): number {
    return this.#control[(offset - CONTROL_WORDS.first) / 4];
  }

  /** A run's mode, rate, channels and ring are those that stand in the registers when it begins. */
  #begin(run: number): void {
    this.#running = run;
    this.#coalescing.reset();
    this.#fifo.clear();
    this.#ring = undefined;
    this.#conversion = undefined;
    if (run === 0) return;
    const mask = this.#word(R.channelMask);
    const channels = Array.from({ length: this.#settings.channels }, (_, n) => n).filter((n) => (mask >>> n) & 1);
    const isCounter = (this.#word(R.mode) & DAQ_MODE.counter) !== 0;
    const startNs = this.#clock.now();
    const conversion = new Conversion({
      startNs,
      divisor: Math.max(LEAST_DIVISOR, this.#word(R.divisor)),
      clockPpm: this.#settings.clockPpm,
      jitterNs: this.#settings.jitterNs,
      random: this.#random.fork(`run ${run}`),
      channels,
      isCounter,
      fifo: this.#fifo,
      convert: (channel, timeNs) => this.#convert(channel, timeNs),
    });
    this.#conversion = conversion;
    this.runs.push(this.#truthOf(conversion, startNs, channels, isCounter));
    if ((this.#word(R.mode) & DAQ_MODE.dma) === 0) return;
    const address = this.#word(R.ringHigh) * 0x1_0000_0000 + this.#word(R.ringLow);
    this.#ring = new DmaRing(this.#fifo, { address, size: this.#word(R.ringSize) });
  }

  #truthOf(conversion: Conversion, startNs: number, channels: readonly number[], isCounter: boolean): DaqRunTruth {
    return {
      startNs,
      periodNs: conversion.periodNs,
      channels,
      get scans() {
        return channels.length === 0 ? 0 : conversion.samples / channels.length;
      },
      get lost() {
        return conversion.lost;
      },
      get overrunNs() {
        return conversion.firstLostNs;
      },
      code: (channel, index) =>
        isCounter
          ? (index * channels.length + channels.indexOf(channel)) & 0xffff
          : this.#convert(channel, conversion.nominalNs(index)),
    };
  }

  #convert(channel: number, timeNs: number): number {
    const volts = this.#signals[channel]?.(timeNs) ?? 0;
    const code = Math.round((volts / FULL_SCALE) * 32_768);
    return Math.max(-32_768, Math.min(32_767, code)) & 0xffff;
  }

  #takeSample(): number {
    if (this.#ring !== undefined || this.#fifo.length === 0) return ABORTED;
    const code = this.#fifo.code(0);
    this.#fifo.drop(1);
    this.#work();
    return code;
  }

  #statusWord(offset: number): number {
    const samples = this.#conversion?.samples ?? 0;
    switch (offset) {
      case R.status:
        return this.#status();
      case R.fifoLevel:
        return this.#fifo.length;
      case R.samplesLow:
        return samples % 0x1_0000_0000;
      case R.samplesHigh:
        return Math.floor(samples / 0x1_0000_0000);
      case R.lost:
        return this.lost % 0x1_0000_0000;
      case R.dmaErrors:
        return this.#ring?.errors ?? 0;
      case R.running:
        return this.#running;
      case R.head:
        return this.#ring?.head ?? 0;
      default:
        return 0;
    }
  }

  #status(): number {
    const ring = this.#ring;
    let status = this.#level ? DAQ_STATUS.interrupt : 0;
    if (this.lost > 0) status |= DAQ_STATUS.overrun;
    if (ring !== undefined && ring.errors > 0) status |= DAQ_STATUS.dmaError;
    if (ring?.isEmpty(this.#word(R.tail))) status |= DAQ_STATUS.ringEmpty;
    if (this.#fifo.length >= this.#fifo.capacity / 2) status |= DAQ_STATUS.halfFull;
    return status;
  }

  /** Does everything that was due by now, and asks to be called when something will be due next. */
  #work(): void {
    const conversion = this.#conversion;
    const memory = this.#memory;
    if (this.#isClosed || memory === undefined) return;
    const nowNs = this.#clock.now();
    const ring = this.#ring;
    const tail = this.#word(R.tail);
    if (conversion !== undefined && ring !== undefined) this.#catchUp(conversion, ring, memory, nowNs);
    conversion?.advance(nowNs);
    if (ring !== undefined && ring.move(memory, tail) > 0) this.#coalescing.completed(nowNs);
    const level = this.#wantsInterrupt(nowNs);
    const wanted = ring === undefined ? this.#fifo.capacity / 2 : ring.wanted(memory, tail);
    const dataNs = wanted <= this.#fifo.length ? NEVER : (conversion?.dueNs(wanted) ?? NEVER);
    const dueNs = Math.min(
      dataNs,
      !level && this.#canInterrupt && this.#unseen > 0 ? this.#coalescing.dueNs(this.#word(R.coalesceUs)) : NEVER,
    );
    if (dueNs === NEVER) this.#clock.cancel(this.#timer);
    else this.#clock.schedule(this.#timer, dueNs);
    if (level === this.#level) return;
    this.#level = level;
    // Last: the host may answer with register accesses at once.
    this.#sink?.interrupt(level);
  }

  /** Where it is called late, as in wall time, the DMA engine has worked meanwhile: the FIFO does not overrun for that. */
  #catchUp(conversion: Conversion, ring: DmaRing, memory: BoardMemory, nowNs: number): void {
    const tail = this.#word(R.tail);
    for (;;) {
      const dueNs = conversion.dueNs(ring.wanted(memory, tail));
      if (dueNs >= nowNs) return;
      conversion.advance(dueNs);
      if (ring.move(memory, tail) > 0) this.#coalescing.completed(dueNs);
    }
  }

  get #canInterrupt(): boolean {
    return this.#conversion !== undefined && (this.#word(R.mode) & DAQ_MODE.interrupt) !== 0;
  }

  get #unseen(): number {
    return unseenBlocks(this.#ring?.head ?? 0, this.#word(R.acknowledge));
  }

  #wantsInterrupt(nowNs: number): boolean {
    if (!this.#canInterrupt) return false;
    if (this.#ring === undefined) return this.#fifo.length >= this.#fifo.capacity / 2;
    if (this.#ring.errors > 0) return true;
    const unseen = this.#unseen;
    return (
      unseen > 0 && (unseen >= this.#word(R.coalesceCount) || nowNs >= this.#coalescing.dueNs(this.#word(R.coalesceUs)))
    );
  }
}

/** A simulated RV-DAQ16, powered and idle. Throws a ZodError for parameters that it cannot have. */
export function createDaqBoard(options: DaqBoardOptions): DaqBoard {
  return new SimulatedDaqBoard(options);
}
