/** Checks how fixes are compared with the truth. */

import { expect } from 'chai';
import type { GuestReport } from '../run/run-types.js';
import { FIRST_UTC_MS, fakeRun } from '../test-support/fake-run.js';
import { compareWithTruth } from './position-truth.js';

const { truth = [], guests } = fakeRun({ seconds: 10 });
const fixes = guests[0].reports.filter((report) => report.channel === 'fix');

function changed(index: number, fields: Record<string, number>): GuestReport[] {
  return fixes.map((fix, i) => (i === index ? { ...fix, fields: { ...fix.fields, ...fields } } : fix));
}

describe('comparison with the truth', () => {
  it('matches every fix of a run without errors', () => {
    expect(compareWithTruth(fixes, truth, 1e12)).to.deep.equal({
      matched: 10,
      foreign: [],
      undated: 0,
      positions: 10,
      worstBeyondDigitsDeg: 0,
      worstDeg: 0,
      coarse: 0,
      altitudes: 10,
      worstAltitudeMm: 0,
      missing: [],
    });
  });

  it('names a time that was never sent, and the epoch that is missing instead', () => {
    const result = compareWithTruth(changed(3, { utcMs: FIRST_UTC_MS + 3001 }), truth, 1e12);
    expect(result.foreign).to.deep.equal([FIRST_UTC_MS + 3001]);
    expect(result.missing).to.deep.equal([FIRST_UTC_MS + 3000]);
  });

  it('holds a fix without a date to the positions of all epochs', () => {
    const undated = compareWithTruth(changed(0, { utcMs: -1 }), truth, 1e12);
    expect(undated).to.deep.include({ undated: 1, matched: 9, foreign: [], positions: 10, worstDeg: 0 });
    const elsewhere = compareWithTruth(changed(0, { utcMs: -1, latE9: 0 }), truth, 1e12);
    expect(elsewhere).to.deep.include({ undated: 1, matched: 9, foreign: [-1] });
    const nowhere = compareWithTruth(changed(0, { utcMs: -1, latE9: 0, mode: 1 }), truth, 1e12);
    expect(nowhere).to.deep.include({ undated: 1, foreign: [] });
  });

  it('counts a fix at an epoch that had none as foreign', () => {
    const outage = truth.map((epoch, i) => (i === 3 ? { ...epoch, mode: 1 } : epoch));
    const claimed = compareWithTruth(fixes, outage, 1e12);
    expect(claimed).to.deep.include({ foreign: [FIRST_UTC_MS + 3000], positions: 9 });
    expect(compareWithTruth(changed(3, { mode: 1 }), outage, 1e12).foreign).to.deep.equal([]);
  });

  it('forgives half a unit of the last digit and nothing more', () => {
    // 4 digits of minutes: half a unit is 0.5e-4 / 60 degrees = 833.3e-9.
    const within = compareWithTruth(changed(2, { latE9: fixes[2].fields.latE9 + 833, digits: 4 }), truth, 1e12);
    expect(within.worstBeyondDigitsDeg).to.equal(0);
    expect(within.worstDeg).to.be.closeTo(833e-9, 1e-15);
    const beyond = compareWithTruth(changed(2, { latE9: fixes[2].fields.latE9 + 1833, digits: 4 }), truth, 1e12);
    expect(beyond.worstBeyondDigitsDeg).to.be.closeTo(1833e-9 - 0.5e-4 / 60, 1e-15);
  });

  it('does not let a guest excuse its errors by claiming fewer digits than a receiver sends', () => {
    const off = fixes[2].fields.latE9 + 5_000_000;
    const minutes = compareWithTruth(changed(2, { latE9: off, digits: 0 }), truth, 1e12);
    expect(minutes.coarse).to.equal(1);
    expect(minutes.worstBeyondDigitsDeg).to.be.closeTo(0.005 - 0.5e-4 / 60, 1e-12);
    const degrees = compareWithTruth(changed(2, { latE9: off, digits: 6, source: 3 }), truth, 1e12);
    expect(degrees.coarse).to.equal(1);
    expect(degrees.worstBeyondDigitsDeg).to.be.closeTo(0.005 - 0.5e-7, 1e-12);
  });

  it('compares altitudes where the guest gives one', () => {
    const off = compareWithTruth(changed(2, { altMm: fixes[2].fields.altMm - 900 }), truth, 1e12);
    expect(off).to.include({ altitudes: 10, worstAltitudeMm: 900 });
    const unknown = compareWithTruth(changed(2, { altMm: -(2 ** 31) }), truth, 1e12);
    expect(unknown).to.include({ altitudes: 9, worstAltitudeMm: 0 });
  });

  it('takes the digits of UBX as those of degrees', () => {
    const off = { latE9: fixes[2].fields.latE9 + 50, digits: 7, source: 3 };
    expect(compareWithTruth(changed(2, off), truth, 1e12).worstBeyondDigitsDeg).to.be.closeTo(0, 1e-15);
    expect(compareWithTruth(changed(2, { ...off, source: 1 }), truth, 1e12).worstBeyondDigitsDeg).to.be.above(4.9e-8);
  });

  it('takes the short way across the date line', () => {
    const [epoch] = truth;
    const here = { ...epoch, lonE9: 179_999_999_999 };
    const [fix] = fixes;
    const there = { ...fix, fields: { ...fix.fields, lonE9: -179_999_999_999 } };
    expect(compareWithTruth([there], [here], 1e12).worstDeg).to.be.closeTo(2e-9, 1e-15);
  });

  it('does not miss what was not sent to its end, came too late, or was no fix', () => {
    const [a, b, c] = truth;
    const { sentNs: _, ...cut } = a;
    expect(compareWithTruth([], [cut, { ...b, mode: 1 }, c], (c.sentNs ?? 0) - 1).missing).to.deep.equal([]);
    expect(compareWithTruth([], [a, b, c], c.sentNs ?? 0).missing).to.have.length(3);
  });
});
