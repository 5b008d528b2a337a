/** Runs a guest beside a companion in wall time through the real command, and replays what it wrote. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, rig } from './rig-process.js';
import { noTerminal } from './terminal.js';

const missing = noTerminal();
const title = (text: string): string => (missing === undefined ? text : `${text} (skipped: ${missing})`);

describe(title('a guest beside a companion in wall time'), function () {
  this.timeout(120_000);
  let folder: TestFolder;
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const run = (architecture: string, checks: string) => {
    const options = `{ profile: 'none', guest: 'rt-sampler', seed: 'beside', bindings: ['real'] }`;
    const asked = `{ for: '1.5 s', bootargs: 'rate=500 block=32 counters=50', interrupts: ['timer'],
        companion: { guest: 'gp-load', bootargs: 'mode=load report=50' } }`;
    const plan = folder.plan(
      'beside.plan.ts',
      `plan('Beside', ${options}, (rig) => {
         it('runs', async () => { const run = await rig.run(${asked}); ${checks} });
       });`,
    );
    const out = join(folder.path, 'out');
    return rig(['run', plan, '--binding', 'real', '--architecture', architecture, '--no-real-time', '-o', out]);
  };
  const runs = () => JSON.parse(readFileSync(join(folder.path, 'out', 'run.json'), 'utf8')).cells[0].runs;
  const runFolder = (slug: string): string =>
    join(folder.path, 'out', 'runs', `beside_none_real_${slug}_interpreter`, 'run-1');
  const replays = async (trace: string): Promise<void> => {
    const { out, code } = await rig(['replay', trace, '-o', join(folder.path, 'replay')]);
    expect(out, trace).to.match(/^certified: run again from \d{3,} journal entries: same output, memory/);
    expect(code).to.equal(EXIT.pass);
  };
  const CHECKS = `
    expect(run).to.be.certified;
    expect(run.channel('blocks').count).to.be.greaterThan(2);
    expect(run.guest(1).counter('good')).to.be.greaterThan(0);
    expect(run.guest(1).counter('bad')).to.be.at.most(run.counter('overruns'));
    expect(run.interrupt('timer').latency.count).to.be.greaterThan(50);`;

  it('needs no port, is certified, and is replayed from one trace when hosted', async () => {
    const { out, code } = await run('hosted', CHECKS);
    expect(out).to.contain('PASS: 1 PASS');
    expect(code).to.equal(EXIT.pass);
    const [summary] = runs();
    expect(summary).to.include({ clockDomain: 'wall', pacing: 'physical' });
    expect(summary.guests.map(({ name }: { name: string }) => name)).to.deep.equal(['guest', 'companion']);
    expect(summary.guests[0].exits.byReason['mmio-write shared-memory']).to.be.greaterThan(2);
    expect(summary.guests[0].interrupts[0].bound.ns).to.be.greaterThan(1000);
    await replays(join(runFolder('hosted_emulated'), 'trace.pcapng'));
  });

  it('rings without an exit, is certified, and is replayed from two traces when partitioned', async () => {
    const { out, code } = await run('partitioned', CHECKS);
    expect(out).to.contain('PASS: 1 PASS');
    expect(code).to.equal(EXIT.pass);
    const [summary] = runs();
    expect(summary.guests.map(({ name }: { name: string }) => name)).to.deep.equal(['guest', 'companion']);
    expect(summary.guests[0].exits.byReason).not.to.have.property('mmio-write shared-memory');
    expect(summary.companion.trace.file).to.equal('trace.companion.pcapng');
    for (const trace of ['trace.pcapng', 'trace.companion.pcapng'])
      await replays(join(runFolder('partitioned_ring'), trace));
  });

  it('decides nothing about a bound that is computed for virtual time', async () => {
    const { out, code } = await run('hosted', `expect(run.interrupt('timer').latency).to.stayWithin.bound;`);
    expect(out).to.contain('INCONCLUSIVE: 1 INCONCLUSIVE');
    expect(out).to.contain('the bound is that of virtual time');
    expect(code).to.equal(EXIT.pass);
  });
});
