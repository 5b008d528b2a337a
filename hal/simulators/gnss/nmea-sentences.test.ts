import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { setCalendarTime } from './calendar.js';
import { Constellation } from './constellation.js';
import { MessageBuffer } from './message-buffer.js';
import { createNavigationSolution, type NavigationSolution } from './navigation-solution.js';
import { NmeaSentences, type NmeaSettings } from './nmea-sentences.js';

const SETTINGS: NmeaSettings = { talker: 'GN', minuteDigits: 5, version: '4.0' };
const SKY = { gps: 8, glonass: 6, galileo: 0, beidou: 0, elevationMaskDeg: 5 };

/** The place and time of a recording of a u-blox MAX-M8Q in Bend, Oregon, that gpsd ships as `ublox-8.log`. */
function bend(): NavigationSolution {
  const solution = createNavigationSolution();
  setCalendarTime(solution.time, Date.UTC(2017, 0, 10, 0, 9, 42));
  solution.timeKnown = true;
  solution.positionKnown = true;
  solution.latE9 = 44_068_900_167;
  solution.lonE9 = -121_314_272_167;
  solution.altMm = 1_144_900;
  solution.geoidSeparationMm = -21_400;
  solution.groundSpeedMmps = 21;
  return solution;
}

interface Overrides {
  readonly settings?: Partial<NmeaSettings>;
  readonly sky?: Partial<typeof SKY>;
}

function text(
  solution: NavigationSolution,
  write: (sentences: NmeaSentences, sky: Constellation) => void,
  overrides: Overrides = {},
): string {
  const buffer = new MessageBuffer(4000);
  const sky = new Constellation({ ...SKY, ...overrides.sky }, createRandom(4));
  sky.update(0, solution.positionKnown ? 'tracking' : 'searching');
  write(new NmeaSentences(buffer, solution, sky, { ...SETTINGS, ...overrides.settings }), sky);
  return String.fromCharCode(...buffer.bytes.subarray(0, buffer.length));
}

describe('NMEA sentences', () => {
  it('are those of a real receiver at the same place and time, checksum included', () => {
    const gga = text(bend(), (s, sky) => {
      sky.hdopE2 = 101;
      s.gga();
    });
    expect(gga).to.equal('$GNGGA,000942.00,4404.13401,N,12118.85633,W,1,12,1.01,1144.9,M,-21.4,M,,*4C\r\n');
    expect(text(bend(), (s) => s.rmc())).to.equal(
      '$GNRMC,000942.00,A,4404.13401,N,12118.85633,W,0.041,,100117,,,A*73\r\n',
    );
    expect(text(bend(), (s) => s.vtg())).to.equal('$GNVTG,,T,,M,0.041,N,0.076,K,A*39\r\n');
    expect(text(bend(), (s) => s.gll())).to.equal('$GNGLL,4404.13401,N,12118.85633,W,000942.00,A,A*69\r\n');
    expect(text(bend(), (s) => s.zda())).to.equal('$GNZDA,000942.00,10,01,2017,00,00*73\r\n');
  });

  it('are those of a u-blox receiver without a fix', () => {
    const nothing = createNavigationSolution();
    const overrides: Overrides = { settings: { talker: 'GP' }, sky: { glonass: 0 } };
    expect(text(nothing, (s) => s.rmc(), overrides)).to.equal('$GPRMC,,V,,,,,,,,,,N*53\r\n');
    expect(text(nothing, (s) => s.vtg(), overrides)).to.equal('$GPVTG,,,,,,,,,N*30\r\n');
    expect(text(nothing, (s) => s.gga(), overrides)).to.equal('$GPGGA,,,,,,0,00,99.99,,,,,,*48\r\n');
    expect(text(nothing, (s) => s.gsa(), overrides)).to.equal('$GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99*30\r\n');
    expect(text(nothing, (s) => s.gsv(), overrides)).to.equal('$GPGSV,1,1,00*79\r\n');
    expect(text(nothing, (s) => s.gll(), overrides)).to.equal('$GPGLL,,,,,,V,N*64\r\n');
    expect(text(nothing, (s) => s.zda(), overrides)).to.equal('$GPZDA,,,,,00,00*48\r\n');
  });

  it('keep time and date while the position is lost', () => {
    const solution = bend();
    solution.positionKnown = false;
    expect(text(solution, (s) => s.rmc())).to.match(/^\$GNRMC,000942\.00,V,,,,,,,100117,,,N\*/);
  });

  it('round the minutes once and carry into the degrees', () => {
    const solution = bend();
    solution.latE9 = -9_999_999_999;
    solution.lonE9 = 179_999_999_999;
    expect(text(solution, (s) => s.gll())).to.contain('GLL,1000.00000,S,18000.00000,E,');
    solution.latE9 = 123_456_789;
    solution.lonE9 = -1_083_333;
    expect(text(solution, (s) => s.gll(), { settings: { minuteDigits: 7 } })).to.contain(
      'GLL,0007.4074073,N,00000.0650000,W,',
    );
    expect(text(solution, (s) => s.gll(), { settings: { minuteDigits: 4 } })).to.contain(
      'GLL,0007.4074,N,00000.0650,W,',
    );
  });

  it('give course and speed of a moving receiver', () => {
    const solution = bend();
    solution.groundSpeedMmps = 514_444;
    solution.headingE5 = 35_999_600;
    expect(text(solution, (s) => s.vtg())).to.contain('VTG,0.00,T,,M,999.999,N,1851.998,K,A*');
    solution.headingE5 = 12_345_678;
    expect(text(solution, (s) => s.rmc())).to.contain(',999.999,123.46,100117,');
  });

  it('list used satellites per system, and those in view in groups of four', () => {
    const gsa = text(bend(), (s) => s.gsa()).split('\r\n');
    expect(gsa).to.have.length(3);
    for (const line of gsa.slice(0, 2)) expect(line.split(',')).to.have.length(18);
    expect(Number(gsa[1].split(',')[3])).to.be.within(65, 88);
    const gsv = text(bend(), (s) => s.gsv()).split('\r\n');
    expect(gsv.slice(0, -1).map((line) => line.slice(0, 13))).to.deep.equal([
      '$GPGSV,2,1,08',
      '$GPGSV,2,2,08',
      '$GLGSV,2,1,06',
      '$GLGSV,2,2,06',
    ]);
    expect(gsv[3].split(',')).to.have.length(4 + 2 * 4);
  });

  it('carry the additional fields of NMEA 4.10', () => {
    const overrides: Overrides = { settings: { version: '4.10' } };
    expect(text(bend(), (s) => s.rmc(), overrides)).to.match(/,A,V\*..\r\n$/);
    expect(text(bend(), (s) => s.gsa(), overrides)).to.match(/,1\*..\r\n\$GNGSA.*,2\*..\r\n$/);
    expect(text(bend(), (s) => s.gsv(), overrides)).to.match(/^\$GPGSV(.*,0\*..\r\n)+$/);
    expect(text(bend(), (s) => s.gga(), overrides)).to.contain(',W,1,14,');
  });
});
