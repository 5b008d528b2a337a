import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { PACKAGE_ROOT } from '../paths.js';
import type { Frontend, GuestReport, RunResult } from '../run/run-types.js';
import { createExecutor } from '../wiring/index.js';
import { compareWithGpsd, readTpvs } from './gpsd-truth.js';

const LOGS = join(process.env.RIGVISOR_TRACES ?? resolve(PACKAGE_ROOT, '..', 'shared', 'traces'), 'gps');

type Rule = 'M1' | 'M2' | 'M3' | 'M4' | 'M5' | 'M6';

interface Expected {
  readonly log: string;
  readonly fixes: number;
  /** What may break a rule; the reasons stand in docs/gnss-conformance.md. */
  readonly exceptions?: Partial<Record<Rule, readonly string[]>>;
  readonly counters: Readonly<Record<string, number>>;
  readonly rolledOver?: boolean;
}

const EXPECTED: readonly Expected[] = [
  {
    log: 'mtk-3301',
    fixes: 8,
    exceptions: { M1: ['1219479276000'], M4: ['52.216316550,6.884965100'], M6: ['1219479276000', '1219479279000'] },
    counters: { bytes: 4905, nmeaOk: 56, nmeaMalformed: 3, resyncs: 0, unknownMessages: 23 },
  },
  { log: 'nmea-fuzzy-cases', fixes: 28, counters: { bytes: 2496, nmeaOk: 28, nmeaMalformed: 0, resyncs: 0 } },
  { log: 'sirfstarv-nmea', fixes: 177, counters: { bytes: 24263, nmeaOk: 367, nmeaMalformed: 0, resyncs: 0 } },
  { log: 'tcp-torture', fixes: 2, rolledOver: true, counters: { bytes: 451, nmeaOk: 7, resyncs: 1, skippedBytes: 27 } },
  {
    log: 'ublox-8',
    fixes: 216,
    counters: { bytes: 58832, nmeaOk: 1008, nmeaMalformed: 1, resyncs: 1, skippedBytes: 144 },
  },
  {
    log: 'ublox-neo-m8n',
    fixes: 24,
    exceptions: {
      M1: ['1500454200800', '1500454205400'],
      M5: ['1500454200800', '1500454205400'],
      M6: ['1500454200800', '1500454205400'],
    },
    counters: { bytes: 4738, ubxOk: 52, ubxChecksumErrors: 0, resyncs: 1, skippedBytes: 3 },
  },
  {
    log: 'ublox-neo-m8t',
    fixes: 39,
    exceptions: { M2: ['1540500946000'] },
    counters: { bytes: 25904, ubxOk: 242, ubxChecksumErrors: 0, resyncs: 0 },
  },
  {
    log: 'ublox-zed-f9p-rtk',
    fixes: 10,
    exceptions: { M1: ['1665486264000'], M5: ['1665486264000'], M6: ['1665486264000'] },
    counters: { bytes: 8821, ubxOk: 70, ubxChecksumErrors: 0, resyncs: 1, skippedBytes: 1 },
  },
];

/** Protocols the guest does not read: errors are counted, no fix is invented, nothing crashes. */
const FOREIGN: readonly Pick<Expected, 'log' | 'counters'>[] = [
  {
    log: 'bu303-moving',
    counters: { bytes: 4870, nmeaOk: 0, ubxOk: 0, nmeaMalformed: 51, resyncs: 16, skippedBytes: 4777 },
  },
  {
    log: 'garmin18x-bin',
    counters: { bytes: 4711, nmeaOk: 0, ubxOk: 0, nmeaMalformed: 5, resyncs: 6, skippedBytes: 4701 },
  },
];

const FRONTENDS: readonly Frontend[] = ['emulated', 'paravirtual', 'ring'];

describe(`gnss-logger against gpsd${existsSync(LOGS) ? '' : ` (pending: no recordings in ${LOGS}; set RIGVISOR_TRACES)`}`, function () {
  this.timeout(60_000);
  let outDir = '';

  before(function () {
    if (!existsSync(LOGS)) this.skip();
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-gps-'));
  });

  after(() => {
    if (outDir !== '') rmSync(outDir, { recursive: true, force: true });
  });

  const play = (log: string, frontend: Frontend): Promise<RunResult> =>
    createExecutor().execute({
      cell: {
        plan: 'conformance',
        profile: 'gnss-nmea-1hz',
        binding: 'replay',
        architecture: frontend === 'ring' ? 'partitioned' : 'hosted',
        frontend,
        engine: 'interpreter',
      },
      guest: 'gnss-logger',
      durationNs: 7 * 86_400e9,
      seed: log,
      outDir,
      replayPath: join(LOGS, `${log}.log`),
    });

  const lastCounters = (run: RunResult): GuestReport['fields'] | undefined =>
    run.guests[0].reports.filter((report) => report.channel === 'counters').at(-1)?.fields;

  for (const { log, fixes, exceptions = {}, counters, rolledOver = false } of EXPECTED) {
    it(`${log}: every fix and every TPV agree but for the listed exceptions`, async () => {
      const run = await play(log, 'emulated');
      expect(run.certification.certified, run.certification.sentence).to.equal(true);
      expect(run.stop.kind).to.equal('trace-ended');
      const found = compareWithGpsd(run.guests[0].reports, readTpvs(join(LOGS, `${log}.log.chk`), rolledOver));
      expect(found.fixes).to.equal(fixes);
      expect(found.worstDeg).to.be.at.most(1e-7);
      expect(found.broken).to.deep.equal({ M1: [], M2: [], M3: [], M4: [], M5: [], M6: [], ...exceptions });
      expect(lastCounters(run)).to.include(counters);
    });

    it(`${log}: reports the same fixes through every frontend`, async () => {
      const told = [];
      for (const frontend of FRONTENDS) {
        const run = await play(log, frontend);
        expect(run.certification.certified, run.certification.sentence).to.equal(true);
        told.push(run.guests[0].reports.filter((report) => report.channel === 'fix').map((report) => report.fields));
      }
      expect(told[0]).to.have.length(fixes);
      expect(told[1]).to.deep.equal(told[0]);
      expect(told[2]).to.deep.equal(told[0]);
    });
  }

  for (const { log, counters } of FOREIGN) {
    it(`${log}: counts what it cannot read, reports no fix and goes on`, async () => {
      const run = await play(log, 'emulated');
      expect(run.certification.certified, run.certification.sentence).to.equal(true);
      expect(run.guests[0].reports.filter((report) => report.channel === 'fix')).to.have.length(0);
      expect(lastCounters(run)).to.include(counters);
    });
  }
});
