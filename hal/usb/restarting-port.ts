/** A USB port that outlives the process that owns its device: opened again as the same port, for its host to enumerate anew. */

import { type Clock, Timer, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import type { PortRestart } from '../serial/restarting-port.js';
import { checkUrb } from './simulated-port.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

/** A port over a device that some process owns. */
export interface OwnedUsbPort {
  readonly port: UsbPort;
  /** Resolves, after `close` of the port, when somebody else may open the device. */
  closed?(): Promise<void>;
}

export interface RestartingUsbPortOptions {
  readonly clock: Clock;
  /** Opens the device, at first and after each loss. */
  readonly open: () => Promise<OwnedUsbPort>;
  /** `droppedBytes`: of OUT transfers that were refused meanwhile. */
  readonly onRestart?: (restart: PortRestart) => void;
  /** So often in a row opening it may fail after a loss; default 10. */
  readonly attempts?: number;
  /** The first pause between two attempts, doubled each time up to 500 ms; default 20 ms. */
  readonly pauseNs?: number;
}

/** A `UsbPort` that comes back. */
export interface RestartingUsbPort extends UsbPort {
  /** How often it came back. */
  readonly restarts: number;
  /** Whether the device is open now. */
  readonly present: boolean;
  /** Resolves when the device is free after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
}

/** What comes once the process, or its lock, is gone for good; anything else is final at once. */
const PASSING: readonly HalError['code'][] = ['HAL_HOST_PROCESS', 'HAL_IN_USE', 'HAL_TIMEOUT'];
const MAX_PAUSE_NS = 500_000_000;

class RestartingUsbAdapter implements RestartingUsbPort {
  readonly name: string;
  readonly description: UsbDescription;
  readonly whenClosed: Promise<void>;
  readonly #options: RestartingUsbPortOptions;
  readonly #retry = new Timer(() => void this.#reopen());
  #inner: OwnedUsbPort | undefined;
  #sink: UsbSink | undefined;
  #restarts = 0;
  #lost: { readonly cause: HalError; readonly atNs: number } | undefined;
  #dropped = 0;
  #failures = 0;
  #closed = false;
  #opening = false;
  #resolveClosed: () => void = () => {};

  constructor(inner: OwnedUsbPort, options: RestartingUsbPortOptions) {
    this.name = inner.port.name;
    this.description = inner.port.description;
    this.#inner = inner;
    this.#options = options;
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get restarts(): number {
    return this.#restarts;
  }

  get present(): boolean {
    return this.#inner !== undefined && !this.#closed;
  }

  attach(sink: UsbSink): void {
    this.#refuseClosed();
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    if (this.#inner !== undefined) this.#listen(this.#inner, sink);
  }

  submit(urb: Urb): void {
    this.#refuseClosed();
    if (this.#inner !== undefined) {
      this.#inner.port.submit(urb);
      return;
    }
    checkUrb(urb, this.name);
    if (!urb.inbound) this.#dropped += urb.length;
    urb.status = URB_STATUS.noDevice;
    urb.actualLength = 0;
    queueMicrotask(() => this.#sink?.completed(urb));
  }

  cancel(urb: Urb): void {
    this.#inner?.port.cancel(urb);
  }

  reset(): void {
    this.#refuseClosed();
    this.#inner?.port.reset();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.clock.cancel(this.#retry);
    // An opening that is under way closes what it brings.
    if (!this.#opening) this.#closeInner();
  }

  #closeInner(): void {
    const inner = this.#inner;
    if (inner === undefined) this.#resolveClosed();
    else freed(inner).then(this.#resolveClosed);
  }

  #listen(inner: OwnedUsbPort, sink: UsbSink): void {
    inner.port.attach({
      completed: (urb) => sink.completed(urb),
      plugged: (present) => sink.plugged?.(present),
      disconnected: (error) => {
        const cause = hostLoss(error);
        if (cause === undefined) sink.disconnected(error);
        else this.#interrupt(inner, cause);
      },
    });
  }

  #interrupt(inner: OwnedUsbPort, cause: HalError): void {
    this.#inner = undefined;
    this.#lost = { cause, atNs: this.#options.clock.now() };
    this.#dropped = 0;
    this.#failures = 0;
    this.#sink?.plugged?.(false);
    void this.#reopen(inner);
  }

  /** What a dead process left, drivers of the kernel for one, is given back before the device is taken anew. */
  async #reopen(dead?: OwnedUsbPort): Promise<void> {
    this.#opening = true;
    try {
      if (dead !== undefined) await freed(dead);
      if (!this.#closed) {
        const inner = await this.#options.open();
        this.#inner = inner;
        if (!this.#closed) this.#comeBack(inner);
      }
    } catch (error) {
      if (!this.#closed) this.#failed(error as HalError);
    } finally {
      this.#opening = false;
    }
    if (this.#closed) this.#closeInner();
  }

  #comeBack(inner: OwnedUsbPort): void {
    const { clock, onRestart } = this.#options;
    if (!sameDevice(inner.port.description, this.description)) {
      this.#inner = undefined;
      void freed(inner);
      throw new HalError('HAL_DISCONNECTED', `${this.name} did not come back: another device is in its place`, {
        where: this.name,
        hint: 'Plug the device of the run in again and repeat the run.',
      });
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
    if (this.#sink === undefined) return;
    this.#listen(inner, this.#sink);
    this.#sink.plugged?.(true);
  }

  #failed(error: HalError): void {
    const { clock, attempts = 10, pauseNs = 20_000_000 } = this.#options;
    this.#failures++;
    if (this.#failures >= attempts || !PASSING.includes(error.code)) {
      this.#sink?.disconnected(error);
      return;
    }
    clock.schedule(this.#retry, clock.now() + Math.min(MAX_PAUSE_NS, pauseNs * 2 ** (this.#failures - 1)));
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

async function freed(owned: OwnedUsbPort): Promise<void> {
  owned.port.close();
  try {
    await owned.closed?.();
  } catch {
    // Whoever opens the device next is told what hinders.
  }
}

/** The loss of the process, which a port may tell as one of the device with its cause. */
function hostLoss(error: HalError): HalError | undefined {
  if (error.code === 'HAL_HOST_PROCESS') return error;
  const { cause } = error;
  return cause instanceof HalError && cause.code === 'HAL_HOST_PROCESS' ? cause : undefined;
}

function sameDevice(a: UsbDescription, b: UsbDescription): boolean {
  return Buffer.compare(a.device, b.device) === 0;
}

/**
 * Opens the port and keeps it through losses of the process that owns it (`HAL_HOST_PROCESS`); rejects as `open` does. At a
 * loss transfers in flight complete with `URB_STATUS.shutdown`, what is submitted meanwhile with `noDevice`, and the host side
 * hears `plugged(false)`; once the device is open again, `plugged(true)`: it is unconfigured then and to be enumerated anew.
 * An OUT transfer that was under way may have reached the device. Any other disconnection, another device (by its
 * descriptor) in the place of this one, and the last failed attempt to come back are final: `disconnected`.
 */
export async function openRestartingUsbPort(options: RestartingUsbPortOptions): Promise<RestartingUsbPort> {
  return new RestartingUsbAdapter(await options.open(), options);
}
