/**
 * The process that owns one real HID device. The library reads in a thread of its own and queues without limit, the
 * kernel keeps 64 reports: so reports are taken here at once, whatever the parent does, and dropped by count alone.
 */

import { type AcquiredLock, acquireDeviceLock } from '../../host-process/device-lock.js';
import { sendToParent, serveHost } from '../../host-process/serve-host.js';
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

let device: NativeHidDevice | undefined;
let acquired: AcquiredLock | undefined;
let window = REPORT_WINDOW;
let queueLimit = 0;
let lost = 0;
const queue: Omit<HidReportEvent, 'lost'>[] = [];

function opened(): NativeHidDevice {
  if (device === undefined) throw new Error('device has been closed');
  return device;
}

function send(event: HidEvent): void {
  sendToParent(event);
}

function forward(): void {
  while (window > 0 && queue.length > 0) {
    window--;
    const [first] = queue.splice(0, 1);
    send({ ...first, lost });
  }
}

function keep(report: Uint8Array): void {
  // The library's buffer may be a piece of a pool, or used again.
  queue.push({ report: Uint8Array.from(report), atMonotonicNs: process.hrtime.bigint() });
  if (window === 0 && queue.length > queueLimit) {
    queue.shift();
    lost++;
  }
  forward();
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

async function open(where: HidOpenArguments): Promise<HidDeviceInfo> {
  const held = acquireDeviceLock(where.lockName, where.path, where.locks);
  try {
    const made = await openDevice(where);
    queueLimit = where.queueLimit;
    // One listener, ever: the library starts a read for each and throws at the second.
    made.on('data', keep);
    made.on('error', (error) => send({ failed: error instanceof Error ? error.message : String(error) }));
    const info = await made.getDeviceInfo();
    device = made;
    acquired = held;
    return info;
  } catch (error) {
    held.lock.release();
    throw error;
  }
}

async function close(): Promise<undefined> {
  const closing = device;
  device = undefined;
  try {
    await closing?.close();
  } finally {
    acquired?.lock.release();
    acquired = undefined;
  }
}

serveHost<HidRequests, HidCredit>(
  {
    async list({ nativeModule }) {
      return (await loadNativeHid(nativeModule)).devicesAsync();
    },
    open,
    // The library takes plain arrays and Buffers.
    write: async (report) => opened().write(Buffer.from(report)),
    sendFeature: async (report) => opened().sendFeatureReport(Buffer.from(report)),
    getFeature: async ({ reportId, reportLength }) =>
      Uint8Array.from(await opened().getFeatureReport(reportId, reportLength)),
    close,
  },
  {
    hear({ credit }) {
      window += credit;
      forward();
    },
    end: async () => {
      await close();
    },
  },
);
