/** Counts of the USB packets of one interface. */

import { URB_STATUS } from '../../base/index.js';
import { USB_EVENT, type UsbRecord } from './usb-record.js';
import { SNAPSHOT_MARK } from './usb-recorder.js';

export interface UsbTotals {
  /** URBs submitted, and those that completed. */
  submitted: number;
  completed: number;
  /** Data that crossed the wire, SETUP packets apart. */
  bytesIn: number;
  bytesOut: number;
  /** URBs whose data the capture cut short: they cannot be replayed. */
  truncated: number;
  /** Completions by status, those that are no success; at most 64 statuses. */
  readonly statuses: Map<number, number>;
  /** Devices seen, `BUS.DEVICE` each; at most 1,024. */
  readonly devices: Set<string>;
}

const MOST_STATUSES = 64;
const MOST_DEVICES = 1024;

export function emptyUsbTotals(): UsbTotals {
  return {
    submitted: 0,
    completed: 0,
    bytesIn: 0,
    bytesOut: 0,
    truncated: 0,
    statuses: new Map(),
    devices: new Set(),
  };
}

/** What a packet adds. What a device says of itself in front of a recording is no traffic. */
export function countUsb(totals: UsbTotals, record: UsbRecord): void {
  if (record.mark === SNAPSHOT_MARK) return;
  const isControlData = record.transferType === 2 && record.event === USB_EVENT.submit && !record.hasSetup;
  if (record.event !== USB_EVENT.submit) totals.completed++;
  else if (!isControlData) totals.submitted++;
  if (record.inbound) totals.bytesIn += record.dataLength;
  else totals.bytesOut += record.dataLength;
  if (record.isTruncated) totals.truncated++;
  if (totals.devices.size < MOST_DEVICES) totals.devices.add(`${record.bus}.${record.device}`);
  if (record.event === USB_EVENT.submit || record.status === URB_STATUS.ok) return;
  const { statuses } = totals;
  if (statuses.size < MOST_STATUSES || statuses.has(record.status))
    statuses.set(record.status, (statuses.get(record.status) ?? 0) + 1);
}
