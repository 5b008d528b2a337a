/** The checks of fault sequences must notice what they are there for. */

import { expect } from 'chai';
import type { GuestReport } from '../run/run-types.js';
import { checkAlive, EVENT, newTally } from './fault-checks.js';
import { checkBulk } from './fault-checks-bulk.js';
import { checkHid } from './fault-checks-hid.js';
import { checkSerial } from './fault-checks-serial.js';
import { type Played, play, type Sequence } from './fault-sequences.js';

const MS = 1_000_000;

const BULK: Sequence = {
  seed: 'checks',
  profile: 'mcc-usb-1608fs-plus',
  guest: 'scan-logger',
  architecture: 'hosted',
  frontend: 'paravirtual',
  bootargs: 'rate=50000 channels=8 mode=counter',
  durationNs: 700 * MS,
  faults: {
    events: [
      { kind: 'delay', atNs: 60 * MS, durationNs: 200 * MS },
      { kind: 'corrupt', atNs: 400 * MS },
      { kind: 'unplug', atNs: 680 * MS },
    ],
  },
};

const HID: Sequence = {
  ...BULK,
  profile: 'velleman-k8055',
  guest: 'k8055-logger',
  bootargs: 'hold=2',
  faults: {
    events: [
      { kind: 'stall', atNs: 200 * MS },
      { kind: 'unplug', atNs: 680 * MS },
    ],
  },
};

const SERIAL: Sequence = {
  seed: 'checks',
  profile: 'gnss-nmea-10hz',
  guest: 'gnss-logger',
  architecture: 'partitioned',
  frontend: 'ring',
  durationNs: 1500 * MS,
  faults: { events: [{ kind: 'parity', atNs: 300 * MS }] },
};

/** `played` with the reports that `change` leaves of each. */
function altered(played: Played, change: (report: GuestReport) => GuestReport | undefined): Played {
  return { ...played, reports: played.reports.map(change).filter((report) => report !== undefined) };
}

function without(channel: string, ...kinds: readonly number[]): (report: GuestReport) => GuestReport | undefined {
  return (report) => (report.channel === channel && kinds.includes(report.fields.kind) ? undefined : report);
}

/** Adds `amount` to a field of the last report of a channel. */
function off(played: Played, channel: string, field: string, amount = 1): Played {
  const last = played.reports.filter((report) => report.channel === channel).at(-1);
  return altered(played, (report) =>
    report === last ? { ...report, fields: { ...report.fields, [field]: report.fields[field] + amount } } : report,
  );
}

describe('the checks of fault sequences', function () {
  this.timeout(60_000);

  it('notice an overrun that is told of late, as something else, or not at all', async () => {
    const played = await play(BULK);
    const tally = newTally();
    checkBulk(played, tally);
    expect(tally.overruns).to.equal(1);
    const late = (report: GuestReport): GuestReport =>
      report.channel === 'events' && report.fields.kind === EVENT.overrun
        ? { ...report, reportedAtNs: report.reportedAtNs + 200 * MS }
        : report;
    const other = (report: GuestReport): GuestReport =>
      report.channel === 'events' && report.fields.kind === EVENT.overrun
        ? { ...report, fields: { ...report.fields, kind: EVENT.silent } }
        : report;
    for (const change of [late, other, without('events', EVENT.overrun)])
      expect(() => checkBulk(altered(played, change), newTally())).to.throw(/overrun|nobody tells|end of run/);
  });

  it('notice bytes, samples and gaps of a scan that nobody tells of', async () => {
    const played = await play(BULK);
    for (const [channel, field] of [
      ['counters', 'bytes'],
      ['counters', 'gaps'],
      ['blocks', 'sum'],
      ['blocks', 'gaps'],
      ['blocks', 'firstScan'],
    ])
      expect(() => checkBulk(off(played, channel, field), newTally()), field).to.throw();
    // Without the injected bit the gap has no reason.
    const faults = played.faults.filter(({ kind }) => kind !== 'corrupt');
    expect(() => checkBulk({ ...played, faults }, newTally())).to.throw(/nothing was damaged/);
  });

  it('notice a sample that is lost, another one, and a refusal that nobody tells of', async () => {
    const played = await play(HID);
    checkHid(played, newTally());
    expect(() => checkHid(off(played, 'samples', 'a1'), newTally())).to.throw(/sample/);
    expect(() => checkHid(off(played, 'counters', 'bytes', 8), newTally())).to.throw(/bytes/);
    expect(() => checkHid(altered(played, without('events', EVENT.stall, EVENT.requestFailed)), newTally())).to.throw(
      /nobody tells/,
    );
    const [, ...rest] = played.reports.filter(({ channel }) => channel === 'samples');
    const others = played.reports.filter(({ channel }) => channel !== 'samples');
    expect(() => checkHid({ ...played, reports: [...rest, ...others] }, newTally())).to.throw(/sequence/);
  });

  it('notice characters, line errors and fixes that are lost or wrong', async () => {
    const played = await play(SERIAL);
    checkSerial(played, newTally());
    expect(() => checkSerial(off(played, 'counters', 'bytes', -100), newTally())).to.throw(/characters/);
    expect(() => checkSerial(off(played, 'fix', 'streamOffset', -1), newTally())).to.throw(/position/);
    expect(() => checkSerial(off(played, 'counters', 'parityErrors'), newTally())).to.throw(/parity/);
    expect(() => checkSerial(off(played, 'fix', 'latE9', 1000), newTally())).to.throw(/wrong/);
    const late = played.epochs.find(({ byteStart }) => played.sentNs[byteStart] > 900 * MS);
    const gone = altered(played, (report) =>
      report.channel === 'fix' && report.fields.utcMs === late?.utcMs ? undefined : report,
    );
    expect(() => checkSerial(gone, newTally())).to.throw(/missing/);
  });

  it('notice a guest that hangs', async () => {
    const played = await play(HID);
    const silent = altered(played, (report) => (report.reportedAtNs > 200 * MS ? undefined : report));
    expect(() => checkAlive('hid', silent, newTally())).to.throw(/no data/);
  });
});
