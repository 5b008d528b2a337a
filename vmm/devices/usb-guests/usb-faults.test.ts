/** Seeded faults against the USB guests: nothing is lost unreported, nothing hangs, everything recovers. */

import { expect } from 'chai';
import { createRandom, type Random, URB_STATUS } from '../../../base/index.js';
import { bench } from '../../machine/test-support.js';
import { NIGHTLY } from '../fuzz/fuzz-kit.js';
import { ScriptedK8055 } from './scripted-k8055.js';
import { ScriptedMcc } from './scripted-mcc.js';
import type { ScriptedUsb } from './scripted-usb.js';
import { EVENT, type GuestRecord, guestImage, TRANSPORTS, usbGuest } from './usb-guest-bench.js';

const SEQUENCES = NIGHTLY ? 10_000 : 200;
const FAULTS = 4;
/** Sequences that one guest bears, each with a recovery behind it. */
const IN_A_ROW = 25;
const MS = 1_000_000;
/** Long enough for a request that is never answered, and for the attempt after it. */
const RECOVERY_MS = 4_000;
const DATA = 0x81;
const ERRORS = [URB_STATUS.protocol, URB_STATUS.overflow, URB_STATUS.short];
const RATE = 20_000;
const CHANNELS = 4;
const FIFO_BYTES = 8_192;
/** How long the FIFO takes to fill. */
const STALL_BUDGET_NS = (1e9 * FIFO_BYTES) / (2 * CHANNELS * RATE);

interface FaultedGuest {
  readonly device: { readonly usb: ScriptedUsb };
  runFor(ns: number): void;
  count(channel: number): number;
}

/** Faults that any USB device may have. */
function usbFault(usb: ScriptedUsb, random: Random, runFor: (ns: number) => void): void {
  switch (random.below(6)) {
    case 0:
      usb.unplug();
      runFor(random.below(20) * MS);
      usb.plug();
      break;
    case 1:
      usb.unplug();
      usb.plug();
      break;
    case 2:
      if (usb.waiting(DATA) !== undefined) usb.halt(DATA);
      break;
    case 3:
      for (let i = random.below(4); i >= 0; i--)
        usb.controlFaults.push(random.below(2) === 0 ? URB_STATUS.stall : URB_STATUS.protocol);
      break;
    case 4:
      usb.controlFaults.push(undefined);
      break;
    default:
      usb.unplug();
      usb.plug();
      runFor(random.below(8) * MS);
      usb.unplug();
      usb.plug();
  }
}

/** The faults are over: runs until so many further records of data have come. */
function recover(guest: FaultedGuest, records: number): void {
  guest.device.usb.controlFaults.length = 0;
  const wanted = guest.count(0) + records;
  for (let ms = 0; ms < RECOVERY_MS && guest.count(0) < wanted; ms += 20) guest.runFor(20 * MS);
  expect(guest.count(0), 'records of data after the faults').to.be.at.least(wanted);
}

function word(record: GuestRecord | undefined, index: number): number {
  return record?.payload.getUint32(4 * index, true) ?? 0;
}

/** Scans and blocks of one run, which must follow each other without a hole. */
function checkRuns(blocks: readonly GuestRecord[]): Map<number, number> {
  const scans = new Map<number, number>();
  for (const block of blocks) {
    const run = word(block, 0);
    expect(word(block, 1), `first scan of a block of run ${run}`).to.equal(scans.get(run) ?? 0);
    expect(block.payload.getUint16(26, true), 'gaps').to.equal(0);
    scans.set(run, word(block, 1) + word(block, 2));
  }
  return scans;
}

function scanLogger(kind: (typeof TRANSPORTS)[number], seed: string): void {
  const random = createRandom(seed);
  const guest = usbGuest(
    'scan-logger',
    kind,
    (clock, port) => new ScriptedMcc(clock, port, 0xea, FIFO_BYTES),
    { bootargs: `rate=${RATE} channels=${CHANNELS} mode=counter` },
    MS,
  );
  const { device, runFor, records, events, machine, port } = guest;
  device.usb.plug();
  for (let i = 0; i < FAULTS * IN_A_ROW; i++) {
    if (i % FAULTS === 0) recover(guest, 60);
    runFor(random.below(60) * MS);
    const choice = random.below(5);
    if (choice < 2) {
      usbFault(device.usb, random, runFor);
    } else if (choice === 2) {
      device.isHeld = true;
      runFor(random.below(120) * MS);
      device.isHeld = false;
    } else if (choice === 3) {
      device.fail(ERRORS[random.below(3)], random.below(400));
    } else {
      device.control(Uint8Array.of(0x40, 0x12), new Uint8Array(0));
    }
  }
  recover(guest, 60);
  device.usb.unplug();
  runFor(5 * MS);
  expect([machine.end, port.fault, port.inFlight, machine.activity]).to.deep.equal([undefined, '', 0, 'idle']);
  const scans = checkRuns(records(0));
  // A run ends with an event that says where.
  const ends = events().filter(({ kind: what }) => what !== EVENT.plugged && what !== EVENT.started);
  for (const [run, count] of scans)
    expect(
      ends.some((event) => event.run === run && event.position === count),
      `the end of run ${run}`,
    ).to.equal(true);
  const counters = records(1).at(-1);
  expect(word(counters, 0), 'bytes that the guest counted').to.equal(device.usb.delivered);
  const drained = records(3).reduce((sum, record) => sum + word(record, 7), 0);
  const used = [...scans.values()].reduce((sum, count) => sum + count, 0) * 2 * CHANNELS;
  // What was neither used nor thrown away is a scan cut short, once a run at most.
  const rest = device.usb.delivered - used - drained - word(counters, 9);
  expect(rest, 'bytes that nobody tells of').to.be.within(0, 2 * CHANNELS * word(counters, 3));
  for (const ns of device.overrunsNs) {
    const told = events().some(
      ({ kind: what, atNs }) =>
        (what === EVENT.overrun || what === EVENT.unplugged || what === EVENT.requestFailed || what === EVENT.stall) &&
        atNs >= ns &&
        atNs - ns <= STALL_BUDGET_NS + RECOVERY_MS * MS * Number(what !== EVENT.overrun),
    );
    expect(told, `an overrun at ${ns} ns`).to.equal(true);
  }
}

