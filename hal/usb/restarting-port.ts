/** A USB port that outlives the process that owns its device: opened again as the same port, for its host to enumerate anew. */

import { URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { DeviceKeeper, type RestartOptions } from '../host-process/device-keeper.js';
import { checkUrb } from './simulated-port.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

/** A port over a device that some process owns. */
export interface OwnedUsbPort {
  readonly port: UsbPort;
  /** Resolves, after `close` of the port, when somebody else may open the device. */
  closed?(): Promise<void>;
}

/** Dropped bytes are those of OUT transfers that were refused during an outage. */
export interface RestartingUsbPortOptions extends RestartOptions {
  /** Opens the device, at first and after each loss. */
  readonly open: () => Promise<OwnedUsbPort>;
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

class RestartingUsbAdapter implements RestartingUsbPort {
  readonly name: string;
  readonly description: UsbDescription;
  readonly #keeper: DeviceKeeper<OwnedUsbPort>;
  #sink: UsbSink | undefined;

  constructor(owned: OwnedUsbPort, options: RestartingUsbPortOptions) {
    this.name = owned.port.name;
    this.description = owned.port.description;
    this.#keeper = new DeviceKeeper(owned, {
      ...options,
      name: this.name,
      free: freed,
      cameBack: (device) => this.#refuseOther(device),
      listen: (device) => {
        this.#listen(device);
        this.#sink?.plugged?.(true);
      },
      gone: (error) => this.#sink?.disconnected(error),
    });
  }

  get restarts(): number {
    return this.#keeper.restarts;
  }

  get present(): boolean {
    return this.#keeper.present;
  }

  get whenClosed(): Promise<void> {
    return this.#keeper.whenClosed;
  }

  attach(sink: UsbSink): void {
    this.#keeper.refuseClosed();
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    const { device } = this.#keeper;
    if (device !== undefined) this.#listen(device);
  }

  submit(urb: Urb): void {
    this.#keeper.refuseClosed();
    const { device } = this.#keeper;
    if (device !== undefined) {
      device.port.submit(urb);
      return;
    }
    checkUrb(urb, this.name);
    if (!urb.inbound) this.#keeper.drop(urb.length);
    urb.status = URB_STATUS.noDevice;
    urb.actualLength = 0;
    queueMicrotask(() => this.#sink?.completed(urb));
  }

  cancel(urb: Urb): void {
    this.#keeper.device?.port.cancel(urb);
  }

  reset(): void {
    this.#keeper.refuseClosed();
    this.#keeper.device?.port.reset();
  }

  close(): void {
    this.#keeper.close();
  }

  #listen({ port }: OwnedUsbPort): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    port.attach({
      completed: (urb) => sink.completed(urb),
      plugged: (present) => sink.plugged?.(present),
      disconnected: (error) => {
        const cause = hostLoss(error);
        if (cause === undefined) sink.disconnected(error);
        else {
          this.#keeper.lose(cause);
          sink.plugged?.(false);
        }
      },
    });
  }

  #refuseOther({ port }: OwnedUsbPort): void {
    if (sameDevice(port.description, this.description)) return;
    throw new HalError('HAL_DISCONNECTED', `${this.name} did not come back: another device is in its place`, {
      where: this.name,
      hint: 'Plug the device of the run in again and repeat the run.',
    });
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
