/** Draws a sequence of faults for each class of devices from a seed. */

import { createRandom, NS_PER_MS, type Random } from '../../base/index.js';
import type { ScheduledFault, UsbFaultPlan } from '../../hal/index.js';
import type { Sequence } from './fault-sequences.js';

export const DEVICE_CLASSES = ['serial', 'hid', 'bulk'] as const;
export type DeviceClass = (typeof DEVICE_CLASSES)[number];

const CHARACTER_KINDS = [
  'drop',
  'corrupt',
  'duplicate',
  'parity',
  'framing',
  'break',
  'overrun',
  'delay',
  'stall',
  'unplug',
] as const;
/** A delay twice, because long ones make the FIFO of a converter overrun. */
const TRANSFER_KINDS = ['drop', 'corrupt', 'delay', 'delay', 'shortRead', 'stall', 'protocol', 'unplug'] as const;

/** A fault lies between these; the rest of a sequence is quiet. */
const FIRST_NS = 40 * NS_PER_MS;
const LAST_NS = 300 * NS_PER_MS;
const SERIAL_FIRST_NS = 150 * NS_PER_MS;
const SERIAL_LAST_NS = 550 * NS_PER_MS;
/** A guest reports its counts once a second: some are of a time after the last fault. */
const SERIAL_DURATION_NS = 1800 * NS_PER_MS;
/** Pulled at the end for good, so that the guest reports its last counts. */
const END_NS = 30 * NS_PER_MS;

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)];
}

/** The other architecture each time, and serial devices through each hosted frontend. */
function cell(number: number, hosted: readonly Sequence['frontend'][]): Pick<Sequence, 'architecture' | 'frontend'> {
  if (number % 2 === 1) return { architecture: 'partitioned', frontend: 'ring' };
  return { architecture: 'hosted', frontend: hosted[(number >> 1) % hosted.length] };
}

export function sequenceOf(deviceClass: DeviceClass, number: number): Sequence {
  const seed = `${deviceClass} ${number}`;
  const random = createRandom(`${seed} plan`);
  switch (deviceClass) {
    case 'serial':
      return serial(seed, number, random);
    case 'hid':
      return {
        seed,
        profile: 'velleman-k8055',
        guest: 'k8055-logger',
        ...cell(number, ['paravirtual']),
        bootargs: 'hold=2',
        ...usbFaults(random, 900 * NS_PER_MS, 150, 300),
      };
    case 'bulk':
      return bulk(seed, number, random);
  }
}

/** Rates at which the FIFO of 64 KiB fills in 0.8 s, 0.2 s and, the fastest that the guest is asked for, 82 ms. */
const SCANS = ['rate=10000 channels=4', 'rate=10000 channels=4', 'rate=20000 channels=8', 'rate=50000 channels=8'];

function bulk(seed: string, number: number, random: Random): Sequence {
  const scan = pick(random, SCANS);
  return {
    seed,
    profile: 'mcc-usb-1608fs-plus',
    guest: 'scan-logger',
    ...cell(number, ['paravirtual']),
    bootargs: `${scan} mode=counter`,
    ...usbFaults(random, 800 * NS_PER_MS, 250, 0),
  };
}

function usbFaults(
  random: Random,
  leastNs: number,
  mostDelayMs: number,
  restMs: number,
): Pick<Sequence, 'durationNs' | 'faults'> {
  const count = 1 + random.below(5);
  const events: NonNullable<UsbFaultPlan['events']> = [];
  for (let i = 0; i < count; i++) {
    const atNs = FIRST_NS + random.below(LAST_NS - FIRST_NS);
    const kind = pick(random, TRANSFER_KINDS);
    if (kind === 'unplug') events.push({ kind, atNs, durationNs: 1 + random.below(60 * NS_PER_MS) });
    else if (kind === 'delay') events.push({ kind, atNs, durationNs: 1 + random.below(mostDelayMs * NS_PER_MS) });
    else events.push({ kind, atNs });
  }
  // After each failure a guest rests, and the next fault waits for it: a quiet time is left behind the last one.
  const failures = events.filter(({ kind }) => kind === 'stall' || kind === 'protocol').length;
  const durationNs = leastNs + restMs * NS_PER_MS * Math.max(0, failures - 1);
  return { durationNs, faults: { events: [...events, { kind: 'unplug', atNs: durationNs - END_NS }] } };
}

function serial(seed: string, number: number, random: Random): Sequence {
  const events: ScheduledFault[] = [];
  const count = 1 + random.below(8);
  for (let i = 0; i < count; i++) {
    const atNs = SERIAL_FIRST_NS + random.below(SERIAL_LAST_NS - SERIAL_FIRST_NS);
    const kind = pick(random, CHARACTER_KINDS);
    if (kind === 'unplug' || kind === 'delay' || kind === 'stall')
      events.push({ kind, atNs, durationNs: 1 + random.below(60 * NS_PER_MS) });
    else if (kind === 'drop' || kind === 'overrun') events.push({ kind, atNs, count: 1 + random.below(40) });
    else events.push({ kind, atNs });
  }
  const profile = pick(random, ['gnss-nmea-10hz', 'gnss-nmea-10hz', 'gnss-ubx-5hz']);
  return {
    seed,
    profile,
    // Few sentences, because every character costs time of the host.
    simulator: {
      timeToFirstFixMs: 0,
      ...(profile === 'gnss-nmea-10hz' ? { nmea: { minuteDigits: 7, sentences: ['RMC', 'GGA'] } } : {}),
    },
    guest: 'gnss-logger',
    ...cell(number, ['emulated', 'paravirtual']),
    durationNs: SERIAL_DURATION_NS,
    faults: { events },
  };
}
