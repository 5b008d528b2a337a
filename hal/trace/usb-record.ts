/** One packet of a USB capture, whatever its link type. */

import type { TransferType } from '../../base/index.js';

/** Events as usbmon names them. */
export const USB_EVENT = { submit: 'S', complete: 'C', error: 'E' } as const;

export type UsbEvent = (typeof USB_EVENT)[keyof typeof USB_EVENT];

/** A decoded USB packet; reuse one. Bytes lie in the reader's window and are valid until its next packet. */
export class UsbRecord {
  event: UsbEvent = USB_EVENT.submit;
  /** Ties a completion to its submission: the low 53 bits of the capture's id, which is an address in kernel memory. */
  id = 0;
  transferType: TransferType = 2;
  /** With bit 7 for IN. */
  endpointAddress = 0;
  bus = 0;
  device = 0;
  timeNs = 0;
  /** `URB_STATUS`. */
  status = 0;
  /** `urb_len`: asked for by a submission, carried by a completion. */
  urbLength = 0;
  /** Whether `urbLength` is told: USBPcap keeps neither what an IN submission asks for nor what an OUT completion carried. */
  hasLength = true;
  /** Submission of a control transfer: whether `setup` is filled. */
  hasSetup = false;
  readonly setup = new Uint8Array(8);
  interval = 0;
  flags = 0;
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** Data bytes that the capture holds. */
  length = 0;
  /** Data bytes that crossed the wire in this direction; more than `length` when the capture cut them. */
  dataLength = 0;
  /** `epb_packetid` and the project's mark, as the packet has them. */
  packetId = 0;
  mark: string | undefined;

  get inbound(): boolean {
    return (this.endpointAddress & 0x80) !== 0;
  }

  /** The capture holds fewer data bytes than crossed the wire. */
  get isTruncated(): boolean {
    return this.length < this.dataLength;
  }
}
