/** A USB port with a simulated device behind it: the host side, and power. The bus between them is `SimulatedBus`. */

import { type Clock, TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import { HalError } from '../errors.js';
import { SimulatedBus } from './simulated-bus.js';
import type { UsbPeripheral } from './usb-peripheral.js';
import type { UsbDescription, UsbPort, UsbSink } from './usb-port.js';

export interface SimulatedUsbPortOptions {
  /** How a person names it: `sim:velleman-k8055`. */
  readonly name: string;
  readonly clock: Clock;
  readonly device: UsbPeripheral;
}

/** A port whose device can be pulled. */
export interface SimulatedUsbPort extends UsbPort {
  /** Pulls the device: transfers complete with `URB_STATUS.shutdown`, the device loses power, the sink is told. */
  unplug(): void;
  /** Puts it back: it is powered and unconfigured, the sink is told. */
  replug(): void;
}

class SimulatedDevicePort implements SimulatedUsbPort {
  readonly name: string;
  readonly #clock: Clock;
  readonly #device: UsbPeripheral;
  readonly #bus: SimulatedBus;
  #sink: UsbSink | undefined;
  #powered = false;
  #closed = false;

  constructor({ name, clock, device }: SimulatedUsbPortOptions) {
    this.name = name;
    this.#clock = clock;
    this.#device = device;
    this.#bus = new SimulatedBus(clock, device, (urb) => this.#sink?.completed(urb));
  }

  get description(): UsbDescription {
    return this.#device.description;
  }

  attach(sink: UsbSink): void {
    this.#refuseClosed();
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    this.#power();
  }

  submit(urb: Urb): void {
    this.#refuseClosed();
    checkUrb(urb, this.name);
    if (this.#sink === undefined) throw new HalError('HAL_INVALID', `${this.name} has no host side yet`);
    urb.status = URB_STATUS.inProgress;
    urb.actualLength = 0;
    if (this.#powered) this.#bus.submit(urb);
    else this.#bus.refuse(urb, URB_STATUS.noDevice);
  }

  cancel(urb: Urb): void {
    this.#bus.cancel(urb);
  }

  reset(): void {
    this.#refuseClosed();
    if (this.#powered) this.#bus.reset();
  }

  unplug(): void {
    if (!this.#powered || this.#closed) return;
    this.#cut();
    this.#sink?.plugged?.(false);
  }

  replug(): void {
    if (this.#powered || this.#closed || this.#sink === undefined) return;
    this.#power();
    this.#sink.plugged?.(true);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#powered) this.#cut();
    this.#bus.close();
  }

  #power(): void {
    const clock = this.#clock;
    this.#powered = true;
    this.#device.start({
      ready: (endpointAddress) => this.#bus.ready(endpointAddress),
      get frame() {
        return Math.floor(clock.now() / 1e6) & 0x7ff;
      },
      detach: () => this.unplug(),
    });
    this.#bus.reset();
  }

  #cut(): void {
    this.#powered = false;
    this.#bus.end(URB_STATUS.shutdown);
    this.#device.stop();
  }

  #refuseClosed(): void {
    if (this.#closed) throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

/** Throws `HAL_INVALID` for a transfer that contradicts itself, and for an isochronous one. */
export function checkUrb(urb: Urb, where: string): void {
  const refuse = (why: string): HalError => new HalError('HAL_INVALID', `a transfer on ${where} ${why}`, { where });
  if (urb.transferType === TRANSFER_TYPE.isochronous) throw refuse('is isochronous, which is not supported');
  if (!(urb.length >= 0) || urb.data.length < urb.length)
    throw refuse(`has a length of ${urb.length} and a buffer of ${urb.data.length} bytes`);
  if (urb.transferType !== TRANSFER_TYPE.control) return;
  if ((urb.endpointAddress & 0x0f) !== 0) throw refuse('is a control transfer to another endpoint than 0');
  if ((urb.setup[6] | (urb.setup[7] << 8)) < urb.length) throw refuse(`has more data than its wLength says`);
}

/** The device is powered when the host side attaches, and loses power when the port closes or is unplugged. */
export function createSimulatedUsbPort(options: SimulatedUsbPortOptions): SimulatedUsbPort {
  return new SimulatedDevicePort(options);
}
