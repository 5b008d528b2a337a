/** Runs a plan in wall time on a real port, stops it, takes its device away: all through the real command. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { sleepMs } from '../wiring/host-time.js';
import { hasRecorded, recordedCharacters, recordedNotes } from './recorded.js';
import { endAll, isAlive, type RigProcess, rig, startRig, waitUntil } from './rig-process.js';
import { noTerminal, simulatedStream, startTerminal, type Terminal } from './terminal.js';

const missing = noTerminal();
const title = (text: string): string => (missing === undefined ? text : `${text} (skipped: ${missing})`);
const PROFILE = 'gnss-nmea-10hz';
const CELL = 'wall_gnss-nmea-10hz_real_hosted_emulated_interpreter';

describe(title('a run on a real port'), function () {
  this.timeout(180_000);
  let folder: TestFolder;
  let terminal: Terminal;
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(async () => {
    folder = testFolder();
    terminal = await startTerminal(folder.path, PROFILE);
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const run = (length: string, checks = '', architecture = 'hosted'): string[] => [
    ...['run', planInTypeScript(folder, length, checks), '--binding', 'real', '--port', terminal.path],
    ...['--architecture', architecture, '-o', join(folder.path, 'out')],
  ];
  const runJson = () => JSON.parse(readFileSync(join(folder.path, 'out', 'run.json'), 'utf8'));
  const tracePath = (): string => join(folder.path, 'out', 'runs', CELL, 'run-1', 'trace.pcapng');

  it('judges a plan in TypeScript, loses nothing and is certified', async () => {
    const { code, out } = await rig(
      run(
        '5 s',
        `expect(run).to.be.certified;
         expect(run).to.have.lostNo.characters;
         expect(run.channel('fix').count).to.be.greaterThan(5);`,
      ),
    );
    expect(out).to.contain('PASS: 1 PASS');
    expect(code).to.equal(EXIT.pass);
    const { verdict, cells } = runJson();
    expect(verdict).to.equal('PASS');
    expect(cells[0].runs[0]).to.include({ clockDomain: 'wall', pacing: 'physical' });
    expect(cells[0].runs[0].certification.certified).to.equal(true);
    const stations = cells[0].runs[0].stations as {
      readonly station: string;
      readonly direction: string;
      readonly count: number;
    }[];
    for (const name of ['driver', 'ioProcess'])
      expect(
        stations.find(({ station, direction }) => station === name && direction === 'in')?.count,
      ).to.be.greaterThan(5);
  });

  it('runs in a cell of its own when partitioned, with no exit on the data path', async () => {
    const { code, out } = await rig(
      run(
        '5 s',
        `expect(run).to.be.certified;
         expect(run).to.have.lostNo.characters;
         expect(run.channel('fix').count).to.be.greaterThan(5);
         expect(run.exits.dataPath).to.equal(0);`,
        'partitioned',
      ),
    );
    expect(out).to.contain('PASS: 1 PASS');
    expect(code).to.equal(EXIT.pass);
    const [{ runs }] = runJson().cells;
    expect(runs[0]).to.include({ clockDomain: 'wall', pacing: 'physical' });
    expect(runs[0].certification.certified).to.equal(true);
  });

  it('goes on when the I/O process that owns the device is killed again and again, and says when it was away', async () => {
    const started = startRig(
      run('8 s', `expect(run).to.be.certified; expect(run.channel('fix').count).to.be.greaterThan(5);`),
    );
    await readsThePort(started);
    let kills = 0;
    for (; kills < 4; kills++) {
      await waitUntil('there is an I/O process', () => ioProcess(started) !== undefined);
      await sleepMs(300 + 137 * kills);
      const pid = ioProcess(started);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }
    const { code, out } = await started.ended;
    expect(out).to.contain('PASS: 1 PASS');
    expect(code).to.equal(EXIT.pass);
    const notes = recordedNotes(tracePath());
    expect(
      notes.filter((note) => /was lost for [\d.]+ ms/.test(note)),
      notes.join('\n'),
    ).to.have.length(kills);
  });

  it('is recorded with its guest, and replayed from the journal to the same output', async () => {
    const trace = join(folder.path, 'logged.pcapng');
    const recorded = await rig([
      ...['record', '--port', terminal.path, '--profile', PROFILE, '--guest', 'gnss-logger'],
      ...['--for', '4 s', '-o', trace],
    ]);
    expect(recorded.err).to.equal('');
    expect(recorded.code).to.equal(EXIT.pass);
    expect(recordedCharacters(trace).length).to.be.greaterThan(1000);
    const replayed = await rig(['replay', trace, '-o', join(folder.path, 'replay')]);
    expect(replayed.out).to.match(/^certified: run again from \d{3,} journal entries: same output, memory/);
    expect(replayed.code).to.equal(EXIT.pass);
  });

  it('ends at Ctrl-C with 130, its files written and no process left', async () => {
    const started = startRig(run('10 min'), { group: true });
    await readsThePort(started);
    const children = started.children();
    expect(children).to.have.length.greaterThan(0);
    started.signalGroup('SIGINT');
    const { code, out, err } = await started.ended;
    expect(err).to.contain('press Ctrl-C again');
    expect(out).to.contain('ABORTED: 1 ABORTED');
    expect(code).to.equal(EXIT.aborted);
    for (const name of ['run.json', 'junit.xml', 'host.json'])
      expect(existsSync(join(folder.path, 'out', name)), name).to.equal(true);
    for (const pid of children) await waitUntil(`process ${pid} is gone`, () => !isAlive(pid));
    const replayed = await rig(['replay', tracePath(), '-o', join(folder.path, 'replay')]);
    expect(replayed.out).to.match(/^certified: /);
  });

  it('ends a recording at Ctrl-C with 0 and a whole trace', async () => {
    const trace = join(folder.path, 'a.pcapng');
    const started = startRig(['record', '--port', terminal.path, '--profile', PROFILE, '-o', trace], { group: true });
    await waitUntil('characters are recorded', () => hasRecorded(trace, 0));
    started.signalGroup('SIGINT');
    const { code, out } = await started.ended;
    expect(out).to.match(/blocks, \d+ bytes; stopped\n$/);
    expect(code).to.equal(EXIT.pass);
    expect((await rig(['trace', 'info', trace])).out).to.match(/^end +complete$/m);
  });

  it('ends with 16 when the device goes away, and keeps what came until then', async () => {
    const started = startRig(run('10 min'));
    await readsThePort(started);
    terminal.process.signal('SIGKILL');
    const { code, out } = await started.ended;
    expect(out).to.match(/^ERROR {2}\S+ is gone; check the cable .* \(hal: HAL_DISCONNECTED\)$/m);
    expect(code).to.equal(EXIT.deviceLost);
    expect(runJson().verdict).to.equal('ERROR');
    const recorded = recordedCharacters(tracePath());
    expect(recorded.length).to.be.greaterThan(0);
    expect(simulatedStream(PROFILE, 'export', 120e9).includes(recorded)).to.equal(true);
  });

  for (const more of [[], ['--guest', 'gnss-logger']])
    it(`ends a recording ${more.join(' ')} with 16 when the device goes away, and says what holds the rest`, async () => {
      const trace = join(folder.path, 'a.pcapng');
      const started = startRig(['record', '--port', terminal.path, '--profile', PROFILE, '-o', trace, ...more]);
      await waitUntil('characters are recorded', () => hasRecorded(trace, 0));
      terminal.process.signal('SIGKILL');
      const { code, out, err } = await started.ended;
      expect(err).to.match(/^rig: \S+ is gone, and .*; check the cable; \S+a\.pcapng holds .* \(RIG_DEVICE_LOST\)\n$/);
      expect(out).to.match(/a\.pcapng: \d+ bytes in /);
      expect(code).to.equal(EXIT.deviceLost);
      const replayed = await rig(['replay', trace, '-o', join(folder.path, 'replay')]);
      expect(replayed.out).to.match(/^certified: /);
    });

  /** The trace of a run in wall time grows while it runs. */
  async function readsThePort(started: RigProcess): Promise<void> {
    await started.says(/^run {3}wall/m);
    await waitUntil('characters are recorded', () => hasRecorded(tracePath(), 500));
  }
});

/** The process that owns the devices of a run. */
function ioProcess(started: RigProcess): number | undefined {
  return started.children().find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('io-program');
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** A plan as a person writes one, outside the repository, importing the package by its path. */
function planInTypeScript(folder: TestFolder, length: string, checks: string): string {
  const file = join(folder.path, 'wall.plan.ts');
  const index = new URL('../index.js', import.meta.url).href;
  writeFileSync(
    file,
    `import { expect, plan } from '${index}';

    plan('wall', { profile: '${PROFILE}', guest: 'gnss-logger', bindings: ['real'], frontends: ['emulated'] }, (rig) => {
      it('runs', async (): Promise<void> => {
        const run = await rig.run({ for: '${length}' });
        ${checks === '' ? 'expect(run).to.be.certified;' : checks}
      });
    });`,
  );
  return file;
}
