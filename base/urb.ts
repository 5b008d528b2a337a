/** The USB request block that crosses a port: one set of values for HAL ports, traces, USB/IP and the rings of guests. */

/** Transfer types as usbmon numbers them (Linux, Documentation/usb/usbmon.rst). */
export const TRANSFER_TYPE = { isochronous: 0, interrupt: 1, control: 2, bulk: 3 } as const;

export type TransferType = (typeof TRANSFER_TYPE)[keyof typeof TRANSFER_TYPE];

/**
 * How a URB ended: 0 or the negative error numbers that Linux, usbmon and USB/IP use (Linux,
 * Documentation/driver-api/usb/error-codes.rst).
 */
export const URB_STATUS = {
  ok: 0,
  /** Cancelled by whoever submitted it, and it was waited for (ENOENT): what usbmon shows. */
  killed: -2,
  /** No such device (ENODEV). */
  noDevice: -19,
  /** A request that contradicts itself or is not supported, isochronous transfers for one (EINVAL). */
  invalid: -22,
  /** The endpoint stalled (EPIPE). */
  stall: -32,
  /** No answer, or bits on the wire that were wrong too often (EPROTO). */
  protocol: -71,
  /** The device sent more than was asked for (EOVERFLOW). */
  overflow: -75,
  /** Cancelled by whoever submitted it (ECONNRESET). */
  unlinked: -104,
  /** The device was unplugged or its port closed while the URB waited (ESHUTDOWN). */
  shutdown: -108,
  /** Still waiting (EINPROGRESS): the status of a submission in a trace. */
  inProgress: -115,
  /** Fewer bytes than asked for, where `URB_FLAGS.shortNotOk` forbids that (EREMOTEIO). */
  short: -121,
} as const;

/** Transfer flags as Linux and USB/IP number them (Linux, include/linux/usb.h). */
export const URB_FLAGS = { shortNotOk: 0x0001, isoAsap: 0x0002, zeroPacket: 0x0040 } as const;

/** Bit 7 of an endpoint address and of `bmRequestType`: from the device to the host. */
export const ENDPOINT_IN = 0x80;

/** Bytes of a SETUP packet (USB 2.0, section 9.3). */
export const SETUP_BYTES = 8;

/**
 * One transfer. Whoever submits it fills the first part and does not touch the object or `data` until it is completed; an
 * object may be used again then. Making one allocates; submitting and completing one does not.
 */
export class Urb {
  /** Names it in traces and over USB/IP; unique among those of a port that are in flight. Given by whoever submits it. */
  id = 0;
  transferType: TransferType = TRANSFER_TYPE.control;
  /** With `ENDPOINT_IN` for a transfer to the host; of a control transfer 0x00 or 0x80, as its data stage goes. */
  endpointAddress = 0;
  /** SETUP packet of a control transfer. */
  readonly setup = new Uint8Array(SETUP_BYTES);
  /** OUT: the bytes to send, from its start. IN: where they go; at least `length` bytes. */
  data: Uint8Array = NOTHING;
  /** Bytes to send, or the most to receive: `transfer_buffer_length`. */
  length = 0;
  /** `URB_FLAGS`. */
  flags = 0;
  /** Polling interval of interrupt and isochronous transfers in frames or microframes; 0 takes the endpoint's. */
  interval = 0;
  /** Free for whoever submits it. */
  tag = 0;

  /** Filled on completion: `URB_STATUS`. */
  status: number = URB_STATUS.inProgress;
  /** Filled on completion: bytes that crossed the wire, also when `status` is an error. */
  actualLength = 0;

  /** From the device to the host. */
  get inbound(): boolean {
    return (this.endpointAddress & ENDPOINT_IN) !== 0;
  }
}

const NOTHING = new Uint8Array(0);
