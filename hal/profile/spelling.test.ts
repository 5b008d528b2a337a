import { expect } from 'chai';
import { editDistance, nearestName } from './spelling.js';

describe('spelling', () => {
  it('counts edits', () => {
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('', 'abc')).to.equal(3);
    expect(editDistance('same', 'same')).to.equal(0);
  });

  it('finds the name meant, and none for something else', () => {
    const known = ['gnss-nmea-1hz', 'gnss-nmea-10hz', 'gnss-ubx-5hz'];
    expect(nearestName('gnss-nema-1hz', known)).to.equal('gnss-nmea-1hz');
    expect(nearestName('GNSS-UBX-5Hz', known)).to.equal('gnss-ubx-5hz');
    expect(nearestName('thermometer', known)).to.equal(undefined);
    expect(nearestName('x', [])).to.equal(undefined);
  });
});
