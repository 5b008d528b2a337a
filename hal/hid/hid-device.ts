/** The contract of a HID device: the shape of node-hid's `HIDAsync`, with the guarantees an implementer keeps. */

/** How a device is found; the fields are node-hid's `Device`. */
export interface HidDeviceInfo {
  readonly vendorId: number;
  readonly productId: number;
  readonly path?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly product?: string | undefined;
  readonly release: number;
  readonly interface: number;
  readonly usagePage?: number | undefined;
  readonly usage?: number | undefined;
}

/** Listeners a device takes. */
export interface HidEvents {
  /** An input report, with its report id in front only where the device numbers its reports. The buffer is the listener's to keep. */
  data: [report: Buffer];
  /** The device went away, or reading failed: `HalError`. Nothing comes after it. */
  error: [error: Error];
  /** The device has been closed. */
  close: [];
}

/**
 * An open HID device. Input reports that nobody takes are kept, oldest first, up to the queue limit of the binding; beyond
 * it the oldest are dropped and counted in `lost`, never silently. Every rejection is a `HalError`:
 * `HAL_CLOSED`, `HAL_DISCONNECTED`, `HAL_TIMEOUT`, `HAL_STALL`, `HAL_INVALID`, `HAL_UNSUPPORTED`, `HAL_IO`.
 */
export interface HidDevice {
  /** Input reports that are known to be lost: nobody took them in time, or the transfer that brought them failed half-way. */
  readonly lost: number;
  /** Any number of listeners; while one listens to `data`, reports go to the listeners. */
  on<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this;
  once<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this;
  off<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this;
  /**
   * The next input report, waiting `timeoutMs` for it; without a time-out until one comes. Resolves with undefined when the
   * time is over: nothing is lost by that, the report that comes later is the next read's. One read at a time
   * (`HAL_INVALID`); refused while `data` has listeners (`HAL_INVALID`).
   */
  read(timeoutMs?: number): Promise<Buffer | undefined>;
  /** Sends an output report; the first byte is the report id, 0 where reports are not numbered. Resolves with the bytes written, id included. */
  write(report: readonly number[] | Uint8Array): Promise<number>;
  /** Sends a feature report; the first byte is the report id. */
  sendFeatureReport(report: readonly number[] | Uint8Array): Promise<number>;
  /** A feature report with its report id in front; `reportLength` counts the id too. */
  getFeatureReport(reportId: number, reportLength: number): Promise<Buffer>;
  /** Holds `data` back; reports queue up. */
  pause(): void;
  resume(): void;
  getDeviceInfo(): Promise<HidDeviceInfo>;
  /** Ends a waiting read with `HAL_CLOSED`. Idempotent. */
  close(): Promise<void>;
}
