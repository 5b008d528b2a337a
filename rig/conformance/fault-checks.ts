/** Holds what a guest reported of a sequence of faults against what the taps and the simulator know. */

import { NS_PER_MS, URB_STATUS } from '../../base/index.js';
import type { GuestReport } from '../run/run-types.js';
import type { DeviceClass } from './fault-plans.js';
import type { Played } from './fault-sequences.js';

/** What sequences came to, all together. */
export interface Tally {
  sequences: number;
  readonly faults: Record<string, number>;
  replugs: number;
  overruns: number;
  /** From when an overrun could be seen until the guest's event. */
  worstOverrunMs: number;
  /** From the end of the last fault to the next data. */
  worstRecoveryMs: number;
  /** Sequences whose guest took rubbish for the start of a long UBX message, and looked at what followed again behind it. */
  falseStarts: number;
  /** Fixes that damage made wrong under a checksum that is right. */
  undetectable: number;
  bytes: number;
}

export function newTally(): Tally {
  return {
    sequences: 0,
    faults: {},
    replugs: 0,
    overruns: 0,
    worstOverrunMs: 0,
    worstRecoveryMs: 0,
    falseStarts: 0,
    undetectable: 0,
    bytes: 0,
  };
}

/** `usb-event.h` of the guests' SDK. */
export const EVENT = {
  plugged: 1,
  unplugged: 2,
  requestFailed: 4,
  transferFailed: 5,
  stall: 6,
  overrun: 7,
  silent: 8,
  started: 9,
  badData: 10,
} as const;

/**
 * Until data flow again after the last fault: 250 ms of rest before a device that refused is tried again, and opening it; of a receiver
 * one epoch and its messages.
 */
const RECOVERY_MS: Readonly<Record<DeviceClass, number>> = { serial: 320, hid: 350, bulk: 350 };
const DATA_CHANNEL: Readonly<Record<DeviceClass, string>> = { serial: 'fix', hid: 'samples', bulk: 'blocks' };

export function ofChannel(played: Played, channel: string): GuestReport[] {
  return played.reports.filter((report) => report.channel === channel);
}

/** Throws what differs first. */
export function must(holds: boolean, sentence: () => string): void {
  if (!holds) throw new Error(sentence());
}

export function equal(got: unknown, wanted: unknown, what: string): void {
  must(Object.is(got, wanted), () => `${what}: ${got}, and ${wanted} is right`);
}

/** When the last fault is over; the pull that ends a sequence is none. */
function lastFaultNs(played: Played): number {
  const durations = new Map<string, number>();
  for (const event of played.sequence.faults.events ?? [])
    if (event.kind === 'delay') durations.set('delay', Math.max(durations.get('delay') ?? 0, event.durationNs ?? 0));
  let last = 0;
  for (const { kind, atNs, durationNs, index, count } of played.faults) {
    // What takes characters in a row is over with the last of them.
    last = Math.max(last, count > 1 ? (played.sentNs[index + count - 1] ?? 0) : 0);
    if (atNs > played.sequence.durationNs - 50 * NS_PER_MS) continue;
    last = Math.max(last, atNs + Math.max(durationNs, kind === 'delay' ? (durations.get('delay') ?? 0) : 0));
  }
  return last;
}

/** The longest UBX message that `gnss-logger` believes: so many characters may pass until it has seen through a false start. */
const FALSE_START_CHARACTERS = 2568;
/** What a receiver of 500 characters a second needs for them, and a second for the rest. */
export const FALSE_START_NS = 8000 * NS_PER_MS;

interface Recovery {
  readonly lastFaultNs: number;
  readonly firstDataNs: number;
}

function recoveryOf(deviceClass: DeviceClass, played: Played): Recovery {
  const last = lastFaultNs(played);
  const next = ofChannel(played, DATA_CHANNEL[deviceClass]).find(({ reportedAtNs }) => reportedAtNs > last);
  return { lastFaultNs: last, firstDataNs: next?.reportedAtNs ?? Number.POSITIVE_INFINITY };
}

/** Whether a guest may be in a false start, to be looked at for longer: `FALSE_START_NS`. */
export function mayBeFalseStart(deviceClass: DeviceClass, played: Played): boolean {
  if (!played.sequence.profile.startsWith('gnss-ubx')) return false;
  const { lastFaultNs, firstDataNs } = recoveryOf(deviceClass, played);
  return firstDataNs - lastFaultNs > RECOVERY_MS[deviceClass] * NS_PER_MS;
}

