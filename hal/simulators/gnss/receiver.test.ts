import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { HalError } from '../../errors.js';
import type { GnssParameters } from './parameters.js';
import { ReceiverBench } from './receiver-bench.js';

const START_MS = Date.UTC(2026, 0, 1);
const QUIET: GnssParameters = { nmea: { sentences: ['GGA', 'RMC'] }, latencyMs: 60 };

describe('GNSS receiver', () => {
  it('sends GGA and RMC once a second, a latency after the epoch', () => {
    const bench = new ReceiverBench(QUIET).runMs(3000);
    expect(bench.lines().map((line) => line.slice(0, 16))).to.deep.equal([
      '$GPRMC,000000.00',
      '$GPGGA,000000.00',
      '$GPRMC,000001.00',
      '$GPGGA,000001.00',
      '$GPRMC,000002.00',
      '$GPGGA,000002.00',
    ]);
    const first = bench.receiver.truth.map((epoch) => bench.arrivedNs[epoch.byteStart]);
    const byteNs = Math.floor(10e9 / 9600);
    expect(first).to.deep.equal([0, 1, 2].map((second) => second * 1e9 + 60_000_000 + byteNs));
  });

  for (const rateHz of [1, 5, 10] as const) {
    it(`keeps ${rateHz} Hz exactly, in time stamps and on the clock`, () => {
      const bench = new ReceiverBench({ ...QUIET, rateHz, baudRate: 115_200 }).runMs(10_000);
      const { truth } = bench.receiver;
      expect(truth).to.have.length(10 * rateHz);
      truth.forEach((epoch, index) => {
        expect(epoch.index).to.equal(index);
        expect(epoch.utcMs).to.equal(START_MS + (index * 1000) / rateHz);
        expect(epoch.eventNs).to.equal((index * 1e9) / rateHz);
        expect(epoch.outputNs).to.equal(epoch.eventNs + 60_000_000);
      });
    });
  }

  it('shows the error of its sample clock in its epochs and that of its UART in its bits', () => {
    const bench = new ReceiverBench({ ...QUIET, clockPpm: 100, uartPpm: 1000 }).runMs(11_000);
    const { truth } = bench.receiver;
    expect(truth[10].eventNs).to.equal(9_999_000_100);
    const { byteStart, byteEnd } = truth[0];
    const spanNs = bench.arrivedNs[byteEnd - 1] - bench.arrivedNs[byteStart];
    expect(spanNs).to.be.closeTo(((byteEnd - byteStart - 1) * 10e9) / 9609.6, 2);
  });

  it('draws its latency between its bounds', () => {
    const bench = new ReceiverBench({ ...QUIET, rateHz: 10, baudRate: 115_200, latencyMs: 20, latencyJitterMs: 8 });
    bench.runMs(20_000);
    const latencies = bench.receiver.truth.map((epoch) => epoch.outputNs - epoch.eventNs);
    expect(Math.min(...latencies)).to.be.within(20e6, 20.5e6);
    expect(Math.max(...latencies)).to.be.within(27.5e6, 28e6);
  });

  it('tells the byte range of every epoch and the end of every message', () => {
    const bench = new ReceiverBench({ ...QUIET, ubx: { messages: ['NAV-PVT'] } }).runMs(5000);
    for (const epoch of bench.receiver.truth) {
      const [rmc, gga, pvt] = epoch.messages;
      const text = bench.text().slice(epoch.byteStart, epoch.byteEnd);
      expect(text.slice(0, rmc.byteEnd - epoch.byteStart)).to.match(/^\$GPRMC,[^$]*\r\n$/);
      expect(text.slice(rmc.byteEnd - epoch.byteStart, gga.byteEnd - epoch.byteStart)).to.match(/^\$GPGGA,[^$]*\r\n$/);
      expect(pvt).to.deep.equal({ name: 'NAV-PVT', byteEnd: epoch.byteEnd });
      expect(pvt.byteEnd - gga.byteEnd).to.equal(100);
    }
  });

  it('sends the position that its truth states, noise included', () => {
    const bench = new ReceiverBench({ ...QUIET, noiseM: 5, nmea: { sentences: ['GGA'], minuteDigits: 7 } }).runMs(
      60_000,
    );
    let squares = 0;
    bench.lines().forEach((line, index) => {
      const [, , lat, north, lon] = line.split(',');
      const epoch = bench.receiver.truth[index];
      expect(north).to.equal('N');
      expect(Number(lat.slice(0, 2)) * 1e9 + Math.round((Number(lat.slice(2)) * 1e9) / 60)).to.be.closeTo(
        epoch.latE9,
        2,
      );
      expect(Number(lon.slice(0, 3)) * 1e9 + Math.round((Number(lon.slice(3)) * 1e9) / 60)).to.be.closeTo(
        epoch.lonE9,
        2,
      );
      expect(epoch.trueLatE9).to.equal(52_516_300_000);
      squares += ((epoch.latE9 - epoch.trueLatE9) / 1e9 / 9e-6) ** 2;
    });
    expect(Math.sqrt(squares / 60)).to.be.within(3.5, 6.5);
  });

  it('sends void sentences until the first fix, and again in an outage with the time kept', () => {
    const outages = [{ fromMs: 4000, durationMs: 2000 }];
    const bench = new ReceiverBench({ ...QUIET, timeToFirstFixMs: 2000, outages }).runMs(7000);
    const rmc = bench.lines().filter((line) => line.includes('RMC'));
    expect(rmc.slice(0, 2)).to.deep.equal(['$GPRMC,,V,,,,,,,,,,N*53', '$GPRMC,,V,,,,,,,,,,N*53']);
    expect(rmc.map((line) => /,([AV]),/.exec(line)?.[1]).join('')).to.equal('VVAAVVA');
    expect(rmc[4]).to.match(/^\$GPRMC,000004\.00,V,,,,,,,010126,,,N\*/);
    expect(bench.receiver.truth.map((epoch) => epoch.valid)).to.deep.equal([
      false,
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('says nothing in a silent outage', () => {
    const outages = [{ fromMs: 1000, durationMs: 3000, kind: 'silent' as const }];
    const bench = new ReceiverBench({ ...QUIET, outages }).runMs(6000);
    expect(bench.lines()).to.have.length(6);
    expect(bench.receiver.truth[2]).to.include({
      valid: false,
      dropped: false,
      byteStart: bench.receiver.truth[1].byteEnd,
    });
    expect(bench.receiver.truth[2].messages).to.deep.equal([]);
  });

  it('gives the same bytes at the same times for the same seed, and others for another', () => {
    const parameters: GnssParameters = { noiseM: 3, latencyJitterMs: 20, constellation: { gps: 8, glonass: 6 } };
    const outcome = (seed: number): string => {
      const bench = new ReceiverBench(parameters, seed).runMs(20_000);
      return `${bench.hex()} ${bench.arrivedNs.join()}`;
    };
    expect(outcome(7)).to.equal(outcome(7));
    expect(outcome(7)).to.not.equal(outcome(8));
  });

  it('has these very bytes on every machine', () => {
    const bench = new ReceiverBench({
      baudRate: 115_200,
      nmea: { version: '4.10', minuteDigits: 7, sentences: ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL', 'ZDA'] },
      ubx: { messages: ['NAV-POSLLH', 'NAV-SOL', 'NAV-PVT', 'NAV-TIMEUTC', 'NAV-SAT'] },
      route: { kind: 'circle', latDeg: 63.2, lonDeg: -20.1, radiusM: 4000, speedMps: 31.4 },
      constellation: { gps: 9, glonass: 7, galileo: 6, beidou: 5 },
      noiseM: 2.5,
      latencyJitterMs: 30,
      clockPpm: 1.7,
    }).runMs(120_000);
    const digest = createHash('sha256')
      .update(Uint8Array.from(bench.bytes))
      .update(bench.arrivedNs.join())
      .digest('hex');
    expect(digest).to.equal('82659c6e074f8d8578f307138e0e39b6a97a69305472538391aa8940faa54aa9');
  });

  it('begins when it is attached and stops with its port', () => {
    const bench = new ReceiverBench(QUIET).runMs(1500);
    const heard: number[] = [];
    const remove = bench.receiver.onEpoch((epoch) => heard.push(epoch.index));
    bench.runMs(1000);
    remove();
    bench.runMs(1000);
    expect(heard).to.deep.equal([2]);
    bench.port.close();
    expect(bench.clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    const sent = bench.bytes.length;
    bench.runMs(5000);
    expect(bench.bytes).to.have.length(sent);
  });

  it('refuses a line too slow for its messages and names the cure', () => {
    expect(() => new ReceiverBench({ rateHz: 5, constellation: { gps: 10, glonass: 8 } })).to.throw(
      HalError,
      /^at 9600 baud an epoch of \d{3} bytes takes 0\.\d\d s, but one begins every 0\.20 s; use at least 38400 baud or fewer sentences$/,
    );
  });

  it('never sends an epoch longer than the one it was checked for', () => {
    const all: GnssParameters = {
      baudRate: 115_200,
      nmea: { version: '4.10', sentences: ['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL', 'ZDA'] },
      ubx: { messages: ['NAV-POSLLH', 'NAV-SOL', 'NAV-PVT', 'NAV-TIMEUTC', 'NAV-SAT'] },
      constellation: { gps: 20, glonass: 20, galileo: 20, beidou: 20 },
    };
    expect(() => new ReceiverBench({ ...all, rateHz: 10, latencyMs: 10 })).to.throw(/an epoch of (\d+) bytes/);
    let longest = 0;
    try {
      new ReceiverBench({ ...all, rateHz: 10, latencyMs: 10 });
    } catch (error) {
      longest = Number(/of (\d+) bytes/.exec(String(error))?.[1]);
    }
    const bench = new ReceiverBench({ ...all, noiseM: 10 }).runMs(20_000);
    const sent = bench.receiver.truth.map((epoch) => epoch.byteEnd - epoch.byteStart);
    expect(Math.max(...sent)).to.be.within(longest * 0.8, longest);
  });

  it('names the field of a parameter that does not fit', () => {
    const refuse = (parameters: unknown): (() => void) => {
      return () => new ReceiverBench(parameters as GnssParameters);
    };
    expect(refuse({ rateHz: 3 })).to.throw('gnss-receiver: rateHz: expected 1 or 5 or 10, found 3');
    expect(refuse({ rateHz: 10, baudRate: 115_200, latencyMs: 90, latencyJitterMs: 10 })).to.throw('latencyMs');
    expect(refuse({ constellation: { gps: 3 } })).to.throw('constellation: expected at least 4 satellites');
    expect(refuse({ constellation: { galileo: 3 }, nmea: {} })).to.throw('nmea.version: expected "4.10"');
    expect(refuse({ startUtc: '2026-01-01' })).to.throw('startUtc: expected a UTC time like');
    expect(refuse({ startUtc: '2026-13-41T00:00:00Z' })).to.throw('startUtc: expected a time');
    expect(refuse({ nmea: { sentences: [] } })).to.throw('nmea.sentences: expected at least one');
  });
});
