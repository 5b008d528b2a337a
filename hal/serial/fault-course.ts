/** The faults of one direction of a port: draws and appointments, and what each does to a character. */

import { createRandom, type Random } from '../../base/index.js';
import { DelayLine } from './delay-line.js';
import {
  CHARACTER_FAULTS,
  DEFAULT_FAULT_NS,
  DEFAULT_OVERRUN_COUNT,
  type FaultRates,
  type ScheduledFault,
} from './fault-plan.js';
import type { FaultDirection, FaultKind } from './faults.js';
import type { FaultOptions } from './inject-faults.js';
import { LINE_STATUS } from './serial-port.js';

export interface FaultCourseHooks {
  /** Hands a character on. */
  emit(byte: number, lineStatus: number): void;
  /** The device is pulled; for good when `durationNs` is undefined. */
  unplug(durationNs: number | undefined, index: number): void;
}

/** What `examine` found for a character: nothing, that it is one of a row being lost, or a fault that `strike` carries out. */
export type FaultVerdict = 'plain' | 'lost' | 'fault';

export class FaultCourse {
  readonly #direction: FaultDirection;
  readonly #options: FaultOptions;
  readonly #hooks: FaultCourseHooks;
  readonly #rates: FaultRates;
  readonly #random: Random;
  readonly #limits: number[] = [];
  readonly #appointed: ScheduledFault[];
  readonly #waiting: ScheduledFault[] = [];
  readonly #held: DelayLine;
  #index = 0;
  #nextAppointed = 0;
  #losing = 0;
  #losingFlags = false;
  #overrun = 0;
  #kind: FaultKind = 'drop';
  #event: ScheduledFault | undefined;

  constructor(options: FaultOptions, direction: FaultDirection, hooks: FaultCourseHooks) {
    this.#direction = direction;
    this.#options = options;
    this.#hooks = hooks;
    this.#rates = options.plan[direction] ?? {};
    this.#random = createRandom(options.seed).fork(direction);
    let sum = 0;
    for (const kind of CHARACTER_FAULTS) {
      sum += this.#rates[kind] ?? 0;
      this.#limits.push(sum);
    }
    this.#appointed = (options.plan.events ?? [])
      .filter((event) => event.atIndex !== undefined && (event.direction ?? 'receive') === direction)
      .sort((a, b) => (a.atIndex ?? 0) - (b.atIndex ?? 0));
    this.#held = new DelayLine(options.clock, hooks.emit);
  }

  /** Characters that have come so far. */
  get index(): number {
    return this.#index;
  }

  /** A fault appointed by time: it strikes now, or the next character when it needs one. */
  appoint(event: ScheduledFault): void {
    if (event.kind === 'delay' || event.kind === 'stall') {
      this.#tell(event.kind, this.#index, 0, event.durationNs ?? DEFAULT_FAULT_NS, 0);
      this.#hold(event.kind, event.durationNs ?? DEFAULT_FAULT_NS);
    } else {
      this.#waiting.push(event);
    }
  }

  /** Counts a character and decides what becomes of it; one random draw each, whatever comes of it. */
  examine(): FaultVerdict {
    const index = this.#index++;
    const drawn = this.#draw();
    const event = this.#appointment(index);
    if (this.#losing > 0) {
      this.#losing--;
      if (this.#losing === 0 && this.#losingFlags) this.#overrun = LINE_STATUS.overrun;
      return 'lost';
    }
    const kind = event?.kind ?? drawn;
    if (kind === undefined) return 'plain';
    this.#kind = kind;
    this.#event = event;
    return 'fault';
  }

  /** Whether a character is taken over because it is on hold; otherwise the caller hands it on with `flags()` added. */
  holds(byte: number, lineStatus: number): boolean {
    const outcome = this.#held.take(byte, lineStatus);
    if (outcome === 'full') this.#tell('overrun', this.#index - 1, 1, 0, 0);
    return outcome !== 'passed';
  }

  /** Line status owed to the next character handed on. */
  flags(): number {
    const flags = this.#overrun;
    this.#overrun = 0;
    return flags;
  }

  /** Does to the examined character what was decided. */
  strike(byte: number, lineStatus: number): void {
    const kind = this.#kind;
    const index = this.#index - 1;
    const durationNs = this.#event?.durationNs ?? this.#rates.durationNs ?? DEFAULT_FAULT_NS;
    const flipped = kind === 'corrupt' || kind === 'framing' ? this.#flips() : kind === 'parity' ? this.#oneFlip() : 0;
    const count = this.#countOf(kind);
    if (kind === 'unplug') {
      this.#hooks.unplug(this.#event?.durationNs, index);
      return;
    }
    const timed = kind === 'delay' || kind === 'stall';
    this.#tell(kind, index, timed ? 0 : count, timed ? durationNs : 0, flipped);
    if (kind === 'drop' || kind === 'overrun') {
      this.#losing = count - 1;
      this.#losingFlags = kind === 'overrun';
      if (kind === 'overrun' && count === 1) this.#overrun = LINE_STATUS.overrun;
      return;
    }
    if (kind === 'delay' || kind === 'stall') this.#hold(kind, durationNs);
    if (kind === 'duplicate') this.#pass(byte, lineStatus);
    this.#pass(kind === 'break' ? 0 : byte ^ flipped, lineStatus | addedStatus(kind));
  }

  stop(): void {
    this.#held.stop();
  }

  #pass(byte: number, lineStatus: number): void {
    const status = lineStatus | this.flags();
    if (!this.holds(byte, status)) this.#hooks.emit(byte, status);
  }

  #hold(kind: 'delay' | 'stall', durationNs: number): void {
    if (kind === 'delay') this.#held.delay(durationNs);
    else this.#held.stall(durationNs);
  }

  #appointment(index: number): ScheduledFault | undefined {
    const next = this.#appointed[this.#nextAppointed];
    if (next === undefined || (next.atIndex ?? 0) > index) return this.#waiting.shift();
    this.#nextAppointed++;
    return next;
  }

  #draw(): FaultKind | undefined {
    const last = this.#limits[this.#limits.length - 1];
    if (last === 0) return undefined;
    const draw = this.#random.float();
    if (draw >= last) return undefined;
    for (let i = 0; i < this.#limits.length; i++) if (draw < this.#limits[i]) return CHARACTER_FAULTS[i];
    return undefined;
  }

  #countOf(kind: FaultKind): number {
    if (kind === 'overrun') return this.#event?.count ?? this.#rates.overrunCount ?? DEFAULT_OVERRUN_COUNT;
    return kind === 'drop' ? (this.#event?.count ?? 1) : 1;
  }

  /** One to three different bits. */
  #flips(): number {
    let pattern = this.#oneFlip();
    for (let left = this.#random.below(3); left > 0; left--) pattern |= this.#oneFlip();
    return pattern;
  }

  #oneFlip(): number {
    return 1 << this.#random.below(7);
  }

  #tell(kind: FaultKind, index: number, count: number, durationNs: number, flipped: number): void {
    const atNs = this.#options.clock.now();
    this.#options.listener?.fault({ kind, direction: this.#direction, atNs, index, count, durationNs, flipped });
  }
}

function addedStatus(kind: FaultKind): number {
  if (kind === 'break') return LINE_STATUS.break | LINE_STATUS.framing;
  return kind === 'parity' || kind === 'framing' ? LINE_STATUS[kind] : 0;
}
