/** Checks the command line: exit codes, sentences, help, interrupts, and a whole session through it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { HalError } from '../../hal/index.js';
import { VmmError } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { RunExecutor } from '../run/run-types.js';
import { fakeExecutor, fakeRun } from '../test-support/fake-run.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { checkMachine, type MachineProbe } from './doctor-checks.js';
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit-codes.js';
import { listenForInterrupt, type SignalSource } from './interrupt.js';
import { findPlans } from './plan-files.js';
import { advice, errorSentence, presentError } from './present-error.js';
import { runCommandLine } from './program.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function rig(args: readonly string[], executor: RunExecutor = fakeExecutor()): Promise<Outcome> {
  const out = new PassThrough();
  const err = new PassThrough();
  const code = await runCommandLine(args, {
    stdout: out as unknown as NodeJS.WriteStream,
    stderr: err as unknown as NodeJS.WriteStream,
    executor: async () => executor,
    preflight: async () => {},
  });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

describe('rig', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const PASSING = `it('is certified', async () => { expect(await rig.run({ for: '60 s' })).to.be.certified; });`;
  const UNDECIDED = `it('is undecided', async () => { expect((await rig.run({ for: '60 s' })).channel('fix').latency).p99_9.to.be.below('1 s'); });`;
  const plan = (body: string): string =>
    folder.plan('my.plan.mjs', `plan('p', { profile: 'x', guest: 'g' }, (rig) => {${body}});`);
  const run = (body: string, more: readonly string[] = [], executor?: RunExecutor): Promise<Outcome> =>
    rig(['run', plan(body), '-o', join(folder.path, 'out'), ...more], executor);

  it('runs a plan in both architectures, prints the tables and where the reports are', async () => {
    const { code, out, err } = await run(PASSING);
    expect(code).to.equal(EXIT.pass);
    expect(out).to.contain('partitioned').and.to.contain('PASS: 2 PASS').and.to.contain('hosted against partitioned');
    expect(out).to.match(/reports: .*run\.json, .*junit\.xml, .*host\.json\nHTML report: .*report\.html\n$/);
    expect(err).to.contain('run   p [x, sim, hosted, emulated, interpreter] for 60 s');
    expect(err).to.contain('PASS         is certified');
    for (const name of ['run.json', 'junit.xml', 'host.json', 'report.html'])
      expect(existsSync(join(folder.path, 'out', name))).to.equal(true);
  });

  it('is quiet when asked to be, but not about what went wrong', async () => {
    const { code, out, err } = await run(
      `it('fails', async () => { expect(await rig.run({ for: '60 s' })).to.have.checksumErrors(1); });`,
      ['-q', '-a', 'hosted'],
    );
    expect(code).to.equal(EXIT.fail);
    expect(err).to.equal('');
    expect(out).to.not.contain('latency p99');
    expect(out).to.contain('checksum errors of the run is 0 from 60 samples; required: exactly 1');
  });

  it('ends with the code of inconclusive only when asked to', async () => {
    expect((await run(UNDECIDED)).code).to.equal(EXIT.pass);
    expect((await run(UNDECIDED, ['--fail-on-inconclusive'])).code).to.equal(EXIT.inconclusive);
    expect(readFileSync(join(folder.path, 'out', 'junit.xml'), 'utf8')).to.contain('failures="2"');
  });

  it('implies the binding by a port or a recording', async () => {
    const executor = fakeExecutor();
    await run(PASSING, ['--port', '/dev/ttyX'], executor);
    expect(executor.requests.map((r) => [r.cell.binding, r.cell.architecture, r.port])).to.deep.equal([
      ['real', 'hosted', '/dev/ttyX'],
      ['real', 'partitioned', '/dev/ttyX'],
    ]);
    const missing = await run(PASSING, ['--recording', join(folder.path, 'none.pcapng')]);
    expect(missing.code).to.equal(EXIT.usage);
    expect(missing.err).to.contain('there is no recording');
  });

  it('refuses a port that no binding opens', async () => {
    const { code, err } = await run(PASSING, ['--port', '/dev/ttyX', '-b', 'sim']);
    expect(code).to.equal(EXIT.usage);
    expect(err).to.contain('--port goes with the binding real');
  });

  it('runs a profile once that is named twice', async () => {
    const executor = fakeExecutor();
    await run(PASSING, ['-p', 'a,a', '-p', 'a', '-a', 'hosted'], executor);
    expect(executor.requests.map((r) => r.cell.profile)).to.deep.equal(['a']);
  });

  const failures: readonly (readonly [what: string, error: Error, code: number])[] = [
    ['an unknown profile', new RigError('RIG_PROFILE_UNKNOWN', 'no such profile'), 6],
    ['a malformed profile', new RigError('RIG_PROFILE_MALFORMED', 'field x'), 13],
    ['a missing device', new HalError('HAL_NOT_FOUND', 'no such port'), 7],
    ['a device in use', new HalError('HAL_IN_USE', 'locked'), 8],
    ['a device claimed twice', new RigError('RIG_DEVICE_CLAIMED', 'claimed'), 8],
    ['a port without permission', new HalError('HAL_DENIED', 'denied'), 9],
    ['a foreign trace', new HalError('HAL_TRACE', 'foreign'), 10],
    ['a broken ELF', new VmmError('VMM_IMAGE', 'no ELF'), 11],
    ['a diverged replay', new HalError('HAL_DIVERGED', 'diverged'), 12],
    ['a guest that never ends', new RigError('RIG_GUEST_ENDLESS', 'endless'), 14],
    ['an unknown guest', new RigError('RIG_GUEST', 'no such guest'), 15],
    ['a device that went away', new RigError('RIG_DEVICE_LOST', 'gone'), 16],
    ['a bug', new TypeError('x'), 3],
  ];
  for (const [what, error, code] of failures)
    it(`ends with ${code} for ${what}, with its sentence and without a stack`, async () => {
      const executor = fakeExecutor(() => {
        throw error;
      });
      const { code: found, out, err } = await run(PASSING, [], executor);
      expect(found).to.equal(code);
      expect(exitCodeOf(error)).to.equal(code);
      expect(out).to.contain(error.message);
      expect(out + err).to.not.match(/\n\s+at /);
    });

  it('ends with the general code when causes differ, and with FAIL when only the product failed', async () => {
    const errors = [new HalError('HAL_DENIED', 'a'), new HalError('HAL_NOT_FOUND', 'b')];
    const executor = fakeExecutor(() => {
      throw errors.shift() ?? new Error('none left');
    });
    expect((await run(PASSING, [], executor)).code).to.equal(EXIT.error);
    expect((await run(`it('fails', () => { expect(1).to.equal(2); });`)).code).to.equal(EXIT.fail);
    expect((await run(`it('is empty', () => {});`)).code).to.equal(EXIT.noEvidence);
    expect((await run(`it('a', () => rig.skip('x'));`)).code).to.equal(EXIT.noEvidence);
  });

  it('ends with 2 and a hint for a wrong command line', async () => {
    for (const args of [
      ['run', 'no-such-plan'],
      ['run', '-b', 'remote'],
      ['run', '-b', 'simulator'],
      ['frobnicate'],
      ['run', '--nope'],
      ['run', '-t', '5'],
      ['run', '-g', '('],
      ['replay'],
      ['list', 'stars'],
    ]) {
      const { code, err } = await rig(args);
      expect(code, args.join(' ')).to.equal(EXIT.usage);
      expect(err, args.join(' ')).to.match(/^(rig|error): /);
    }
    expect((await rig(['run', '-b', 'remote'])).err).to.contain('reserved');
  });

  it('ends with 2 when the selection leaves nothing', async () => {
    const hostedOnly = folder.plan(
      'hosted.plan.mjs',
      `plan('p', { profile: 'x', guest: 'g', architectures: ['hosted'] }, (rig) => {${PASSING}});`,
    );
    const { code, err } = await rig(['run', hostedOnly, '-a', 'partitioned', '-o', join(folder.path, 'out')]);
    expect(code).to.equal(EXIT.usage);
    expect(err)
      .to.contain('no cell of the matrix is left to run')
      .and.to.contain('leaves nothing of what the plans allow');
  });

  it('ends with 2 when no test matches', async () => {
    const { code, err } = await run(PASSING, ['-g', 'nothing of the kind']);
    expect(code).to.equal(EXIT.usage);
    expect(err).to.contain('no test matches /nothing of the kind/');
  });

  it('ends with 17 when results cannot be written', async () => {
    const file = folder.plan('a-file', '');
    const { code, err } = await rig(['run', plan(PASSING), '-o', join(file, 'out')]);
    expect(code).to.equal(EXIT.output);
    expect(err).to.match(/^rig: the folder .* cannot be made; choose another folder with --out \(RIG_OUTPUT\)\n$/);
  });

  it('prints help with examples and every exit code', async () => {
    const top = await rig(['--help']);
    expect(top.code).to.equal(EXIT.pass);
    for (const [code, meaning] of EXIT_MEANINGS) expect(top.out).to.contain(`${String(code).padStart(3)}  ${meaning}`);
    for (const command of ['run', 'start', 'record', 'replay', 'list', 'doctor', 'calibrate', 'trace']) {
      const { code, out } = await rig([command, '--help']);
      expect(code, command).to.equal(EXIT.pass);
      expect(out, command).to.contain('$ rig ');
    }
  });

  it('refuses a calibration of no exchanges, before it measures', async () => {
    const { code, err } = await rig(['calibrate', '--exchanges', '0']);
    expect(code).to.equal(EXIT.usage);
    expect(err).to.contain('whole number from 1');
  });

  it('lists devices, without opening any, or says why there are none', async () => {
    const { code, out } = await rig(['list', 'devices']);
    expect(code).to.equal(EXIT.pass);
    expect(out).to.match(/^((usb:|\/dev\/)\S+\t.*\n)*$|^no USB device: .+\n$/m);
  });

  it('lists what is shipped', async () => {
    const { code, out } = await rig(['list', 'guests']);
    expect(code).to.equal(EXIT.pass);
    expect(out).to.contain('gnss-logger\n');
    expect((await rig(['list'])).out)
      .to.contain('profiles:')
      .and.to.contain('recordings:');
  });
});

describe('exit codes', () => {
  it('are each used once and all explained', () => {
    const codes = Object.values(EXIT);
    expect(new Set(codes).size).to.equal(codes.length);
    expect(EXIT_MEANINGS.map(([code]) => code).sort((a, b) => a - b)).to.deep.equal([...codes].sort((a, b) => a - b));
  });
});

describe('error sentences', () => {
  it('say what happened and what to do, and carry the code', () => {
    const error = new HalError('HAL_NOT_FOUND', 'the port /dev/x does not exist.', {
      hint: '"rig doctor" lists ports',
    });
    expect(errorSentence(error)).to.equal(
      'rig: the port /dev/x does not exist; "rig doctor" lists ports (HAL_NOT_FOUND)',
    );
  });

  it('become one sentence, however message and hint were punctuated', () => {
    expect(advice('it broke.', 'Check the path.')).to.equal('it broke; check the path');
    expect(advice('it broke', 'USB devices need a hub')).to.equal('it broke; USB devices need a hub');
    expect(advice('it broke', undefined)).to.equal('it broke');
  });

  it('give stacks of the whole chain only when asked', () => {
    const error = new RigError('RIG_INTERNAL', 'outer', { cause: new Error('inner') });
    expect(presentError(error, false)).to.not.contain('inner');
    expect(presentError(error, true)).to.contain('Error: inner\n');
  });
});

describe('interrupt', () => {
  function source(): SignalSource & { fire(): void; count(): number } {
    const listeners = new Set<() => void>();
    return {
      on: (_, listener) => listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
      fire: () => {
        for (const listener of listeners) listener();
      },
      count: () => listeners.size,
    };
  }

  it('aborts at the first signal and ends the process at the second', () => {
    const signals = source();
    const said: string[] = [];
    const exits: number[] = [];
    const interrupt = listenForInterrupt(
      (line) => said.push(line),
      (code) => exits.push(code),
      signals,
    );
    signals.fire();
    expect(interrupt.signal.aborted).to.equal(true);
    expect(said).to.have.length(1);
    expect(exits).to.deep.equal([]);
    signals.fire();
    expect(exits).to.deep.equal([130]);
    interrupt.release();
    expect(signals.count()).to.equal(0);
  });
});

describe('plan files', () => {
  it('are found by path, by folder and by name; anything else is refused by name', () => {
    const folder = testFolder();
    const a = folder.plan('a.plan.mjs', '');
    const b = folder.plan('b.plan.js', '');
    folder.plan('c.ts', '');
    expect(findPlans([a, a], folder.path)).to.deep.equal([a]);
    expect(findPlans([folder.path], '/none')).to.deep.equal([a, b]);
    expect(findPlans(['b'], folder.path)).to.deep.equal([b]);
    expect(findPlans([], folder.path)).to.deep.equal([b]);
    expect(() => findPlans([join(folder.path, 'c.ts')])).to.throw(RigError, 'is no plan');
    expect(() => findPlans(['zzz'])).to.throw(RigError, 'there is no plan "zzz"');
    folder.remove();
  });
});

describe('doctor', () => {
  const BOARD = {
    name: 'usb:1-2',
    title: '10cf:5500 "USB K8055" at 1-2',
    profile: 'velleman-k8055',
    node: '/dev/bus/usb/001/004',
    rule: 'SUBSYSTEM=="usb", a rule',
    hid: [{ node: '/dev/hidraw7', rule: 'KERNEL=="hidraw*", a rule' }],
  };
  const STRANGER = { ...BOARD, name: 'usb:1-3', profile: undefined, node: '/dev/bus/usb/001/005', hid: [] };
  const probe = (change: Partial<MachineProbe> = {}): MachineProbe => ({
    nodeVersion: '20.19.0',
    platform: 'linux',
    load: async () => ({}),
    names: () => ['ttyUSB0', 'ttyACM1', 'tty0', 'null'],
    mayUse: (path) => path === '/dev/ttyUSB0' || path === '/dev/bus/usb/001/004',
    usb: async () => ({ devices: [BOARD, STRANGER] }),
    command: (name) => (name === 'tshark' ? '/usr/bin/tshark' : undefined),
    ...change,
  });
  const find = async (name: string, change: Partial<MachineProbe> = {}) =>
    (await checkMachine(probe(change))).find((result) => result.name === name);

  it('names the profile of a USB device, and the udev rule for one that may not be used', async () => {
    const board = await find('usb:1-2');
    expect(board?.state).to.equal('good');
    expect(board?.detail).to.include('profile velleman-k8055');
    const other = await find('usb:1-3');
    expect(other?.state).to.equal('optional');
    expect(other?.detail).to.include('no shipped profile knows it');
    expect(other?.hint).to.include('SUBSYSTEM=="usb", a rule');
    const hid = await find('/dev/hidraw7');
    expect(hid).to.include({ state: 'optional', detail: 'HID of usb:1-2; no permission' });
    expect(hid?.hint).to.include('KERNEL=="hidraw*", a rule');
    const none = await find('USB devices', { usb: async () => ({ devices: [], reason: 'no USB here' }) });
    expect(none?.detail).to.equal('no USB here');
  });

  it('takes Node.js from 20.19 on', async () => {
    for (const [nodeVersion, state] of [
      ['20.19.0', 'good'],
      ['22.0.0', 'good'],
      ['20.18.9', 'missing'],
      ['18.20.0', 'missing'],
    ])
      expect((await find('Node.js', { nodeVersion }))?.state, nodeVersion).to.equal(state);
  });

  it('says what to do about a library that does not load', async () => {
    const load = async (name: string): Promise<unknown> => {
      if (name === 'koffi') throw new Error('wrong ELF class\nRequire stack: …');
      return {};
    };
    expect(await find('koffi', { load })).to.deep.include({
      state: 'missing',
      detail: 'does not load (pseudo-terminals and system calls): wrong ELF class',
    });
    expect((await find('serialport', { load }))?.state).to.equal('good');
  });

  it('shows ports with and without permission', async () => {
    expect((await find('/dev/ttyUSB0'))?.state).to.equal('good');
    expect((await find('/dev/ttyACM1'))?.hint).to.contain('dialout');
    expect(await find('/dev/tty0')).to.equal(undefined);
    expect((await find('serial ports', { names: () => [] }))?.state).to.equal('optional');
  });

  it('names the package of a tool that is not there', async () => {
    expect((await find('tshark'))?.state).to.equal('good');
    expect((await find('socat'))?.hint).to.contain('apt-get install socat');
  });
});

describe('a failing run', () => {
  it('keeps its numbers in run.json', async () => {
    const folder = testFolder();
    const file = folder.plan(
      'p.plan.mjs',
      `plan('p', { profile: 'x', guest: 'g' }, (rig) => { it('a', async () => { expect(await rig.run({ for: '60 s' })).to.have.lostNo.samples; }); });`,
    );
    const executor = fakeExecutor((request) => fakeRun({ lost: [5] }, request.cell));
    const { code } = await rig(['run', file, '-o', join(folder.path, 'out'), '-a', 'hosted'], executor);
    const { cells } = JSON.parse(readFileSync(join(folder.path, 'out', 'run.json'), 'utf8'));
    expect(code).to.equal(EXIT.fail);
    expect(cells[0].tests[0].measurements[0]).to.include({ name: 'lost samples', value: 1, outcome: 'fail' });
    expect(cells[0].runs[0].guests[0].channels[0]).to.include({ name: 'fix', epochs: 59 });
    folder.remove();
  });
});
