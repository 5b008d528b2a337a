/**
 * The process that owns one real port: the native serial library crashes in worker threads and may hang in a driver, so it
 * lives here alone. Started by `HostProcess` with an IPC channel; ends when that channel ends.
 */

import { createRequire } from 'node:module';
import { failureOf, type HostHandlers, sendToParent, serveHost } from '../../host-process/serve-host.js';
import type { BindingInterface, BindingPortInterface, OpenOptions, SetOptions } from '../binding-types.js';
import { serialPortInfos } from './port-list.js';
import { type HostCredit, type HostEvent, type HostRequests, READ_WINDOW_BYTES } from './protocol.js';

const READ_BUFFER_BYTES = 1 << 16;
/** `set` of the native library clears every flag that is not named. */
const SET_DEFAULTS = { brk: false, cts: false, dsr: false, dtr: true, rts: true };

let native: BindingInterface | undefined;
let port: BindingPortInterface | undefined;
let lowLatency = false;
let window = READ_WINDOW_BYTES;
let windowOpened: () => void = () => {};

function nativeBinding(): BindingInterface {
  if (native === undefined) {
    const { SerialPort } = createRequire(import.meta.url)('serialport') as {
      SerialPort: { binding: BindingInterface };
    };
    native = SerialPort.binding;
  }
  return native;
}

function send(event: HostEvent): void {
  sendToParent(event);
}

function opened(): BindingPortInterface {
  if (port === undefined) throw new Error('Port is not open');
  return port;
}

async function readAll(from: BindingPortInterface): Promise<void> {
  const buffer = Buffer.alloc(READ_BUFFER_BYTES);
  while (port === from) {
    if (window <= 0)
      await new Promise<void>((resolve) => {
        windowOpened = resolve;
      });
    const waitingSinceNs = process.hrtime.bigint();
    try {
      const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, Math.max(1, window)));
      const arrivedNs = process.hrtime.bigint();
      window -= bytesRead;
      send({ chunk: buffer.subarray(0, bytesRead), arrivedNs, waitingSinceNs });
    } catch (error) {
      if (port === from) send({ readFailed: failureOf(error) });
      return;
    }
  }
}

async function openPort(options: OpenOptions): Promise<BindingPortInterface> {
  const made = await nativeBinding().open(options);
  port = made;
  try {
    const wanted = { ...SET_DEFAULTS, lowLatency: true };
    await made.set(wanted);
    lowLatency = true;
  } catch {
    // Pseudo-terminals and some drivers have no modem lines or no low-latency mode; the port is of use without.
    lowLatency = false;
  }
  void readAll(made);
  return made;
}

async function closePort(): Promise<void> {
  const closing = opened();
  port = undefined;
  windowOpened();
  await closing.close();
}

const handlers: HostHandlers<HostRequests> = {
  async list() {
    try {
      return await nativeBinding().list();
    } catch {
      return serialPortInfos();
    }
  },
  async open(options) {
    const made = await openPort(options);
    return { openOptions: made.openOptions, lowLatency };
  },
  async write(bytes) {
    await opened().write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    return undefined;
  },
  async drain() {
    await opened().drain();
    return undefined;
  },
  async flush() {
    await opened().flush();
    return undefined;
  },
  async set(options) {
    const wanted: SetOptions & { lowLatency: boolean } = { ...SET_DEFAULTS, ...options, lowLatency };
    await opened().set(wanted);
    return undefined;
  },
  get: async () => {
    const { cts, dsr, dcd } = await opened().get();
    return { cts, dsr, dcd };
  },
  async update(baudRate) {
    await opened().update({ baudRate });
    return undefined;
  },
  async reconfigure(options) {
    await closePort();
    await openPort(options);
    return undefined;
  },
  getBaudRate: () => opened().getBaudRate(),
  async close() {
    await closePort();
    return undefined;
  },
};

serveHost<HostRequests, HostCredit>(handlers, {
  hear: ({ credit }) => {
    window += credit;
    if (window > 0) windowOpened();
  },
});
