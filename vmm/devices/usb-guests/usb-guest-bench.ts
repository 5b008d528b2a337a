/** Runs a guest that drives a USB device, over either transport, and reads its records. */

import { readFileSync } from 'node:fs';
import type { Clock } from '../../../base/index.js';
import { parseImage } from '../../boot/image.js';
import { type UrbAcquisition, urbAcquisition } from '../../machine/acquisition.js';
import type { EngineName } from '../../machine/create-vcpu.js';
import type { UrbAcquisitionKind } from '../../machine/machine-config.js';
import { bench } from '../../machine/test-support.js';

/** How often the ring of a partition is looked at. */
const POLL_NS = 100_000;
const HEADER_BYTES = 24;

export const TRANSPORTS: readonly UrbAcquisitionKind[] = ['virtio-usb', 'urb-ring'];

/** A record as the guest made it. */
export interface GuestRecord {
  readonly channel: number;
  readonly sequence: number;
  readonly atNs: number;
  readonly payload: DataView;
}

/** Kinds of `guests/sdk/usb-event.h`. */
export const EVENT = {
  plugged: 1,
  unplugged: 2,
  wrongDevice: 3,
  requestFailed: 4,
  transferFailed: 5,
  stall: 6,
  overrun: 7,
  silent: 8,
  started: 9,
  badData: 10,
} as const;

export interface GuestEvent {
  readonly kind: number;
  readonly status: number;
  readonly detail: number;
  readonly run: number;
  readonly position: number;
  readonly streamOffset: number;
  readonly atNs: number;
}

export function guestImage(name: string) {
  return parseImage(readFileSync(new URL(`../../../../guests/${name}/${name}.elf`, import.meta.url)), `${name}.elf`);
}

/** The guest, not yet run, and its device, not yet plugged in. */
export function usbGuest<Device>(
  name: string,
  kind: UrbAcquisitionKind,
  create: (clock: Clock, port: UrbAcquisition) => Device,
  options: { readonly bootargs?: string; readonly engine?: EngineName } = {},
  pollNs = POLL_NS,
) {
  const run = bench(guestImage(name), {
    acquisition: { kind },
    reportRing: kind === 'urb-ring',
    ...options,
  });
  const { machine, scheduler, reports, clock } = run;
  const port = urbAcquisition(machine);
  const device = create(clock, port);
  const records = (channel: number): GuestRecord[] =>
    reports.map(toRecord).filter((record) => record.channel === channel);
  const counts = new Map<number, number>();
  let counted = 0;
  return {
    ...run,
    port,
    /** How many records there are of a channel, at the cost of the new ones alone. */
    count: (channel: number): number => {
      for (; counted < reports.length; counted++) {
        const [number] = reports[counted];
        counts.set(number, (counts.get(number) ?? 0) + 1);
      }
      return counts.get(channel) ?? 0;
    },
    device,
    records,
    events: (): GuestEvent[] => records(2).map(toEvent),
    /** Runs for so long; stops early when the guest ends. */
    runFor: (ns: number): void => {
      for (const end = clock.now() + ns; clock.now() < end && machine.end === undefined; ) {
        scheduler.runUntil(Math.min(end, clock.now() + pollNs));
        port.poll();
        machine.pollReports();
      }
    },
  };
}

function toRecord(bytes: Uint8Array): GuestRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    channel: view.getUint32(0, true),
    sequence: view.getUint32(4, true),
    atNs: 100 * (view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32),
    payload: new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES, view.getUint32(20, true)),
  };
}

function toEvent({ payload, atNs }: GuestRecord): GuestEvent {
  const word = (index: number): number => payload.getUint32(4 * index, true);
  return {
    kind: word(0),
    status: payload.getInt32(4, true),
    detail: word(2),
    run: word(3),
    position: word(4),
    streamOffset: word(5),
    atNs,
  };
}
