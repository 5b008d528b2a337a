/**
 * The contract of a USB device as its host controller's driver sees it: synchronous, clocked, transfer by transfer,
 * without a promise. Simulators, replays, USB/IP and decorators are written against it; `usbDeviceFromPort` shows any of
 * them as a WebUSB `USBDevice`, `portFromUsbDevice` takes anybody's.
 */

import type { Urb } from '../../base/index.js';
import type { HalError } from '../errors.js';

export {
  ENDPOINT_IN,
  SETUP_BYTES,
  TRANSFER_TYPE,
  type TransferType,
  URB_FLAGS,
  URB_STATUS,
  Urb,
} from '../../base/index.js';

export type UsbSpeed = 'low' | 'full' | 'high' | 'super';

/** What a device says of itself before it does anything: the snapshot that a trace begins with (USB 2.0, section 9.6). */
export interface UsbDescription {
  readonly speed: UsbSpeed;
  /** The 18 bytes of the device descriptor. */
  readonly device: Uint8Array;
  /** Each configuration's descriptor with its interfaces and endpoints: `wTotalLength` bytes, in order. */
  readonly configurations: readonly Uint8Array[];
  /** String descriptors by index as text, without the list of languages at index 0. */
  readonly strings: ReadonlyMap<number, string>;
  /** HID report descriptors by interface number (HID 1.11, section 7.1). */
  readonly reports: ReadonlyMap<number, Uint8Array>;
}

/** The host side of a port: where completed transfers go. */
export interface UsbSink {
  /**
   * `urb` is done, at the clock's present time: `status`, `actualLength` and, of an IN transfer, `data` are filled. What
   * arrived before a failure is there too. Comes exactly once for each submission, never from inside `submit`.
   */
  completed(urb: Urb): void;
  /**
   * The device was pulled (false): its transfers have been completed with `URB_STATUS.shutdown`, later ones complete with
   * `noDevice`. Or it is there again (true), unconfigured. Only ports whose device may come back call it.
   */
  plugged?(present: boolean): void;
  /**
   * The port ended by itself: unplugged, replay that cannot go on, library process lost. Called at most once, after every
   * transfer in flight has been completed (`URB_STATUS.shutdown`).
   */
  disconnected(error: HalError): void;
}

export interface UsbPort {
  /** How a person names it: `usb:1-1.2`, `sim:velleman-k8055`, `replay:trace.pcapng#0`, `usbip:host/1-1`. */
  readonly name: string;
  readonly description: UsbDescription;
  /** Connects the host side and powers the device; once, before anything else. */
  attach(sink: UsbSink): void;
  /**
   * Queues a transfer and returns at once. Transfers of one endpoint are executed in order; several may wait. Standard
   * requests (SET_CONFIGURATION, SET_INTERFACE, CLEAR_FEATURE and the like) are control transfers as any other.
   * A device that has gone completes it with `URB_STATUS.noDevice`, an endpoint that does not exist in the present
   * configuration with `URB_STATUS.stall`. Throws `HAL_CLOSED` after `close`, `HAL_INVALID` for a URB that contradicts itself.
   */
  submit(urb: Urb): void;
  /** Takes a transfer back; it completes with `URB_STATUS.unlinked` and the bytes that came, unless it was done already. */
  cancel(urb: Urb): void;
  /** Bus reset: transfers in flight complete with `URB_STATUS.unlinked`; the device is unconfigured, as after being plugged in. */
  reset(): void;
  /** Completes what is in flight with `URB_STATUS.shutdown` and frees what is held. Idempotent. */
  close(): void;
}
