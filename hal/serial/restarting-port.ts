/** A serial port that outlives the process that owns its device: opened again with its last settings, as the same port. */

import { HalError } from '../errors.js';
import { DeviceKeeper, type RestartOptions } from '../host-process/device-keeper.js';
import type { BindingPort } from './port-from-binding.js';
import { LINE_STATUS, type LineSettings, type SerialPort, type SerialSink } from './serial-port.js';

export interface RestartingPortOptions extends RestartOptions {
  readonly name: string;
  readonly line: LineSettings;
  /** Opens the device, at first and after each loss; `openRealPort` with an `IoProcess`. */
  readonly open: (line: LineSettings) => Promise<BindingPort>;
}

/** A `SerialPort` that comes back. */
export interface RestartingPort extends SerialPort {
  /** How often it came back. */
  readonly restarts: number;
  /** Whether the device is open now. */
  readonly present: boolean;
  /** Resolves when the device has been closed after `close`; never rejects. */
  readonly whenClosed: Promise<void>;
}

class RestartingPortAdapter implements RestartingPort {
  readonly name: string;
  readonly #keeper: DeviceKeeper<BindingPort>;
  #sink: SerialSink | undefined;
  #line: LineSettings;
  /** The settings with which the device was opened last. */
  #opened: LineSettings;
  #modemControl: number | undefined;

  constructor(port: BindingPort, options: RestartingPortOptions) {
    this.name = options.name;
    this.#line = options.line;
    this.#opened = options.line;
    this.#keeper = new DeviceKeeper(port, {
      ...options,
      open: () => {
        this.#opened = this.#line;
        return options.open(this.#line);
      },
      free: (device) => {
        device.close();
        return device.whenClosed;
      },
      cameBack: (device) => this.#restore(device),
      listen: (device) => this.#listen(device),
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

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#sink = sink;
    const { device } = this.#keeper;
    if (device !== undefined) this.#listen(device);
  }

  configure(settings: LineSettings): void {
    this.#keeper.refuseClosed();
    this.#keeper.device?.configure(settings);
    this.#line = settings;
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#keeper.refuseClosed();
    const { device } = this.#keeper;
    if (device === undefined) this.#keeper.drop(length);
    else device.transmit(bytes, offset, length);
  }

  modemControl(bits: number): void {
    this.#keeper.refuseClosed();
    this.#modemControl = bits;
    this.#keeper.device?.modemControl(bits);
  }

  close(): void {
    this.#keeper.close();
  }

  #listen(device: BindingPort): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    device.attach({
      receive: (byte, lineStatus) => sink.receive(byte, lineStatus),
      modemStatus: (bits) => sink.modemStatus(bits),
      disconnected: (error) => {
        if (error.code === 'HAL_HOST_PROCESS') this.#interrupt(error, sink);
        else sink.disconnected(error);
      },
    });
  }

  #interrupt(cause: HalError, sink: SerialSink): void {
    this.#keeper.lose(cause);
    sink.modemStatus(0);
    sink.receive(0, LINE_STATUS.break | LINE_STATUS.overrun);
  }

  #restore(device: BindingPort): void {
    if (this.#line !== this.#opened) device.configure(this.#line);
    if (this.#modemControl !== undefined) device.modemControl(this.#modemControl);
  }
}

/**
 * Opens the port and keeps it through losses of the process that owns it (`HAL_HOST_PROCESS`); rejects as `open` does.
 * What had reached this process is delivered, in order and once. Then the host side sees its modem inputs fall and one
 * character 0 marked break and overrun: a guest's line status error, which every tap and recorder keeps as such, and
 * which says that bytes may be missing here. What is transmitted meanwhile is dropped, as by a pulled cable; what was
 * under way may have gone out. The line settings and modem outputs asked for last hold again after the return. Any other
 * disconnection, and the last failed attempt to come back, is final: `disconnected`.
 */
export async function openRestartingPort(options: RestartingPortOptions): Promise<RestartingPort> {
  return new RestartingPortAdapter(await options.open(options.line), options);
}
