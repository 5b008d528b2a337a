/** One run of a guest for a person: its machine, its console on the terminal, and why it ended. */

import { VirtualClock, WallClock } from '../../base/index.js';
import { createMachine, type Machine, type MachineConfig, type MachineEnd } from '../../vmm/index.js';
import { hostMs, sleepMs } from '../wiring/host-time.js';
import { ConsoleFeed } from './console-feed.js';
import { KEYBOARD_HELP, type Keyboard, type KeyboardStream, openKeyboard } from './console-keyboard.js';
import { ConsoleOutput } from './console-output.js';
import { GuestDevices } from './guest-devices.js';
import { type LoadedImage, readInput } from './guest-image.js';
import type { GuestRequest } from './guest-request.js';
import { type GuestStatistics, statisticsOf } from './guest-statistics.js';
import { TextWatch } from './text-watch.js';

/** The person's side. */
export interface GuestTerminal {
  readonly stdin: KeyboardStream;
  /** Gets the console's bytes and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** A line for the person, beside the console. */
  say(line: string): void;
}

/** Why a run is over. */
export type GuestStop =
  | { readonly kind: 'guest'; readonly end: MachineEnd }
  /** The guest's time that was asked for has passed. */
  | { readonly kind: 'duration' }
  /** The guest waits for an interrupt, and nothing is left that could cause one. */
  | { readonly kind: 'waits' }
  | { readonly kind: 'timeout' }
  /** The person ended it, or nobody reads its console any more. */
  | { readonly kind: 'aborted' };

/** Virtual time for which the UART may go on sending after the guest has ended: a FIFO at 50 baud. */
const LAST_WORDS_NS = 5e9;
/** The same in wall time, at the usual baud rates. */
const LAST_WORDS_MS = 20;

export class GuestSession {
  readonly clock: VirtualClock | WallClock;
  readonly machine: Machine;
  readonly output: ConsoleOutput;
  /** Makes whoever runs the machine come back; set by the pace. */
  interrupt: () => void = () => {};
  readonly startMs = hostMs();
  readonly #request: GuestRequest;
  readonly #feed: ConsoleFeed;
  readonly #devices: GuestDevices;
  readonly #keyboard: Keyboard | undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.interrupt();
  #onWait: (() => void) | undefined;
  #isInputOver = false;
  #hasQuit = false;
  #isHeld = false;

  /** Throws what `createMachine` and the drives throw; then nothing is left open. */
  constructor(request: GuestRequest, loaded: LoadedImage, terminal: GuestTerminal, signal: AbortSignal) {
    this.#request = request;
    this.#signal = signal;
    this.clock = request.time === 'wall' ? new WallClock() : new VirtualClock();
    this.output = new ConsoleOutput(terminal.stdout);
    this.output.attach(() => this.interrupt());
    const typed = request.input === undefined ? undefined : readInput(request.input, 'input');
    this.#devices = new GuestDevices(request);
    try {
      this.machine = createMachine(this.#config(loaded));
      this.#feed = new ConsoleFeed(this.clock, this.machine.console);
      if (typed === undefined) this.#keyboard = this.#openKeyboard(terminal);
      else this.#typeWhenAsked(typed);
    } catch (error) {
      this.#devices.close();
      throw error;
    }
    signal.addEventListener('abort', this.#onAbort);
  }

  /** Somebody might still type, or the network bring something. */
  get awaitsOutside(): boolean {
    return !this.#isInputOver || this.#feed.waiting > 0 || this.#devices.hasConnections;
  }

  /** A person sits at the keyboard: time in which the guest does nothing need not fly. */
  get isInteractive(): boolean {
    return this.#keyboard?.isTerminal === true && !this.#isInputOver;
  }

  get endNs(): number {
    return this.#request.durationNs ?? Number.POSITIVE_INFINITY;
  }

  /** What is asked between two pieces of the run, with the event loop turning. */
  async between(): Promise<GuestStop | undefined> {
    await this.output.drained();
    this.#devices.poll();
    if (this.#isHeld && !this.#feed.isFull) this.#hold(false);
    const { timeoutMs } = this.#request;
    if (this.#signal.aborted || this.#hasQuit || this.output.isClosed) return { kind: 'aborted' };
    if (timeoutMs !== undefined && hostMs() - this.startMs > timeoutMs) return { kind: 'timeout' };
    return undefined;
  }

  /** To be called when the guest waits for an interrupt, between two pieces of its run. */
  guestWaits(): void {
    this.#onWait?.();
  }

  statistics(): GuestStatistics {
    const guestNs = Math.max(this.clock.now(), this.machine.localNs);
    return statisticsOf(this.machine, guestNs, hostMs() - this.startMs);
  }

  /** What the guest's UART had still to send comes out. */
  async lastWords(): Promise<void> {
    this.#feed.stop();
    if (this.clock instanceof VirtualClock) this.clock.advanceTo(this.clock.now() + LAST_WORDS_NS);
    else await sleepMs(LAST_WORDS_MS);
  }

  /** Gives terminal, drives and sockets back; harmless twice. */
  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#feed.stop();
    this.#keyboard?.close();
    this.#devices.close();
    await this.output.drained();
  }

  #config({ image, ramBytes }: LoadedImage): MachineConfig {
    const { engine, append, cpuHz, limitInstructions, seed } = this.#request;
    const { clock } = this;
    return {
      name: 'guest',
      engine,
      isConsolePaced: false,
      image,
      clock,
      ramBytes,
      seed,
      devices: this.#devices.config,
      // An ELF file says how wide its registers are; nothing else does, and what boots today has 64 bits.
      xlen: this.#request.xlen ?? 64,
      onConsole: (byte) => this.output.put(byte),
      ...(append === undefined ? {} : { bootargs: append }),
      ...(cpuHz === undefined ? {} : { cpuHz }),
      ...(limitInstructions === undefined ? {} : { limits: { instructions: limitInstructions } }),
      ...(clock instanceof WallClock ? { epochMs: Number(clock.originUnixNs / 1_000_000n) } : {}),
    };
  }

  #openKeyboard(terminal: GuestTerminal): Keyboard {
    const keyboard = openKeyboard(terminal.stdin, {
      typed: (bytes) => {
        this.#feed.type(bytes);
        if (this.#feed.isFull) this.#hold(true);
      },
      quit: () => {
        this.#hasQuit = true;
        this.interrupt();
      },
      help: () => {
        for (const line of KEYBOARD_HELP) terminal.say(`${line}\r`);
      },
    });
    const over = (): void => {
      this.#isInputOver = true;
      this.interrupt();
    };
    terminal.stdin.once('end', over).once('close', over);
    return keyboard;
  }

  #hold(held: boolean): void {
    if (held === this.#isHeld) return;
    this.#isHeld = held;
    this.#keyboard?.hold(held);
  }

  /** Before a guest has shown a sign of life, its UART is not set up, and characters would be lost in it. */
  #typeWhenAsked(typed: Uint8Array): void {
    const { inputAfter } = this.#request;
    const watch = inputAfter === undefined ? undefined : new TextWatch(inputAfter);
    this.#isInputOver = true;
    const type = (): void => {
      this.output.onByte = undefined;
      this.#onWait = undefined;
      this.#feed.type(typed);
    };
    this.output.onByte = (byte) => {
      if (watch === undefined || watch.see(byte)) type();
    };
    if (watch === undefined) this.#onWait = type;
  }
}
