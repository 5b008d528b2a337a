/** The inner side of one real port: the native serial library, and how far it may run ahead of whoever reads. */

import { createRequire } from 'node:module';
import type { DeviceHost, HostSend } from '../../host-process/host-connection.js';
import { failureOf, type HostHandlers } from '../../host-process/serve-host.js';
import type { BindingInterface, BindingPortInterface, OpenOptions, SetOptions } from '../binding-types.js';
import { serialPortInfos } from './port-list.js';
import { type HostCredit, type HostEvent, type HostRequests, READ_WINDOW_BYTES } from './protocol.js';

const READ_BUFFER_BYTES = 1 << 16;
/** How soon a hang-up is known that the library does not tell. */
const HANG_UP_MS = 200;
/** `set` of the native library clears every flag that is not named. */
const SET_DEFAULTS = { brk: false, cts: false, dsr: false, dtr: true, rts: true };

let native: BindingInterface | undefined;

function nativeBinding(): BindingInterface {
  if (native === undefined) {
    const { SerialPort } = createRequire(import.meta.url)('serialport') as {
      SerialPort: { binding: BindingInterface };
    };
    native = SerialPort.binding;
  }
  return native;
}

class SerialHost implements DeviceHost<HostRequests, HostCredit> {
  readonly #send: HostSend<HostEvent>;
  #port: BindingPortInterface | undefined;
  #lowLatency = false;
  #window = READ_WINDOW_BYTES;
  #windowOpened: () => void = () => {};

  constructor(send: HostSend<HostEvent>) {
    this.#send = send;
  }

  readonly handlers: HostHandlers<HostRequests> = {
    list: async () => {
      try {
        return await nativeBinding().list();
      } catch {
        return serialPortInfos();
      }
    },
    open: async (options) => {
      const made = await this.#openPort(options);
      return { openOptions: made.openOptions, lowLatency: this.#lowLatency };
    },
    write: async (bytes) => {
      await this.#opened().write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      return undefined;
    },
    drain: async () => {
      await this.#opened().drain();
      return undefined;
    },
    flush: async () => {
      await this.#opened().flush();
      return undefined;
    },
    set: async (options) => {
      const wanted: SetOptions & { lowLatency: boolean } = {
        ...SET_DEFAULTS,
        ...options,
        lowLatency: this.#lowLatency,
      };
      await this.#opened().set(wanted);
      return undefined;
    },
    get: async () => {
      const { cts, dsr, dcd } = await this.#opened().get();
      return { cts, dsr, dcd };
    },
    update: async (baudRate) => {
      await this.#opened().update({ baudRate });
      return undefined;
    },
    reconfigure: async (options) => {
      await this.#closePort();
      await this.#openPort(options);
      return undefined;
    },
    getBaudRate: () => this.#opened().getBaudRate(),
    close: async () => {
      await this.#closePort();
      return undefined;
    },
  };

  readonly hear = ({ credit }: HostCredit): void => {
    this.#window += credit;
    if (this.#window > 0) this.#windowOpened();
  };

  readonly end = async (): Promise<void> => {
    if (this.#port !== undefined) await this.#closePort();
  };

  #opened(): BindingPortInterface {
    if (this.#port === undefined) throw new Error('Port is not open');
    return this.#port;
  }

  async #readAll(from: BindingPortInterface): Promise<void> {
    const buffer = Buffer.alloc(READ_BUFFER_BYTES);
    while (this.#port === from) {
      if (this.#window <= 0)
        await new Promise<void>((resolve) => {
          this.#windowOpened = resolve;
        });
      const waitingSinceNs = process.hrtime.bigint();
      try {
        const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, Math.max(1, this.#window)));
        const arrivedNs = process.hrtime.bigint();
        this.#window -= bytesRead;
        this.#send({ chunk: new Uint8Array(buffer.subarray(0, bytesRead)), arrivedNs, waitingSinceNs });
      } catch (error) {
        if (this.#port === from) this.#send({ readFailed: failureOf(error) });
        return;
      }
    }
  }

  async #openPort(options: OpenOptions): Promise<BindingPortInterface> {
    const made = await nativeBinding().open(options);
    this.#port = made;
    try {
      const wanted = { ...SET_DEFAULTS, lowLatency: true };
      await made.set(wanted);
      this.#lowLatency = true;
    } catch {
      // Pseudo-terminals and some drivers have no modem lines or no low-latency mode; the port is of use without.
      this.#lowLatency = false;
    }
    void this.#readAll(made);
    void this.#watchHangUp(made);
    return made;
  }

  /**
   * A terminal that hangs up between two polls reads as empty for ever, and the library reads it again and again without
   * a word (Linux, hung_up_tty_read). Asked for its rate it fails, in every state (hung_up_tty_ioctl: EIO).
   */
  async #watchHangUp(from: BindingPortInterface): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, HANG_UP_MS).unref());
      if (this.#port !== from) return;
      try {
        await from.getBaudRate();
      } catch (error) {
        if (this.#port !== from || !/input\/output error|i\/o error|EIO/i.test(String(error))) return;
        this.#port = undefined;
        this.#windowOpened();
        this.#send({ readFailed: failureOf(error) });
        await from.close().catch(() => {});
      }
    }
  }

  async #closePort(): Promise<void> {
    const closing = this.#opened();
    this.#port = undefined;
    this.#windowOpened();
    await closing.close();
  }
}

/** One port, not open yet. Chunks wait with the operating system while the reader has `READ_WINDOW_BYTES` before it. */
export function createHost(send: HostSend<HostEvent>): DeviceHost<HostRequests, HostCredit> {
  return new SerialHost(send);
}
