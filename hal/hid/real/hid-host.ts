/**
 * The inner side of one real HID device. The library reads in a thread of its own and queues without limit, the
 * kernel keeps 64 reports: so reports are taken here at once, whatever the parent does, and dropped by count alone.
 */

import { type AcquiredLock, acquireDeviceLock } from '../../host-process/device-lock.js';
import type { DeviceHost, HostSend } from '../../host-process/host-connection.js';
import type { HostHandlers } from '../../host-process/serve-host.js';
import type { HidDeviceInfo } from '../hid-device.js';
import { loadNativeHid, type NativeHidDevice } from './native-hid.js';
import {
  type HidCredit,
  type HidEvent,
  type HidOpenArguments,
  type HidReportEvent,
  type HidRequests,
  REPORT_WINDOW,
} from './protocol.js';

const RETRY_MS = 50;

class HidHost implements DeviceHost<HidRequests, HidCredit> {
  readonly #send: HostSend<HidEvent>;
  #device: NativeHidDevice | undefined;
  #acquired: AcquiredLock | undefined;
  #window = REPORT_WINDOW;
  #queueLimit = 0;
  #lost = 0;
  readonly #queue: Omit<HidReportEvent, 'lost'>[] = [];

  constructor(send: HostSend<HidEvent>) {
    this.#send = send;
  }

  readonly handlers: HostHandlers<HidRequests> = {
    list: async ({ nativeModule }) => (await loadNativeHid(nativeModule)).devicesAsync(),
    open: (where) => this.#open(where),
    // The library takes plain arrays and Buffers.
    write: async (report) => this.#opened().write(Buffer.from(report)),
    sendFeature: async (report) => this.#opened().sendFeatureReport(Buffer.from(report)),
    getFeature: async ({ reportId, reportLength }) =>
      Uint8Array.from(await this.#opened().getFeatureReport(reportId, reportLength)),
    close: () => this.#close(),
  };

  readonly hear = ({ credit }: HidCredit): void => {
    this.#window += credit;
    this.#forward();
  };

  readonly end = async (): Promise<void> => {
    await this.#close();
  };

  #opened(): NativeHidDevice {
    if (this.#device === undefined) throw new Error('device has been closed');
    return this.#device;
  }

  #forward(): void {
    while (this.#window > 0 && this.#queue.length > 0) {
      this.#window--;
      const [first] = this.#queue.splice(0, 1);
      this.#send({ ...first, lost: this.#lost });
    }
  }

  #keep(report: Uint8Array): void {
    // The library's buffer may be a piece of a pool, or used again.
    this.#queue.push({ report: Uint8Array.from(report), atMonotonicNs: process.hrtime.bigint() });
    if (this.#window === 0 && this.#queue.length > this.#queueLimit) {
      this.#queue.shift();
      this.#lost++;
    }
    this.#forward();
  }

  async #open(where: HidOpenArguments): Promise<HidDeviceInfo> {
    const held = acquireDeviceLock(where.lockName, where.path, where.locks);
    try {
      const made = await openDevice(where);
      this.#queueLimit = where.queueLimit;
      // One listener, ever: the library starts a read for each and throws at the second.
      made.on('data', (report) => this.#keep(report));
      made.on('error', (error) => this.#send({ failed: error instanceof Error ? error.message : String(error) }));
      const info = await made.getDeviceInfo();
      this.#device = made;
      this.#acquired = held;
      return info;
    } catch (error) {
      held.lock.release();
      throw error;
    }
  }

  async #close(): Promise<undefined> {
    const closing = this.#device;
    this.#device = undefined;
    try {
      await closing?.close();
    } finally {
      this.#acquired?.lock.release();
      this.#acquired = undefined;
    }
  }
}

/** One device, not open yet. */
export function createHost(send: HostSend<HidEvent>): DeviceHost<HidRequests, HidCredit> {
  return new HidHost(send);
}

async function openDevice(where: HidOpenArguments): Promise<NativeHidDevice> {
  const { HIDAsync } = await loadNativeHid(where.nativeModule);
  for (let waitedMs = 0; ; waitedMs += RETRY_MS)
    try {
      return await HIDAsync.open(where.path);
    } catch (error) {
      const denied = /permission denied|access is denied/i.test(String((error as Error).message));
      if (!denied || waitedMs >= where.accessRetryMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
}
