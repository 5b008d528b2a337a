/** Keeps a device open through losses of the process that owns it: opened again after growing pauses, a bounded number of times. */

import { type Clock, Timer } from '../../base/index.js';
import { HalError } from '../errors.js';

/** One outage, told when it is over. Times are the clock's. */
export interface PortRestart {
  /** When the loss was known here; the process may have been dead, and bytes lost in it, a little longer. */
  readonly lostAtNs: number;
  readonly outageNs: number;
  readonly cause: HalError;
  /** Bytes sent to the device during the outage; they were dropped. */
  readonly droppedBytes: number;
}

export interface RestartOptions {
  readonly clock: Clock;
  readonly onRestart?: (restart: PortRestart) => void;
  /** So often in a row opening it may fail after a loss; default 10. */
  readonly attempts?: number;
  /** The first pause between two attempts, doubled each time up to 500 ms; default 20 ms. */
  readonly pauseNs?: number;
}

export interface DeviceKeeperOptions<Device> extends RestartOptions {
  readonly name: string;
  readonly open: () => Promise<Device>;
  /** Gives the device, or what a dead process left of it, back; never rejects. */
  readonly free: (device: Device) => Promise<void>;
  /** The device is open again. A `HalError` that it throws is final, and the device is given back. */
  readonly cameBack: (device: Device) => void;
  /** `cameBack` is done: what the device says is heard from here on. */
  readonly listen: (device: Device) => void;
  /** It will not come back. */
  readonly gone: (error: HalError) => void;
}

/** What comes once the process, or its lock, is gone for good; anything else is final at once. */
const PASSING: readonly HalError['code'][] = ['HAL_HOST_PROCESS', 'HAL_IN_USE', 'HAL_TIMEOUT'];
const MAX_PAUSE_NS = 500_000_000;

export class DeviceKeeper<Device> {
  /** Resolves when the device is free after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
  readonly #options: DeviceKeeperOptions<Device>;
  readonly #retry = new Timer(() => void this.#reopen(undefined));
  #device: Device | undefined;
  #restarts = 0;
  #lost: { readonly cause: HalError; readonly atNs: number } | undefined;
  #dropped = 0;
  #failures = 0;
  #closed = false;
  #opening = false;
  #resolveClosed: () => void = () => {};

  constructor(device: Device, options: DeviceKeeperOptions<Device>) {
    this.#device = device;
    this.#options = options;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Undefined during an outage. */
  get device(): Device | undefined {
    return this.#device;
  }

  /** How often it came back. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether the device is open now. */
  get present(): boolean {
    return this.#device !== undefined && !this.#closed;
  }

  /** Throws `HAL_CLOSED` after `close`. */
  refuseClosed(): void {
    const { name } = this.#options;
    if (this.#closed) throw new HalError('HAL_CLOSED', `${name} is closed`, { where: name });
  }

  /** Bytes that cannot reach the device now. */
  drop(bytes: number): void {
    this.#dropped += bytes;
  }

  /** The process that had the device is lost; ignored after `close`. */
  lose(cause: HalError): void {
    const dead = this.#device;
    if (dead === undefined || this.#closed) return;
    this.#device = undefined;
    this.#lost = { cause, atNs: this.#options.clock.now() };
    this.#dropped = 0;
    this.#failures = 0;
    void this.#reopen(dead);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.cancel(this.#retry);
    // An opening that is under way gives back what it brings.
    if (!this.#opening) this.#giveBack();
  }

  #giveBack(): void {
    if (this.#device === undefined) this.#resolveClosed();
    else this.#options.free(this.#device).then(this.#resolveClosed);
  }

  /** What a dead process left, drivers of the kernel for one, is given back before the device is taken anew. */
  async #reopen(dead: Device | undefined): Promise<void> {
    const { free, open } = this.#options;
    this.#opening = true;
    try {
      if (dead !== undefined) await free(dead);
      if (!this.#closed) {
        this.#device = await open();
        if (!this.#closed) this.#comeBack(this.#device);
      }
    } catch (error) {
      if (!this.#closed) this.#failed(error as HalError);
    } finally {
      this.#opening = false;
    }
    if (this.#closed) this.#giveBack();
  }

  #comeBack(device: Device): void {
    const { clock, onRestart, cameBack, free, listen } = this.#options;
    try {
      cameBack(device);
    } catch (error) {
      this.#device = undefined;
      void free(device);
      throw error;
    }
    this.#restarts++;
    const lost = this.#lost;
    if (lost !== undefined)
      onRestart?.({
        lostAtNs: lost.atNs,
        outageNs: clock.now() - lost.atNs,
        cause: lost.cause,
        droppedBytes: this.#dropped,
      });
    listen(device);
  }

  #failed(error: HalError): void {
    const { clock, attempts = 10, pauseNs = 20_000_000, gone } = this.#options;
    this.#failures++;
    if (this.#failures >= attempts || !PASSING.includes(error.code)) {
      gone(error);
      return;
    }
    clock.schedule(this.#retry, clock.now() + Math.min(MAX_PAUSE_NS, pauseNs * 2 ** (this.#failures - 1)));
  }
}
