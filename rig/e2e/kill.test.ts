/** Kills recordings at random moments with a signal they cannot see, and looks whether everything up to then is there. */

import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import { type TraceInfo, traceInfo } from '../../hal/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { hostMs, sleepMs } from '../wiring/host-time.js';
import { recordedCharacters, wholeBytes } from './recorded.js';
import { endAll, isAlive, notLinux, type RigProcess, rig, startRig, waitUntil } from './rig-process.js';
import { ExpectedStream, noTerminal, startTerminal, type Terminal } from './terminal.js';

const nightly = process.env.RIGVISOR_NIGHTLY === '1';
const REAL_KILLS = nightly ? 100 : 4;
const VIRTUAL_KILLS = nightly ? 10 : 2;
/** As many recordings at a time as the smallest machine has cores. */
const LANES = 2;
const PROFILE = 'gnss-nmea-10hz';

interface Killed {
  readonly characters: number;
  readonly blocks: number;
  readonly replay: string;
}

interface Kill {
  readonly args: readonly string[];
  readonly trace: string;
  /** The clock of the delay starts when the trace is longer than this. */
  readonly fromBytes: number;
  readonly delayMs: number;
  /** What the device has sent, at least as far as the recording can have come. */
  readonly sent: (trace: TraceInfo) => Buffer;
}

/** Starts a recording, kills it, and checks what it left. */
async function kill({ args, trace, fromBytes, delayMs, sent }: Kill): Promise<Killed> {
  const recording = startRig(['record', ...args, '-o', trace]);
  await waitUntil('the recording is armed', () => hasBegun(trace, fromBytes, recording));
  await sleepMs(delayMs);
  const children = recording.children();
  recording.signal('SIGKILL');
  const { code: ended, signal, err: said } = await recording.ended;
  expect(signal, `it had ended by itself with ${ended}: ${said}`).to.equal('SIGKILL');
  // The process that owns the port follows, or the port would stay in use.
  for (const pid of children) await waitUntil(`process ${pid} is gone`, () => !isAlive(pid));
  const info = traceInfo(trace);
  expect(info.damageCount).to.equal(0);
  expect(info.summary).to.equal(undefined);
  expect(wholeBytes(trace)).to.equal(info.truncatedAt ?? statSync(trace).size);
  const characters = recordedCharacters(trace);
  expect(sent(info).includes(characters), 'the characters are one piece of what was sent').to.equal(true);
  const { code, out, err } = await rig(['replay', trace, '-o', dirname(trace)]);
  expect([code, err], out).to.deep.equal([EXIT.pass, '']);
  expect(out).to.contain('the trace ends before its summary');
  return { characters: characters.length, blocks: info.blocks, replay: out };
}

function hasBegun(trace: string, bytes: number, recording: RigProcess): boolean {
  if (!isAlive(recording.pid)) throw new Error(`the recording ended by itself: ${recording.err}`);
  return (statSync(trace, { throwIfNoEntry: false })?.size ?? 0) > bytes;
}

/** Does `count` things, `LANES` at a time; the moments are drawn before, so that they depend on the seed alone. */
async function inLanes<T>(count: number, seed: string, work: (i: number, lane: number, random: Random) => Promise<T>) {
  const results: T[] = [];
  const random = createRandom(seed);
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let i = lane; i < count; i += LANES) results[i] = await work(i, lane, random.fork(String(i)));
  });
  await Promise.all(lanes);
  return results;
}

function tell(what: string, kills: readonly Killed[]): void {
  const sum = (of: (killed: Killed) => number): number => kills.reduce((total, killed) => total + of(killed), 0);
  const count = (pattern: RegExp): number => kills.filter(({ replay }) => pattern.test(replay)).length;
  console.log(
    `      ${kills.length} ${what}: ${sum((k) => k.blocks)} whole blocks, ${sum((k) => k.characters)} characters; ` +
      `replays: ${count(/^cut off: .* ran again without/)} from the journal, ${count(/^certified: /)} through a guest, ${count(/^cut off: .* nothing to replay/)} of nothing`,
  );
}

describe('a recording that is killed', function () {
  this.timeout(nightly ? 1_800_000 : 240_000);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const missing = noTerminal();
  it(`keeps every block of a port in wall time, with and without a guest${missing === undefined ? '' : ` (skipped: ${missing})`}`, async function () {
    if (missing !== undefined) this.skip();
    const terminals: Terminal[] = [];
    for (let lane = 0; lane < LANES; lane++)
      terminals.push(await startTerminal(folder.path, PROFILE, `kill-${lane}`, `receiver-${lane}`));
    const streams = terminals.map((_, lane) => new ExpectedStream(PROFILE, `kill-${lane}`));
    const startMs = hostMs();
    const kills = await inLanes(REAL_KILLS, 'kill', (i, lane, random) => {
      // Every second one of each lane.
      const guest = (i >> 1) % 2 === 0 ? ['--guest', 'gnss-logger'] : [];
      const args = ['--port', terminals[lane].path, '--profile', PROFILE, ...guest];
      const sent = () => streams[lane].first((hostMs() - startMs) * 1e6);
      return kill({ args, trace: join(folder.path, `${i}.pcapng`), fromBytes: 0, delayMs: random.below(2000), sent });
    });
    tell('recordings of a port', kills);
    expect(kills).to.have.length(REAL_KILLS);
    expect(kills.some(({ characters }) => characters > 0)).to.equal(true);
  });

  const reason = notLinux();
  it(`keeps every block of a simulator in virtual time, with and without a guest${reason === undefined ? '' : ` (skipped: ${reason})`}`, async function () {
    if (reason !== undefined) this.skip();
    const stream = new ExpectedStream('gnss-nmea-1hz', 'kill');
    const kills = await inLanes(VIRTUAL_KILLS, 'kill-sim', (i, _, random) => {
      const guest = i % 2 === 0 ? ['--guest', 'gnss-logger'] : [];
      const args = ['--port', 'sim:gnss-nmea-1hz', '--for', '10 h', '--seed', 'kill', ...guest];
      const sent = ({ interfaces }: TraceInfo) => stream.first(1e9 + Math.max(0, ...interfaces.map((i) => i.lastNs)));
      // Blocks go to the file in batches here: what no batch has taken is nothing that could be looked at.
      const [fromBytes, delayMs] = [4096, random.below(600)];
      return kill({ args, trace: join(folder.path, `${i}.pcapng`), fromBytes, delayMs, sent });
    });
    tell('recordings of a simulator', kills);
    expect(kills).to.have.length(VIRTUAL_KILLS);
    for (const { characters } of kills) expect(characters).to.be.greaterThan(0);
  });
});
