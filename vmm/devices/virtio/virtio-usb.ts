/** The URB device (docs/guest-abi.md): a paravirtual USB device, transfer by transfer, behind a virtio transport. */

import type { Clock, Urb } from '../../../base/index.js';
import type { InterruptLine, MmioDevice } from '../../bus/mmio-device.js';
import type { GuestRam } from '../guest-ram.js';
import { ReceiveBurst } from '../receive-burst.js';
import { URBS_IN_FLIGHT, UrbRequests } from '../urb-request.js';
import type { UrbBackend, UrbFrontend, UrbPlug } from '../urb-seam.js';
import { SplitQueue } from './split-queue.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, type VirtioDevice, VirtioMmio } from './virtio-mmio.js';

/** Device id (not assigned by virtio), its queue and its configuration space. */
export const VIRTIO_USB = {
  deviceId: 0x5255,
  urbq: 0,
  config: { speed: 0, devid: 4, connected: 8, generation: 12, bytes: 16 },
} as const;

export interface VirtioUsbOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  readonly ram: GuestRam;
}

/**
 * One queue of 64; see `UrbRequests` for what becomes of a request. Completions are gathered and shown by `flush`, or at
 * the same instant by a timer, with one interrupt. A driver that breaks the rings makes the device ask for a reset.
 * A reset takes every URB back; what the backend completes after it is dropped.
 */
export class VirtioUsb implements MmioDevice, UrbFrontend {
  readonly #queue: SplitQueue;
  readonly #transport: VirtioMmio;
  readonly #requests: UrbRequests;
  readonly #burst: ReceiveBurst;
  readonly #config = new DataView(new ArrayBuffer(VIRTIO_USB.config.bytes));
  #generation = 0;

  constructor(options: VirtioUsbOptions) {
    const { ram } = options;
    this.#queue = new SplitQueue(ram, URBS_IN_FLIGHT);
    const transport = new VirtioMmio(this.#asDevice(), options.line);
    this.#transport = transport;
    this.#burst = new ReceiveBurst(options.clock, () => this.#show());
    this.#requests = new UrbRequests(ram, this.#queue, {
      get usable() {
        return transport.running;
      },
      fail: (reason) => transport.fail(reason),
      completed: () => this.#burst.begin(),
    });
  }

  /** Why the device waits for a reset by the driver; empty while it does not. */
  get fault(): string {
    return this.#transport.fault;
  }

  /** URBs that the backend has. */
  get inFlight(): number {
    return this.#requests.inFlight;
  }

  attach(backend: UrbBackend): void {
    this.#requests.attach(backend);
  }

  completed(urb: Urb): void {
    this.#requests.completed(urb);
  }

  /** Tells the driver by a configuration interrupt, behind the completions that came before. */
  plugged(plug: UrbPlug | undefined): void {
    this.#requests.plug = plug;
    this.flush();
    const { config } = VIRTIO_USB;
    this.#generation = (this.#generation + 1) >>> 0;
    if (plug !== undefined) this.#config.setUint32(config.speed, plug.speed, true);
    if (plug !== undefined) this.#config.setUint32(config.devid, plug.devid, true);
    this.#config.setUint32(config.connected, plug === undefined ? 0 : 1, true);
    this.#config.setUint32(config.generation, this.#generation, true);
    this.#transport.configurationChanged();
  }

  /** Shows the guest what was completed, with one interrupt. */
  flush(): void {
    this.#burst.end();
  }

  read(offset: number, size: number): number {
    return this.#transport.read(offset, size);
  }

  write(offset: number, size: number, value: number): void {
    this.#transport.write(offset, size, value);
  }

  #asDevice(): VirtioDevice {
    return {
      deviceId: VIRTIO_USB.deviceId,
      featuresLow: VIRTIO_F_INDIRECT_DESC_LOW,
      featuresHigh: 0,
      queues: [this.#queue],
      readConfig: (offset, size) => this.#readConfig(offset, size),
      writeConfig: () => {},
      notified: () => this.#serve(),
      started: () => this.#serve(),
      reset: () => this.#requests.cancelAll(),
    };
  }

  #readConfig(offset: number, size: number): number {
    let value = 0;
    for (let i = Math.min(size, VIRTIO_USB.config.bytes - offset) - 1; i >= 0; i--)
      value = value * 0x100 + this.#config.getUint8(offset + i);
    return value;
  }

  #serve(): void {
    this.#requests.serve();
    this.flush();
  }

  #show(): void {
    if (!this.#transport.running || !this.#queue.ready) return;
    if (this.#queue.publish()) this.#transport.interrupt();
  }
}
