/** What a rig process and the process that owns a real HID device say to each other. */

import type { HidDeviceInfo } from '../hid-device.js';

export interface HidOpenArguments {
  readonly path: string;
  readonly lockName: string;
  readonly locks: string;
  readonly nativeModule: string;
  /** So long an open that is not permitted is tried again: udev sets permissions some 100 ms after the device appeared. */
  readonly accessRetryMs: number;
  /** Reports kept while the parent does not take them. */
  readonly queueLimit: number;
}

export interface HidRequests {
  /** Devices by the library, for systems without sysfs. */
  list: { args: { nativeModule: string }; answer: HidDeviceInfo[] };
  open: { args: HidOpenArguments; answer: HidDeviceInfo };
  write: { args: Uint8Array; answer: number };
  sendFeature: { args: Uint8Array; answer: number };
  getFeature: { args: { reportId: number; reportLength: number }; answer: Uint8Array };
  close: { args: undefined; answer: undefined };
}

/** An input report; `atMonotonicNs` is `CLOCK_MONOTONIC` when the library handed it over. */
export interface HidReportEvent {
  readonly report: Uint8Array;
  readonly atMonotonicNs: bigint;
  /** Reports dropped so far because the parent took none. */
  readonly lost: number;
}

/** The device cannot be read any more; nothing follows. */
export interface HidFailedEvent {
  readonly failed: string;
}

export type HidEvent = HidReportEvent | HidFailedEvent;

/** The parent has taken so many reports; as many more may be sent. */
export interface HidCredit {
  readonly credit: number;
}

/** Reports that may be under way to the parent. */
export const REPORT_WINDOW = 256;
