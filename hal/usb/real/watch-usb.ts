/** Hot-plug: what is plugged in and pulled out, by the library's events where it has them and by looking again in any case. */

import { HostProcess } from '../../host-process/host-process.js';
import { USB_HOST_MODULE, type UsbHost } from './real-device.js';
import { listRealUsb, type RealUsbOptions } from './real-usb.js';
import type { UsbDeviceInfo, UsbListing } from './sysfs.js';

export interface UsbWatchOptions extends RealUsbOptions {
  readonly attached?: (device: UsbDeviceInfo) => void;
  readonly detached?: (device: UsbDeviceInfo) => void;
  /** How often it is looked again whatever the events say; default 500 ms. */
  readonly pollMs?: number;
}

export interface UsbWatch {
  /** What is plugged in now. */
  readonly devices: readonly UsbDeviceInfo[];
  /** Why devices are looked for by polling alone, or none can be seen; undefined while the library tells. */
  readonly reason: string | undefined;
  close(): Promise<void>;
}

class Watch implements UsbWatch {
  readonly #options: UsbWatchOptions;
  readonly #known = new Map<string, UsbDeviceInfo>();
  readonly #poll: NodeJS.Timeout;
  #host: UsbHost | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #unseen: string | undefined;
  #noEvents: string | undefined;

  constructor(options: UsbWatchOptions, listing: UsbListing) {
    this.#options = options;
    for (const device of listing.devices) this.#known.set(keyOf(device), device);
    this.#unseen = listing.reason;
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? 500);
  }

  get devices(): readonly UsbDeviceInfo[] {
    return [...this.#known.values()];
  }

  get reason(): string | undefined {
    return this.#unseen ?? this.#noEvents;
  }

  /** Resolves when the library's events come, or it is known that they do not. */
  async listen(): Promise<void> {
    const host: UsbHost = new HostProcess({
      module: USB_HOST_MODULE,
      ...this.#options.host,
      where: 'the watch for USB devices',
    });
    this.#host = host;
    host.onEvent = () => this.#look();
    host.onLost = (error) => {
      this.#noEvents = error.message;
    };
    try {
      const nativeModule = this.#options.nativeModule ?? 'usb';
      const { reason } = await host.request('watch', { nativeModule, sysfs: this.#options.sysfs ?? '/sys' });
      this.#noEvents = reason;
    } catch (error) {
      this.#noEvents = (error as Error).message;
    }
    if (this.#noEvents === undefined) return;
    this.#host = undefined;
    await host.end();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    await this.#host?.end();
    this.#host = undefined;
  }

  #look(): void {
    this.#again = true;
    this.#looking ??= this.#compare().finally(() => {
      this.#looking = undefined;
    });
  }

  async #compare(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      // A listing that fails is looked at again at the next poll.
      const listing = await listRealUsb(this.#options).catch(() => undefined);
      if (listing === undefined || this.#closed) return;
      this.#unseen = listing.reason;
      const present = new Map(listing.devices.map((device) => [keyOf(device), device]));
      for (const [key, device] of [...this.#known])
        if (!present.has(key)) {
          this.#known.delete(key);
          this.#options.detached?.(device);
        }
      for (const [key, device] of present)
        if (!this.#known.has(key)) {
          this.#known.set(key, device);
          this.#options.attached?.(device);
        }
    }
  }
}

/**
 * Watches until closed. Devices that are there already are in `devices` and are not told as attached. Never rejects for
 * want of USB: a machine without it is looked at again, and `reason` says what is missing. A device that came back
 * between two looks has another address and is told as detached and attached.
 */
export async function watchRealUsb(options: UsbWatchOptions = {}): Promise<UsbWatch> {
  const watch = new Watch(options, await listRealUsb(options));
  await watch.listen();
  return watch;
}

function keyOf({ portPath, deviceAddress, vendorId, productId }: UsbDeviceInfo): string {
  return `${portPath}/${deviceAddress}/${vendorId}/${productId}`;
}
