/** Runs guests on the terminal as a person would: console, keyboard, limits, exit codes, and what they are given wrongly. */

import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import { createPtyPair } from '../../hal/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { GUESTS_DIR } from '../paths.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, rig, startRig, waitUntil } from './rig-process.js';
import { noTerminal } from './terminal.js';

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const HELLO = 'hello from hart 0, hypercalls answered\r\n';
const HELLO_ELF = join(GUESTS_DIR, 'hello', 'hello.elf');
/** Little-endian words of RV32 machine code, as an assembler gives them. */
const words = (...code: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(code).buffer);
/** lui a0, 0x100; lui a1, 0x73; addi a1, a1, 0x333; sw a1, 0(a0); j . : the finisher's fail with code 7. */
const FAIL_7 = words(0x0010_0537, 0x0007_35b7, 0x3335_8593, 0x00b5_2023, 0x0000_006f);
/** lui a0, 0x10000; li a1, 65; sb a1, 0(a0); j -4: prints without end. */
const CHATTER = words(0x1000_0537, 0x0410_0593, 0x00b5_0023, 0xffdf_f06f);
/** wfi; j -4. */
const SLEEPER = words(0x1050_0073, 0xffdf_f06f);

describe('rig guest run', function () {
  this.timeout(120_000);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const guest = (...args: readonly string[]) => rig(['guest', 'run', ...args], { cwd: folder.path });
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder.path, name), bytes);
    return name;
  };

  it('puts the console of a guest on standard output and nothing else, by name, by path, in both times', async () => {
    for (const args of [['hello'], [HELLO_ELF], ['hello', '--time', 'wall']])
      expect(await guest(...args), args.join(' ')).to.include({ code: EXIT.pass, out: HELLO, err: '' });
  });

  it('types what is piped in, all 256 characters, and goes on when the pipe ends', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const path = join(folder.path, 'out');
    const out = openSync(path, 'w');
    const child = spawn(process.execPath, [MAIN, 'guest', 'run', 'echo'], { stdio: ['pipe', out, 'pipe'] });
    child.stdin?.end(all);
    const code = await new Promise((resolve) => child.on('close', resolve));
    closeSync(out);
    expect(code).to.equal(EXIT.guestEndless);
    expect(new Uint8Array(readFileSync(path))).to.deep.equal(all);
  });

  it('repeats a run with typed input exactly in virtual time', async () => {
    const input = file('typed', new TextEncoder().encode('one\ntwo\n'));
    const run = () => guest('echo', '--input', input, '--for', '100 ms', '--stats', '--seed', '7');
    const steady = (err: string): string => err.replace(/^(host time|instructions a second).*\n/gm, '');
    const [first, second] = [await run(), await run()];
    expect(first).to.include({ code: EXIT.pass, out: 'one\ntwo\n' });
    expect(second.out).to.equal(first.out);
    expect(steady(second.err)).to.equal(steady(first.err));
    expect(first.err)
      .to.match(/^instructions +\d+$/m)
      .and.match(/^exits to console +\d+ reads, \d+ writes$/m);
  });

  it('types when the console has shown a text, and not before', async () => {
    const input = file('typed', new TextEncoder().encode('x'));
    const never = await guest('echo', '--input', input, '--input-after', 'login:', '--for', '50 ms');
    expect(never).to.include({ code: EXIT.pass, out: '' });
    const { code, out } = await guest('hello', '--input', input, '--input-after', 'hello from');
    expect([code, out]).to.deep.equal([EXIT.pass, HELLO]);
  });

  it('takes the exit code from the guest, and from whatever else ends it', async () => {
    const fail = await guest(file('fail.bin', FAIL_7), '--xlen', '32');
    expect(fail).to.include({ code: 7, err: 'rig: The guest ended with fail (code 7).\n' });
    const cases: readonly (readonly [string[], number, RegExp])[] = [
      [['spin', '--for', '5 ms'], EXIT.pass, /^$/],
      [['spin', '--for', '5 ms', '--time', 'wall'], EXIT.pass, /^$/],
      [['spin', '--limit-instructions', '1000'], EXIT.guestEndless, /limit of 1000 instructions/],
      [['spin', '--limit-instructions', '1000', '--time', 'wall'], EXIT.guestEndless, /limit of 1000 instructions/],
      [['spin', '--timeout', '300 ms'], EXIT.timeout, /host time was up/],
      [[file('sleep.bin', SLEEPER), '--xlen', '32'], EXIT.guestEndless, /waits for an interrupt/],
      [[file('sleep.bin', SLEEPER), '--xlen', '32', '--time', 'wall'], EXIT.guestEndless, /waits for an interrupt/],
    ];
    for (const [args, code, err] of cases) {
      const ended = await guest(...args);
      expect(ended.code, args.join(' ')).to.equal(code);
      expect(ended.err, args.join(' ')).to.match(err);
    }
  });

  it('ends at Ctrl-C when the keyboard is not raw', async () => {
    const process = startRig(['guest', 'run', 'spin']);
    await process.says(/spinning/);
    process.signal('SIGINT');
    const { code, err } = await process.ended;
    expect(code).to.equal(EXIT.aborted);
    expect(err).to.match(/^rig: the guest was ended after \d+ instructions \(RIG_ABORTED\)\n$/);
  });

  it('ends when nobody reads its console any more', async () => {
    const chatter = file('chatter.bin', CHATTER);
    const pipeline = `"${process.execPath}" "${MAIN}" guest run ${chatter} --xlen 32 | head -c 5`;
    const shell = spawn('sh', ['-c', pipeline], { cwd: folder.path, stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    shell.stdout.on('data', (text) => {
      out += String(text);
    });
    expect(await new Promise((resolve) => shell.on('close', resolve))).to.equal(0);
    expect(out).to.equal('AAAAA');
  });

  it('has a disk that the guest sees, and leaves the file as it is', async () => {
    const disk = new Uint8Array(1024).fill(7);
    const path = file('disk.img', disk);
    const { code, out } = await guest('hello', '--drive', path, '--drive', `${path},readonly`, '--net', '--rng');
    expect([code, out]).to.deep.equal([EXIT.pass, HELLO]);
    expect(new Uint8Array(readFileSync(join(folder.path, path)))).to.deep.equal(disk);
  });

  it('refuses what it is given wrongly, in one line', async () => {
    file('text', new TextEncoder().encode('not a guest\n'));
    file('empty.bin', new Uint8Array(0));
    const cases: readonly (readonly [string[], number])[] = [
      [[], EXIT.usage],
      [['nosuch'], EXIT.guest],
      [['./nosuch.elf'], EXIT.guest],
      [['./text'], EXIT.image],
      [['empty.bin'], EXIT.image],
      [[folder.path], EXIT.guest],
      [['hello', '--kernel', 'text'], EXIT.usage],
      [['--kernel', './text'], EXIT.image],
      [['--kernel', 'nosuch'], EXIT.guest],
      [['--bios', 'empty.bin'], EXIT.image],
      [['--initrd', 'text'], EXIT.usage],
      [['hello', '--drive', 'nosuch.img'], EXIT.usage],
      [['hello', '--input', 'nosuch'], EXIT.guest],
      [['hello', '--input-after', 'x'], EXIT.usage],
      [['hello', '--memory', '64K'], EXIT.image],
      [['hello', '--memory', '3G'], EXIT.error],
      [['hello', '--cpu-hz', '2000000011'], EXIT.error],
      [['hello', '--append', 'x'.repeat(20_000)], EXIT.error],
    ];
    for (const [args, code] of cases) {
      const ended = await guest(...args);
      expect(ended.code, `${args.join(' ')}\n${ended.err}`).to.equal(code);
      expect(ended.out).to.equal('');
      expect(ended.err, args.join(' ')).to.match(/^rig: [^\n]+ \([A-Z_]+\)\n$/);
    }
    for (const [flag, value] of [
      ['--memory', '16'],
      ['--memory', '-1M'],
      ['--xlen', '128'],
      ['--engine', 'qemu'],
      ['--time', 'now'],
      ['--limit-instructions', '0'],
      ['--gdb', '99999'],
      ['--net-forward', 'http'],
      ['--for', '5'],
    ])
      expect(await guest('hello', flag, value), `${flag} ${value}`).to.include({ code: EXIT.usage, out: '' });
  });

  const missing = noTerminal();
  it(`gives a raw terminal to the guest, Ctrl-C too, and keeps Ctrl-A${missing === undefined ? '' : ` (skipped: ${missing})`}`, async function () {
    if (missing !== undefined) this.skip();
    const pair = createPtyPair(new WallClock());
    const [stdin, keys] = pair.paths.map((path) => openSync(path, constants.O_RDWR | constants.O_NOCTTY));
    try {
      const process = startRig(['guest', 'run', 'echo'], { stdin });
      // The guest prints nothing by itself: what was typed comes back once it listens.
      writeSync(keys, 'a');
      await process.says(/a/);
      writeSync(keys, 'b\x03c\x01\x01');
      await waitUntil('it comes back', () => process.out.includes('b\x03c\x01'));
      writeSync(keys, '\x01c');
      await process.says(/Ctrl-A x +end the guest/);
      writeSync(keys, '\x01x');
      const { code, out } = await process.ended;
      expect([code, out]).to.deep.equal([EXIT.aborted, 'ab\x03c\x01']);
    } finally {
      closeSync(stdin);
      closeSync(keys);
      pair.close();
    }
  });
});