/** What holds for every class: the guest lives, and data flow again soon after the last fault. */
export function checkAlive(deviceClass: DeviceClass, played: Played, tally: Tally): void {
  equal(played.end, undefined, 'the guest ended');
  const { lastFaultNs, firstDataNs } = recoveryOf(deviceClass, played);
  must(
    firstDataNs <= played.sequence.durationNs,
    () => `no data after the last fault, which ended at ${lastFaultNs / NS_PER_MS} ms`,
  );
  const recoveryMs = (firstDataNs - lastFaultNs) / NS_PER_MS;
  if (played.sequence.durationNs === FALSE_START_NS) {
    const meanwhile = played.received.filter(({ atNs }) => atNs > lastFaultNs && atNs <= firstDataNs).length;
    must(meanwhile <= FALSE_START_CHARACTERS, () => `data came ${meanwhile} characters after the last fault`);
    tally.falseStarts++;
  } else {
    must(recoveryMs <= RECOVERY_MS[deviceClass], () => `data came ${recoveryMs} ms after the last fault`);
    tally.worstRecoveryMs = Math.max(tally.worstRecoveryMs, recoveryMs);
  }
  tally.sequences++;
  tally.bytes += played.sentBytes;
  for (const { kind } of played.faults) tally.faults[kind] = (tally.faults[kind] ?? 0) + 1;
}

/** `scan-logger.c`; no transfer of a stream in these sequences is as long. */
const DRAIN_BYTES = 512;
const SURPRISE_NS = 40 * NS_PER_MS;
/** A fault of a transfer is told of in an event with its status, or by one beside it that was about the same standstill. */
const TELLING: readonly number[] = [
  EVENT.unplugged,
  EVENT.requestFailed,
  EVENT.transferFailed,
  EVENT.stall,
  EVENT.overrun,
  EVENT.silent,
];

/** Replugs and refused transfers, of every USB device. */
export function checkUsbEvents(played: Played, tally: Tally): void {
  const events = ofChannel(played, 'events');
  const tells = (fromNs: number, kinds: readonly number[], dueNs = fromNs) =>
    events.some(
      ({ reportedAtNs, fields }) =>
        kinds.includes(fields.kind) && reportedAtNs >= fromNs - SURPRISE_NS && reportedAtNs <= dueNs + SURPRISE_NS,
    );
  const dueNs = new Map<number, number>();
  for (const { endpointAddress, length, status, completedNs } of played.transfers) {
    if (completedNs === undefined) continue;
    // The guest comes to it when those that it submitted before are done.
    const due = Math.max(dueNs.get(endpointAddress) ?? 0, completedNs);
    dueNs.set(endpointAddress, due);
    if (status !== URB_STATUS.stall && status !== URB_STATUS.protocol) continue;
    // Draining, a guest takes a halt for the end of what an earlier scan has left, and clears it.
    if (status === URB_STATUS.stall && length === DRAIN_BYTES) continue;
    must(
      tells(completedNs, TELLING, due),
      () => `nobody tells of a transfer that ended with ${status} at ${completedNs} ns`,
    );
  }
  const counters = ofChannel(played, 'counters').at(-1)?.fields ?? {};
  const plugged = events.filter(({ fields }) => fields.kind === EVENT.plugged).length;
  const replugs = played.faults.filter(({ kind }) => kind === 'replug').length;
  tally.replugs += replugs;
  // The guest enumerates again at each replug, unless the device was pulled while it did.
  must(plugged >= 1 && plugged <= 1 + replugs + 8, () => `${plugged} enumerations after ${replugs} replugs`);
  equal(plugged, counters.enumerations, 'enumerations');
  for (const { kind, atNs } of played.faults) {
    if (kind !== 'unplug') continue;
    must(
      tells(atNs, [EVENT.unplugged, EVENT.requestFailed]) || isResting(played, atNs),
      () => `nobody tells of the pull at ${atNs} ns`,
    );
  }
}

/** Between a failed opening and the next attempt a guest has no device that could be pulled. */
function isResting(played: Played, atNs: number): boolean {
  const before = ofChannel(played, 'events').filter(({ reportedAtNs }) => reportedAtNs <= atNs);
  const kind = before.at(-1)?.fields.kind;
  return kind === undefined || kind === EVENT.requestFailed || kind === EVENT.unplugged;
}
