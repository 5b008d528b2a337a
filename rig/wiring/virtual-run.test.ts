import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LINK_TYPE, openTrace } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { findRecording } from '../paths.js';
import type { Architecture, Frontend, RunRequest, RunResult } from '../run/run-types.js';
import { createExecutor } from './executor.js';

describe('a run in virtual time, put together', function () {
  this.timeout(60_000);
  let outDir = '';

  beforeEach(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-run-'));
  });

  afterEach(() => rmSync(outDir, { recursive: true, force: true }));

  const run = (architecture: Architecture, frontend: Frontend, more: Partial<RunRequest> = {}): Promise<RunResult> =>
    createExecutor().execute({
      cell: { plan: 'test', profile: 'gnss-nmea-1hz', binding: 'sim', architecture, frontend, engine: 'interpreter' },
      guest: 'gnss-logger',
      durationNs: 6e9,
      seed: 'test',
      outDir,
      ...more,
    });

  it('ties each fix in the trace to the packet with its last character', async () => {
    const result = await run('hosted', 'emulated');
    const trace = openTrace(result.trace.path);
    const serial = trace.interfaces.find((described) => described.linkType === LINK_TYPE.rtacSerial)?.index;
    const reports = trace.interfaces.find((described) => described.name === 'reports guest')?.index;
    const serialEnds = new Map<number, number>();
    const fixes: { id: number; atNs: number }[] = [];
    for (const { interfaceIndex, packetId, timeNs } of trace.packets()) {
      if (interfaceIndex === serial) serialEnds.set(packetId, timeNs);
      if (interfaceIndex === reports && serialEnds.has(packetId)) fixes.push({ id: packetId, atNs: timeNs });
    }
    const caused = result.guests[0].reports.filter((report) => report.causeNs !== undefined);
    expect(caused.length).to.be.greaterThan(5);
    expect(fixes.map(({ atNs }) => atNs)).to.deep.equal(caused.map((report) => report.reportedAtNs));
    caused.forEach((report, i) => {
      expect(serialEnds.get(fixes[i].id)).to.be.at.least(report.causeNs ?? Number.NaN);
    });
  });

  it('refuses a second claim on a partitioned device and starts nothing', async () => {
    let caught: unknown;
    try {
      await run('partitioned', 'ring', { guests: 2 });
    } catch (error) {
      caught = error;
    }
    expect(caught).to.be.instanceOf(RigError);
    expect((caught as RigError).code).to.equal('RIG_DEVICE_CLAIMED');
    expect(readdirSync(outDir)).to.have.length(0);
  });

  it('has no exit on the data path when partitioned, and counts them when hosted', async () => {
    const partitioned = await run('partitioned', 'ring');
    expect(partitioned.guests[0].exits.dataPath).to.equal(0);
    expect(partitioned.guests[0].reports.length).to.be.greaterThan(5);
    for (const frontend of ['emulated', 'paravirtual'] as const) {
      const hosted = await run('hosted', frontend);
      expect(hosted.guests[0].exits.dataPath).to.be.greaterThan(hosted.wire.received);
    }
  });

  it('causes no exit at all in the steady state when partitioned', async () => {
    const exits = (result: RunResult) =>
      Object.values(result.guests[0].exits.byReason).reduce((sum, count) => sum + count, 0);
    const short = await run('partitioned', 'ring', { durationNs: 6e9 });
    const long = await run('partitioned', 'ring', { durationNs: 30e9 });
    expect(long.wire.received).to.be.greaterThan(2 * short.wire.received);
    expect(exits(long)).to.equal(exits(short));
  });

  it('stops a guest at its limit of instructions and says so', async () => {
    const result = await run('hosted', 'emulated', { guest: 'spin', limits: { instructions: 1_000_000 } });
    expect(result.stop.kind).to.equal('limit');
    expect(result.stop.limit).to.equal('instructions');
    expect(result.guests[0].instret).to.equal(1_000_000);
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
  });

  it('stops a run at its limit of host time and keeps the evidence', async () => {
    const result = await run('hosted', 'emulated', { guest: 'spin', durationNs: 3600e9, limits: { wallMs: 300 } });
    expect(result.stop.kind).to.equal('limit');
    expect(result.stop.limit).to.equal('wall');
    expect(openTrace(result.trace.path).info().truncatedAt).to.equal(undefined);
  });

  it('ends with the guest that ends', async () => {
    const result = await run('hosted', 'emulated', { guest: 'hello' });
    expect(result.stop).to.include({ kind: 'guest-finished', code: 0 });
    expect(result.guests[0].console).to.contain('hello');
  });

  it('is stopped by its signal, and what was recorded is whole', async () => {
    const stop = new AbortController();
    const result = await run('hosted', 'emulated', {
      durationNs: 3600e9,
      abort: stop.signal,
      progress: () => stop.abort(),
    });
    expect(result.stop.kind).to.equal('aborted');
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
  });

  it('refuses a recording of another device and names the right profile', async () => {
    const cell = {
      plan: 'test',
      profile: 'gnss-ubx-5hz',
      binding: 'replay',
      architecture: 'hosted',
      frontend: 'emulated',
      engine: 'interpreter',
    } as const;
    let caught: unknown;
    try {
      await run('hosted', 'emulated', { cell, replayPath: findRecording('gnss-nmea-1hz.pcapng') });
    } catch (error) {
      caught = error;
    }
    expect(caught).to.be.instanceOf(RigError);
    expect((caught as RigError).code).to.equal('RIG_USAGE');
    expect((caught as RigError).message)
      .to.contain('gnss-nmea-1hz')
      .and.to.contain('gnss-ubx-5hz');
  });

  for (const guests of [0, -1, 1.5, 1000])
    it(`refuses ${guests} guests`, async () => {
      let caught: unknown;
      try {
        await run('hosted', 'emulated', { guests });
      } catch (error) {
        caught = error;
      }
      expect((caught as RigError).code).to.equal('RIG_PLAN');
    });

  it('stamps the truth by what the device sent, whatever faults made of it', async () => {
    const clean = await run('hosted', 'emulated');
    const damaged = await run('hosted', 'emulated', { faults: { receive: { drop: 0.05 } } });
    expect(damaged.wire.received).to.be.below(clean.wire.received);
    const stamps = (result: RunResult) => result.truth?.map((epoch) => epoch.sentNs);
    expect(stamps(clean)?.filter((ns) => ns !== undefined)).to.have.length.of.at.least(5);
    expect(stamps(damaged)).to.deep.equal(stamps(clean));
  });

  it('reports the loss of the device with its cause', async () => {
    const result = await run('hosted', 'emulated', { faults: { events: [{ kind: 'unplug', atNs: 2e9 }] } });
    expect(result.stop.kind).to.equal('device-lost');
    expect(result.wire.faults.unplug).to.equal(1);
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
  });
});
