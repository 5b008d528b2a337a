import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CyclicSchedule } from '../../base/index.js';
import { noTerminal } from '../e2e/terminal.js';
import { RigError } from '../errors.js';
import type { RunRequest } from '../run/run-types.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { openGuest } from '../wiring/open-guest.js';
import { certifiedResult, type RunEvidence } from '../wiring/run-result.js';
import { planPair } from './pair-plan.js';
import { COMPANION_TRACE, runPair } from './run-pair.js';
import type { Side } from './section-channel.js';

const missing = noTerminal();
const title = (text: string): string => (missing === undefined ? text : `${text} (skipped: ${missing})`);
const RATE = 500;
const BLOCK = 32;
/** More than the head of a trace. */
const BEGUN_BYTES = 2_000;

function request(outDir: string, more: Partial<RunRequest> = {}): RunRequest {
  return {
    cell: {
      plan: 'pair',
      profile: 'none',
      binding: 'real',
      architecture: 'partitioned',
      frontend: 'ring',
      engine: 'interpreter',
    },
    guest: 'rt-sampler',
    bootargs: `rate=${RATE} block=${BLOCK} counters=50`,
    durationNs: 1.5e9,
    seed: 'pair',
    outDir,
    // The machine that tests is not theirs alone.
    realTime: false,
    ...more,
  };
}

describe('planPair', () => {
  const host = { cores: 4, freeMemoryBytes: 1 << 30 };
  const ask = (more: Partial<RunRequest>, cores = 4) =>
    planPair(request('', { realTime: true, ...more }), 'none', { ...host, cores });

  it('gives each vCPU a core, and real-time priority to the guest alone', () => {
    const { places, schedule, grants } = ask({});
    expect(places[0]).to.include({ core: 3, priority: 10, ioPriority: 20, lockMemory: true });
    expect(places[1]).to.deep.equal({ core: 2 });
    expect(schedule).to.equal(undefined);
    expect(grants).to.deep.equal([]);
  });

  it('divides the only core of a host in windows, and says so', () => {
    const { places, schedule, grants } = ask({}, 1);
    expect(places.map(({ core }) => core)).to.deep.equal([0, 0]);
    expect(schedule).to.be.instanceOf(CyclicSchedule);
    expect(grants.map(({ sentence }) => sentence).join()).to.match(
      /^core 0 shared in frames of 2 ms: guest from 0 to 1 ms, companion from 1 to 2 ms; guest away for 1 ms at most/,
    );
  });

  it('puts both on the last core in the windows that the request names', () => {
    const windows = [
      { owner: 'guest', offsetNs: 0, durationNs: 3e6 },
      { owner: 'companion', offsetNs: 3e6, durationNs: 1e6 },
    ] as const;
    const { places, schedule } = ask({ schedule: { periodNs: 4e6, windows } });
    expect(places.map(({ core }) => core)).to.deep.equal([3, 3]);
    expect(schedule?.longestAbsenceNs('guest')).to.equal(1e6);
  });

  it('refuses, before anything starts, a schedule that is none or forgets a guest, and memory that is not there', () => {
    const refused = (act: () => unknown): RigError => {
      try {
        act();
      } catch (error) {
        if (error instanceof RigError) return error;
      }
      return expect.fail('it was accepted');
    };
    const guest = { owner: 'guest', offsetNs: 0, durationNs: 3e6 } as const;
    const late = refused(() => ask({ schedule: { periodNs: 1e6, windows: [guest] } }));
    expect([late.code, late.message]).to.deep.equal([
      'RIG_PLAN',
      'the schedule of the run is none: the window of guest ends at 3000000 ns, behind the frame of 1000000 ns',
    ]);
    const forgotten = refused(() => ask({ schedule: { periodNs: 4e6, windows: [guest] } }));
    expect([forgotten.code, forgotten.message]).to.deep.equal([
      'RIG_ASSIGNMENT',
      'the cells cannot be started: the schedule of core 3 has no window for companion',
    ]);
    const poor = refused(() => planPair(request(''), 'none', { cores: 4, freeMemoryBytes: 1 << 20 }));
    expect(poor.message).to.contain('32 MiB of guest memory together, and 1 MiB are free');
  });
});

