/** The seam between a URB frontend (virtio URB device, URB ring) and whatever executes its transfers. */

import type { Urb } from '../../base/index.js';

/** Speeds as USB/IP numbers them (Linux, include/uapi/linux/usb/ch9.h, `usb_device_speed`). */
export const URB_SPEED = { low: 1, full: 2, high: 3, super: 5 } as const;

/** What is plugged into a frontend. */
export interface UrbPlug {
  readonly speed: (typeof URB_SPEED)[keyof typeof URB_SPEED];
  /** Bus number << 16 | device number. */
  readonly devid: number;
}

/** Nearer the hardware. Calls come at the guest's local time and must not block. */
export interface UrbBackend {
  /** A transfer leaves the guest; `id` is the guest's `seqnum`, `transferType` is not filled. Completed exactly once, later, through the frontend. */
  submit(urb: Urb): void;
  /** The guest takes a transfer back that has not completed; it still completes through the frontend. */
  cancel(urb: Urb): void;
}

/** Nearer the guest. */
export interface UrbFrontend {
  /** Connects the backend; once, before the guest starts. */
  attach(backend: UrbBackend): void;
  /** `urb`, which came through `submit`, is done; its result is written to the guest's memory. */
  completed(urb: Urb): void;
  /** A device is there, or (undefined) gone. By then the transfers in flight have been completed. */
  plugged(plug: UrbPlug | undefined): void;
}
