/** Which faults are injected into a USB port: by chance for each transfer of data, and by appointment; checked before anything runs. */

import { z } from 'zod';
import { parseFields } from '../profile/schema-error.js';

const chance = z.number().min(0).max(1);
const durationNs = z.int().min(1).max(3_600_000_000_000);

/** Kinds that strike a transfer, in the order of their share of the random draw. */
export const TRANSFER_FAULTS = ['drop', 'corrupt', 'delay', 'shortRead', 'stall', 'protocol'] as const;

export type TransferFault = (typeof TRANSFER_FAULTS)[number];

export type UsbFaultKind = TransferFault | 'unplug' | 'replug';

const eventSchema = z
  .strictObject({
    kind: z.enum([...TRANSFER_FAULTS, 'unplug']),
    atTransfer: z.int().min(0).optional().describe('number of the transfer of data, from 0'),
    atNs: z.number().min(0).optional().describe('the first transfer from then on; for "unplug" that very time'),
    durationNs: durationNs.optional().describe('"unplug": until it is back, never when left out; "delay": how long'),
  })
  .refine(({ atTransfer, atNs }) => (atTransfer === undefined) !== (atNs === undefined), {
    message: 'expected either atTransfer or atNs',
  })
  .refine(({ kind, atTransfer }) => kind !== 'unplug' || atTransfer === undefined, {
    message: 'expected atNs for "unplug"',
  });

export const usbFaultPlanSchema = z.strictObject({
  drop: chance.default(0).describe('the bytes of an IN transfer vanish, and it goes on waiting'),
  corrupt: chance.default(0).describe('one bit of an IN transfer is inverted'),
  delay: chance.default(0).describe('a completion comes later'),
  shortRead: chance.default(0).describe('an IN transfer ends after one packet; the rest comes with the next'),
  stall: chance.default(0).describe('the transfer is refused and does not reach the device'),
  protocol: chance.default(0).describe('the transfer ends with a protocol error and what had come'),
  durationNs: durationNs.default(10_000_000).describe('of a delay'),
  events: z.array(eventSchema).max(100_000).default([]),
});

/** As a plan writes it. */
export type UsbFaultPlan = z.input<typeof usbFaultPlanSchema>;
export type CheckedUsbFaults = z.output<typeof usbFaultPlanSchema>;

/** One fault that was made. */
export interface InjectedUsbFault {
  readonly kind: UsbFaultKind;
  readonly atNs: number;
  /** Of the transfer that was struck; 0 and -1 for plugging. */
  readonly endpointAddress: number;
  readonly transfer: number;
  /** Bytes that were lost or changed. */
  readonly bytes: number;
}

export interface UsbFaultListener {
  fault(fault: InjectedUsbFault): void;
}

/** Throws `HAL_INVALID`, naming the field, for a plan that does not fit. */
export function checkUsbFaults(plan: unknown): CheckedUsbFaults {
  return parseFields(usbFaultPlanSchema, plan, 'faults');
}