describe(title('a guest and its companion in two cells'), function () {
  this.timeout(120_000);
  let folder: TestFolder;
  let count = 0;
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const perform = async (
    bootargs: string,
    more: Partial<RunRequest> = {},
    started?: (side: Side, pid: number | undefined) => void,
  ) => {
    const outDir = join(folder.path, `run-${++count}`);
    mkdirSync(outDir);
    const companion = { guest: 'gp-load', bootargs: `${bootargs} report=50` };
    const asked = request(outDir, { companion, ...more });
    const evidence = await runPair(asked, companion, undefined, started);
    const result = await certifiedResult(asked, openGuest('rt-sampler'), evidence, undefined, openGuest('gp-load'));
    return { evidence, result };
  };
  /** Numbers of the blocks in the order in which they were reported. */
  const blocks = ({ guests }: Pick<RunEvidence, 'guests'>): number[] =>
    guests[0].reports.filter(({ channel }) => channel === 'blocks').map(({ fields }) => fields.sequence);
  const expectWhole = (evidence: RunEvidence, least: number): void => {
    const numbers = blocks(evidence);
    expect(numbers.length).to.be.at.least(least);
    expect(numbers).to.deep.equal(numbers.map((_, i) => i + 1));
  };
  /** Once the companion's trace shows that its guest has run. */
  const later = (act: () => void): void => {
    const trace = join(folder.path, `run-${count}`, COMPANION_TRACE);
    const look = (): void => {
      if (existsSync(trace) && statSync(trace).size > BEGUN_BYTES) setTimeout(act, 300);
      else setTimeout(look, 20);
    };
    look();
  };

  it('exchanges blocks without an exit, and both are run again to the same output', async () => {
    const { evidence, result } = await perform('mode=load');
    expectWhole(evidence, 4);
    expect(result.guests.map(({ name }) => name)).to.deep.equal(['guest', 'companion']);
    const counters = result.guests[1].reports.at(-1)?.fields;
    expect(counters?.good).to.be.greaterThan(1);
    // A host that stops the sampler for long makes it write into a block that it is still sending, which it counts.
    const own = result.guests[0].reports.findLast(({ channel }) => channel === 'counters')?.fields;
    expect(counters?.bad).to.be.at.most(own?.overruns ?? 0);
    expect(result.guests[0].exits.byReason).not.to.have.property('mmio-write shared-memory');
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
    expect(result.companion?.trace?.path).to.match(/trace\.companion\.pcapng$/);
    expect(result.companion).not.to.have.property('lost');
  });

  it('goes on, and loses nothing, when the companion spins, floods, crashes or ends', async () => {
    for (const mode of ['mode=spin', 'mode=flood', 'mode=crash seed=5', 'mode=crash seed=12 within=2']) {
      const { evidence, result } = await perform(mode);
      expectWhole(evidence, 2);
      expect(evidence.stop.kind, mode).to.equal('duration');
      expect(result.certification.certified, `${mode}: ${result.certification.sentence}`).to.equal(true);
    }
  });

  it('goes on when the process of the companion is killed, and says so', async () => {
    const { evidence, result } = await perform('mode=load', { durationNs: 2.5e9 }, (side, pid) => {
      if (side === 1) later(() => process.kill(pid ?? 0, 'SIGKILL'));
    });
    expectWhole(evidence, 4);
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
    expect(result.guests).to.have.length(1);
    expect(result.companion?.lost).to.match(/^the cell of gp-load was lost: /);
    expect(result.companion?.trace?.bytes).to.be.greaterThan(0);
  });

  it('goes on while the process of the companion is stopped, which then has nothing to take from it', async () => {
    const { evidence, result } = await perform('mode=flood', { durationNs: 2.5e9 }, (side, pid) => {
      if (side === 1) later(() => process.kill(pid ?? 0, 'SIGSTOP'));
    });
    expectWhole(evidence, 4);
    expect(evidence.stop.kind).to.equal('duration');
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
  });

  it('is an error when the process of the guest itself is killed', async () => {
    let error: unknown;
    try {
      await perform('mode=load', {}, (side, pid) => {
        if (side === 0) later(() => process.kill(pid ?? 0, 'SIGKILL'));
      });
    } catch (thrown) {
      error = thrown;
    }
    expect((error as RigError).code).to.equal('RIG_CELL_LOST');
    expect((error as RigError).message).to.contain('rt-sampler');
  });

  it('shares one core in windows, which costs latency and no sample', async () => {
    const windows = [
      { owner: 'guest', offsetNs: 0, durationNs: 1e6 },
      { owner: 'companion', offsetNs: 1e6, durationNs: 1e6 },
    ] as const;
    const { evidence, result } = await perform('mode=load', {
      bootargs: `rate=100 block=8 counters=50`,
      schedule: { periodNs: 2e6, windows },
    });
    expectWhole(evidence, 2);
    expect(result.certification.certified, result.certification.sentence).to.equal(true);
    expect(result.placement?.grants[0].sentence).to.contain('shared in frames of 2 ms');
  });
});