function k8055Logger(kind: (typeof TRANSPORTS)[number], seed: string): void {
  const random = createRandom(seed);
  const create = (...[clock, port]: ConstructorParameters<typeof ScriptedK8055>) => new ScriptedK8055(clock, port);
  const guest = usbGuest('k8055-logger', kind, create, { bootargs: 'hold=2' }, MS);
  const { device, runFor, records, machine, port } = guest;
  device.usb.plug();
  let shorts = 0;
  for (let i = 0; i < FAULTS * IN_A_ROW; i++) {
    if (i % FAULTS === 0) recover(guest, 10);
    runFor(random.below(120) * MS);
    if (random.below(2) === 0) {
      usbFault(device.usb, random, runFor);
    } else if (device.usb.waiting(DATA) !== undefined) {
      const isShort = random.below(2) === 0;
      if (isShort) shorts++;
      const bytes = new Uint8Array(random.below(8));
      device.usb.complete(DATA, isShort ? URB_STATUS.ok : ERRORS[random.below(3)], bytes);
    }
  }
  recover(guest, 10);
  device.usb.unplug();
  runFor(5 * MS);
  expect([machine.end, port.fault, port.inFlight, machine.activity]).to.deep.equal([undefined, '', 0, 'idle']);
  const counters = records(1).at(-1);
  expect(word(counters, 1), 'bytes that the guest counted').to.equal(device.usb.delivered);
  expect([records(0).length, word(counters, 5)], 'samples and short reports').to.deep.equal([device.sent, shorts]);
  records(0).forEach((record, i) => {
    expect(word(record, 0)).to.equal(i);
  });
}

/** Descriptors with some bytes changed, or cut short, or both. */
function spoilt(bytes: readonly number[], random: Random): number[] {
  const changed = bytes.map((byte) => (random.below(12) === 0 ? random.below(256) : byte));
  return random.below(2) === 0 ? changed : changed.slice(0, random.below(changed.length + 1));
}

describe('USB guests', () => {
  for (const [name, Device] of [
    ['k8055-logger', ScriptedK8055],
    ['scan-logger', ScriptedMcc],
  ] as const) {
    it(`${name} bears hostile descriptors, and takes the right device after them`, function () {
      this.timeout(60_000);
      const random = createRandom(name);
      const create = (...[clock, port]: ConstructorParameters<typeof ScriptedK8055>) => new Device(clock, port);
      const { device, runFor, records, machine } = usbGuest(name, 'urb-ring', create, {}, MS);
      const { deviceDescriptor, configurationDescriptor } = device;
      for (let i = 0; i < (NIGHTLY ? 10_000 : 200); i++) {
        if (random.below(4) === 0) device.deviceDescriptor = spoilt(deviceDescriptor, random);
        device.configurationDescriptor = spoilt(configurationDescriptor, random);
        device.usb.plug();
        runFor(20 * MS);
        device.usb.unplug();
        device.deviceDescriptor = deviceDescriptor;
      }
      device.configurationDescriptor = configurationDescriptor;
      device.usb.plug();
      const before = records(0).length;
      runFor(2000 * MS);
      expect(machine.end).to.equal(undefined);
      expect(records(0).length).to.be.above(before + 100);
    });
  }

  it('end with fail where there is no USB port', () => {
    const { machine, scheduler, text, clock } = bench(guestImage('scan-logger'), {
      acquisition: { kind: 'ns16550a', baudRate: 9600 },
    });
    scheduler.runUntil(1e9);
    clock.advanceTo(clock.now() + 1e9);
    expect(machine.end?.kind).to.equal('fail');
    expect(text()).to.equal('scan-logger: no USB port\r\n');
  });
});

describe(`USB guests under ${SEQUENCES.toLocaleString('en')} seeded sequences of faults`, function () {
  this.timeout(NIGHTLY ? 3_600_000 : 120_000);

  for (const [name, play] of [
    ['k8055-logger', k8055Logger],
    ['scan-logger', scanLogger],
  ] as const) {
    for (const kind of TRANSPORTS) {
      it(`${name} loses nothing unreported over ${kind}, and recovers`, () => {
        for (let i = 0; i < SEQUENCES / TRANSPORTS.length / IN_A_ROW; i++) {
          const seed = `${name} ${kind} ${i}`;
          try {
            play(kind, seed);
          } catch (cause) {
            throw new Error(`seed '${seed}': ${(cause as Error).message}`, { cause });
          }
        }
      });
    }
  }
});
