import { execFile, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { WallClock } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import { type DialogueStep, describeSerialBinding } from '../binding-suite.js';
import { wallTime } from '../passing-time.js';
import { ScriptedDevice } from '../scripted-device.js';
import type { LineSettings } from '../serial-port.js';
import { createSimulatedPort } from '../simulated-port.js';
import { libc } from './libc.js';
import { openPty } from './open-pty.js';
import { ptyBinding } from './pty-binding.js';
import { createPtyPair } from './pty-pair.js';
import { ScriptedTerminal } from './scripted-terminal.js';

const run = promisify(execFile);
const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };

/** Why pseudo-terminals cannot be tested here; undefined when they can. */
function ptyMissing(): string | undefined {
  if (process.platform === 'win32') return 'this system has no pseudo-terminals';
  try {
    libc();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const missing = ptyMissing();

/** Ends the test as pending, with the reason, where a program that it runs is not installed. */
function needs(running: Context, program: string): void {
  if ((process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))) return;
  console.log(`      skipped: the program "${program}" is not installed`);
  running.skip();
}

describeSerialBinding(
  'pseudo-terminal',
  async (dialogue: readonly DialogueStep[]) => {
    const clock = new WallClock();
    const binding = ptyBinding(clock);
    const program = new ScriptedTerminal(binding.path, dialogue, () => {});
    return {
      binding,
      path: binding.path,
      missingPath: '/dev/pts/none',
      baudRate: LINE.baudRate,
      time: wallTime(clock),
      start: () => program.start(),
      received: () => program.received(),
      close: async () => {
        program.close();
        binding.dispose();
      },
    };
  },
  {
    ...(missing === undefined ? {} : { unavailable: missing }),
    withoutModemLines: 'a pseudo-terminal has none',
    withoutLeaving: 'programs come and go without ending a pseudo-terminal',
  },
);

/** Waits for `condition` to hold, at most five seconds. */
async function until(clock: WallClock, condition: () => boolean, what: string): Promise<void> {
  const time = wallTime(clock);
  for (const limitNs = clock.now() + 5e9; !condition(); ) {
    if (clock.now() > limitNs) throw new Error(`${what} did not happen within 5 s`);
    await time.pass(2_000_000);
  }
}

describe(`pseudo-terminals${missing === undefined ? '' : ` (pending: ${missing})`}`, () => {
  before(function () {
    if (missing !== undefined) this.skip();
  });

  const directory = mkdtempSync(join(tmpdir(), 'rigvisor-pty-'));
  after(() => rmSync(directory, { recursive: true }));

  function exportDevice(dialogue: readonly DialogueStep[], linkPath?: string, line = LINE) {
    const clock = new WallClock();
    const device = new ScriptedDevice(line, dialogue, () => {});
    const port = createSimulatedPort({ name: 'sim:exported', clock, device });
    return { clock, device, opening: openPty({ port, clock, line, ...(linkPath === undefined ? {} : { linkPath }) }) };
  }

  it('joins two terminals so that bytes written to one are read from the other', async () => {
    const clock = new WallClock();
    const pair = createPtyPair(clock);
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    const a = new ScriptedTerminal(pair.paths[0], [{ deviceSends: every }], () => {});
    const b = new ScriptedTerminal(pair.paths[1], [{ hostSends: every }, { deviceSends: every }], () => {});
    a.start();
    await until(clock, () => a.received().length === 256, 'the answer');
    expect(b.received()).to.deep.equal(every);
    expect(a.received()).to.deep.equal(every);
    a.close();
    b.close();
    pair.close();
  });

  it('loses nothing between two terminals while the reader does not keep up', async () => {
    const clock = new WallClock();
    const pair = createPtyPair(clock);
    const many = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) & 0xff);
    const a = new ScriptedTerminal(pair.paths[0], [{ deviceSends: many }], () => {});
    a.start();
    await wallTime(clock).pass(100_000_000);
    const b = new ScriptedTerminal(pair.paths[1], [], () => {});
    await until(clock, () => b.received().length === many.length, 'the last byte');
    expect(Buffer.compare(b.received(), many)).to.equal(0);
    a.close();
    b.close();
    pair.close();
  });

  it('shows a simulator to programs that come and go, and starts it when the first one comes', async function () {
    needs(this, 'head');
    const link = join(directory, 'gnss');
    const question = new TextEncoder().encode('?');
    const { clock, device, opening } = exportDevice(
      [{ deviceSends: new TextEncoder().encode('hello\n') }, { hostSends: question }],
      link,
    );
    const shown = await opening;
    try {
      await wallTime(clock).pass(50_000_000);
      expect(shown.lost).to.equal(0);
      const { stdout } = await run('head', ['-n', '1', link], { timeout: 5000 });
      expect(stdout).to.equal('hello\n');
      await until(clock, () => !shown.opened, 'the end of the first program');
      writeFileSync(link, '?');
      await until(clock, () => device.received.length === 1, 'the question of the second program');
      expect(device.received).to.deep.equal([question[0]]);
      expect(shown.ended).to.equal(undefined);
    } finally {
      await shown.close();
    }
    expect(existsSync(link)).to.equal(false);
    expect(existsSync(shown.path)).to.equal(false);
  });

  it('counts what the device sends while no program has the terminal open', async () => {
    const { clock, opening } = exportDevice([
      { hostSends: Uint8Array.of(1) },
      { deviceSends: new Uint8Array(50) },
      { deviceSends: new Uint8Array(50) },
    ]);
    const shown = await opening;
    const fd = openSync(shown.path, constants.O_RDWR | constants.O_NOCTTY);
    await until(clock, () => shown.opened, 'the opening');
    writeFileSync(fd, Uint8Array.of(1));
    closeSync(fd);
    await until(clock, () => shown.lost >= 50, 'the loss');
    await shown.close();
  });

  it('gives the rate a program sets to the port', async function () {
    needs(this, 'stty');
    if (libc().linux === undefined) {
      console.log('      skipped: only Linux tells what a program has set');
      this.skip();
    }
    const answer = Uint8Array.of(0x41, 0x42, 0x43);
    const { clock, device, opening } = exportDevice([{ hostSends: answer }]);
    const shown = await opening;
    const fd = openSync(shown.path, constants.O_RDWR | constants.O_NOCTTY);
    await run('stty', ['-F', shown.path, '9600']);
    await wallTime(clock).pass(100_000_000);
    writeFileSync(fd, answer);
    await until(clock, () => device.received.length > 0, 'something');
    await wallTime(clock).pass(50_000_000);
    expect(device.received.slice(0, 3)).to.not.deep.equal([...answer]);
    device.received.length = 0;
    await run('stty', ['-F', shown.path, '115200']);
    await wallTime(clock).pass(100_000_000);
    writeFileSync(fd, answer);
    await until(clock, () => device.received.length >= 3, 'the bytes');
    expect(device.received).to.deep.equal([...answer]);
    closeSync(fd);
    await shown.close();
  });

  it('lets the next program in after one that asked for exclusive use', async function () {
    const { linux } = libc();
    if (linux === undefined) {
      console.log('      skipped: exclusive use is looked after on Linux only');
      this.skip();
    }
    const { clock, opening } = exportDevice([]);
    const shown = await opening;
    const TIOCEXCL = 0x540c;
    const fd = openSync(shown.path, constants.O_RDWR | constants.O_NOCTTY);
    expect(linux.ioctl(fd, TIOCEXCL)).to.equal(0);
    await until(clock, () => shown.opened, 'the opening');
    closeSync(fd);
    await until(clock, () => !shown.opened, 'the leaving');
    const next = openSync(shown.path, constants.O_RDWR | constants.O_NOCTTY);
    await until(clock, () => shown.opened, 'the next opening');
    // A privileged user gets in regardless: the mode itself must be over.
    const exclusive = Buffer.alloc(4, 0xff);
    expect(linux.ioctl(next, 0x80045440, '_Out_ uint8_t *', exclusive)).to.equal(0);
    expect(exclusive.readInt32LE(0)).to.equal(0);
    closeSync(next);
    await shown.close();
  });

  it('replaces a stale link and refuses to replace a file', async () => {
    const link = join(directory, 'link');
    symlinkSync('/dev/pts/gone', link);
    const { opening } = exportDevice([], link);
    const shown = await opening;
    expect(readlinkSync(link)).to.equal(shown.path);
    await shown.close();
    await shown.close();
    const file = join(directory, 'file');
    writeFileSync(file, 'precious');
    const error: HalError = await exportDevice([], file).opening.then(
      () => expect.fail('it replaced the file'),
      (e) => e,
    );
    expect(error).to.be.an.instanceOf(HalError);
    expect(error.code).to.equal('HAL_IN_USE');
    expect(existsSync(file)).to.equal(true);
  });

  it('hangs up on programs when it is closed', async function () {
    needs(this, 'cat');
    const { clock, opening } = exportDevice([]);
    const shown = await opening;
    const program = spawn('cat', [shown.path], { stdio: 'ignore' });
    await until(clock, () => shown.opened, 'the opening');
    const ended = new Promise((resolve) => program.on('exit', resolve));
    await shown.close();
    await wallTime(clock).settle(ended);
  });
});
