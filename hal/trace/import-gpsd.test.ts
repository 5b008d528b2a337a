import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { importGpsdLog } from './import-gpsd.js';
import { exportTrace } from './trace-export.js';
import { traceInfo } from './trace-file.js';
import { MemorySink } from './trace-sink.js';

const LOGS = join(process.env.RIGVISOR_TRACES ?? join(process.cwd(), '..', 'shared', 'traces'), 'gps');

/** Header and cookies taken off independently of the importer: by line, as latin1 text. */
function expectedPayload(bytes: Buffer): Buffer {
  let text = bytes.toString('latin1');
  const cookie = /^# Delay-Cookie: (\S)/m.exec(text)?.[1];
  while (text.startsWith('#')) text = text.slice(text.indexOf('\n') + 1);
  return Buffer.from(cookie === undefined ? text : text.replaceAll(cookie, ''), 'latin1');
}

function sentence(body: string): string {
  let sum = 0;
  for (const character of body) sum ^= character.charCodeAt(0);
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}

describe('gpsd log import', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-gpsd-'));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function importText(
    text: string | Buffer,
    options = {},
  ): { result: ReturnType<typeof importGpsdLog>; rows: string[][] } {
    const log = join(folder, 'made.log');
    const trace = join(folder, 'made.pcapng');
    writeFileSync(log, text, 'latin1');
    const result = importGpsdLog(log, trace, options);
    const sink = new MemorySink();
    exportTrace(trace, { format: 'csv', to: sink });
    const rows = new TextDecoder().decode(sink.bytes()).trim().split('\n').slice(1);
    return { result, rows: rows.map((row) => row.split(',')) };
  }

  it('keeps every byte of every recorded log, in order of time, within the load of its line', function () {
    if (!existsSync(LOGS)) {
      console.log(`      skipped: no recorded logs at ${LOGS}`);
      this.skip();
    }
    const names = readdirSync(LOGS).filter((name) => name.endsWith('.log'));
    expect(names).to.have.length.greaterThan(0);
    const sources = new Map<string, string | undefined>();
    for (const name of names) {
      const trace = join(folder, `${name}.pcapng`);
      const result = importGpsdLog(join(LOGS, name), trace);
      const sink = new MemorySink();
      exportTrace(trace, { format: 'bytes', to: sink });
      const expected = expectedPayload(readFileSync(join(LOGS, name)));
      expect(Buffer.from(sink.bytes()).equals(expected), name).to.equal(true);
      const info = traceInfo(trace);
      expect(info.outOfOrder, name).to.equal(0);
      expect(info.interfaces[0].lastNs, name).to.equal(result.durationNs);
      expect(result.durationNs, name).to.be.at.least(Math.floor((expected.length * 1e10) / result.baudRate));
      sources.set(name, result.timeSource);
    }
    for (const [name, source] of sources)
      if (/ublox-(neo|zed)/.test(name)) expect(source, name).to.equal('ubx');
      else if (/ublox-8|sirfstarv|mtk|fuzzy|torture/.test(name)) expect(source, name).to.equal('nmea');
      else expect(source, name).to.equal(undefined);
  });

  it('starts every epoch at its time relative to the first, its characters back to back', () => {
    const text = `# Name: made\n${sentence('GPGGA,120000.000,,')}${sentence('GPVTG,,')}${sentence('GPGGA,120000.200,,')}`;
    const { result, rows } = importText(text, { baudRate: 9600, leadInNs: 0 });
    expect(result).to.include({ baudRate: 9600, timeSource: 'nmea', epochs: 2, discontinuities: 0 });
    const first = sentence('GPGGA,120000.000,,').length + sentence('GPVTG,,').length;
    expect(rows.map((row) => Number(row[0]))).to.deep.equal([
      Math.floor((first * 1e10) / 9600),
      200_000_000 + Math.floor(((result.bytes - first) * 1e10) / 9600),
    ]);
  });

  it('goes over midnight, lets a straggler pass and follows a clock that was set back', () => {
    const at = (time: string): string => sentence(`GPRMC,${time},A`);
    const night = importText(at('235959.00') + at('000000.00') + at('000001.00'));
    expect(night.result).to.include({ epochs: 3, discontinuities: 0 });
    expect(night.result.durationNs).to.be.within(2_100_000_000, 2_200_000_000);
    const straggler = importText(at('100000') + at('100001') + at('100000') + at('100001') + at('100002'));
    expect(straggler.result).to.include({ epochs: 3, discontinuities: 0 });
    const setBack = importText(at('100000') + at('100001') + at('090000') + at('090001') + at('090002'));
    expect(setBack.result.discontinuities).to.equal(1);
    expect(setBack.result.durationNs).to.be.within(3_000_000_000, 3_300_000_000);
  });

  it('ignores times of damaged sentences', () => {
    const damaged = sentence('GPRMC,100500,A').replace('A*', 'V*');
    const { result } = importText(sentence('GPRMC,100000,A') + damaged + sentence('GPRMC,100001,A'));
    expect(result).to.include({ epochs: 2, discontinuities: 0 });
    expect(result.durationNs).to.be.lessThan(2_000_000_000);
  });

  it('takes a cookie out and waits its delay', () => {
    const { result, rows } = importText('# Delay-Cookie: | 0.5\nab|cd||e', { baudRate: 10_000, leadInNs: 0 });
    expect(result.cookies).to.equal(3);
    expect(rows.map((row) => [Number(row[0]), row[5]])).to.deep.equal([
      [2_000_000, '6162'],
      [504_000_000, '6364'],
      [1_505_000_000, '65'],
    ]);
  });

  it('takes only leading # lines for the header, and its Serial line for the baud rate', () => {
    const { result, rows } = importText('# Serial: 19200 8N1\r\n#x\n\x01#\n# not a header\n', { leadInNs: 0 });
    expect(result.header).to.deep.equal(['Serial: 19200 8N1', 'x']);
    expect(result.baudRate).to.equal(19_200);
    expect(Buffer.from(rows[0][5], 'hex').toString('latin1')).to.equal('\x01#\n# not a header\n');
  });

  it('takes an empty log', () => {
    const { result, rows } = importText('# Name: nothing\n');
    expect(result.bytes).to.equal(0);
    expect(rows).to.deep.equal([]);
  });

  it('chooses the lowest usual rate that carries the load', () => {
    const second = (time: string): string => sentence(`GPGGA,${time},${'x'.repeat(200)}`) + 'y'.repeat(650);
    expect(importText(second('100000') + second('100001')).result.baudRate).to.equal(9600);
    expect(importText(second('100000.0') + second('100000.1')).result.baudRate).to.equal(115_200);
  });
});
