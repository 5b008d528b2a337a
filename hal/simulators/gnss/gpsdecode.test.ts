import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import type { GnssParameters } from './parameters.js';
import type { GnssEpoch } from './receiver.js';
import { ReceiverBench } from './receiver-bench.js';

interface TimePositionVelocity {
  readonly class: string;
  readonly mode: number;
  readonly time?: string;
  readonly lat?: number;
  readonly lon?: number;
  readonly altMSL?: number;
}

const MOVING: GnssParameters = {
  baudRate: 38_400,
  startUtc: '2026-12-31T23:59:50Z',
  route: { kind: 'line', latDeg: -0.0003, lonDeg: 179.999, altM: 12, speedMps: 20, headingDeg: 70, climbMps: 1 },
  constellation: { gps: 8, glonass: 6 },
  geoidSeparationM: 21.5,
  timeToFirstFixMs: 3000,
  noiseM: 1,
};

/** The fixes that gpsd's decoder finds in `bytes`. */
function decode(bytes: readonly number[]): TimePositionVelocity[] {
  const { stdout } = spawnSync('gpsdecode', ['-j'], { input: Uint8Array.from(bytes), encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{"class":"TPV"'))
    .map((line) => JSON.parse(line) as TimePositionVelocity)
    .filter((fix) => fix.mode >= 2);
}

describe('bytes of the GNSS receiver, read by gpsdecode of gpsd (skipped where it is not installed)', () => {
  before(function () {
    if (spawnSync('gpsdecode', ['-V']).error === undefined) return;
    console.log('      skipped: gpsdecode is not installed (Debian package gpsd-clients or gpsd-tools)');
    this.skip();
  });

  function compare(parameters: GnssParameters, toleranceE9: number, altitudeMm: number): void {
    const bench = new ReceiverBench({ ...MOVING, ...parameters }).runMs(30_000);
    const truth = new Map<number, GnssEpoch>();
    for (const epoch of bench.receiver.truth) truth.set(epoch.utcMs, epoch);
    const fixes = decode(bench.bytes);
    expect(fixes.length).to.be.within(26, 27);
    for (const fix of fixes) {
      const epoch = truth.get(Date.parse(fix.time ?? ''));
      expect(epoch?.valid).to.equal(true);
      expect((fix.lat ?? 0) * 1e9).to.be.closeTo(epoch?.latE9 ?? 1e12, toleranceE9);
      expect((fix.lon ?? 0) * 1e9).to.be.closeTo(epoch?.lonE9 ?? 1e12, toleranceE9);
      expect((fix.altMSL ?? 0) * 1000).to.be.closeTo(epoch?.altMm ?? 1e12, altitudeMm);
    }
  }

  it('hold every NMEA fix at its time, to the last digit sent', () => {
    compare({ nmea: { sentences: ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL', 'ZDA'] } }, 84, 50);
    compare({ nmea: { sentences: ['RMC', 'GGA', 'ZDA'], minuteDigits: 7 } }, 2, 50);
  });

  it('hold every NAV-PVT fix at its time, to 1e-7 degrees and 1 mm', () => {
    compare({ ubx: { messages: ['NAV-PVT'] } }, 50, 0.5);
  });
});
