/** Checks `rig trace`: what it says of recordings, converts, compares and exports, and its errors. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { importHidRecorder, TraceRecorder } from '../../hal/index.js';
import { PACKAGE_ROOT } from '../paths.js';
import { fakeExecutor } from '../test-support/fake-run.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { EXIT } from './exit-codes.js';
import { runCommandLine } from './program.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function trace(...args: readonly string[]): Promise<Outcome> {
  const out = new PassThrough();
  const err = new PassThrough();
  const code = await runCommandLine(['trace', ...args], {
    stdout: out as unknown as NodeJS.WriteStream,
    stderr: err as unknown as NodeJS.WriteStream,
    executor: async () => fakeExecutor(),
    preflight: async () => {},
  });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

const MOUSE = 'R: 4 05 01 09 02\nN: Test Mouse\nI: 3 046d c52b\nE: 000000.000000 2 01 02\nE: 000000.010000 2 03 04\n';

describe('rig trace', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());

  const path = (name: string): string => join(folder.path, name);
  function write(name: string, text: string | Uint8Array): string {
    writeFileSync(path(name), text);
    return path(name);
  }
  /** A trace of a mouse whose second report holds `byte`. */
  function mouse(name: string, byte = '04'): string {
    importHidRecorder(write('text', MOUSE.replace('03 04', `03 ${byte}`)), path(name));
    return path(name);
  }

  it('shows help with examples for each command', async () => {
    for (const command of ['info', 'export', 'convert', 'diff']) {
      const { code, out } = await trace(command, '--help');
      expect(code, command).to.equal(EXIT.pass);
      if (command === 'convert' || command === 'diff') expect(out, command).to.contain(`$ rig trace ${command} `);
    }
  });

  it('converts a recording, says what it found, and overwrites nothing', async () => {
    const text = write('mouse.hid', MOUSE);
    const { code, out } = await trace('convert', text, path('mouse.pcapng'));
    expect(code).to.equal(EXIT.pass);
    expect(out).to.contain(': hid-recorder\n').and.to.contain('046d:c52b Test Mouse: 2 reports\n2 reports in 0.01 s\n');
    const again = await trace('convert', text, path('mouse.pcapng'));
    expect(again.code).to.equal(EXIT.output);
    expect(again.err).to.contain('exists already');
  });

  it('tells devices by their descriptors and endpoints by their use', async () => {
    const { code, out } = await trace('info', mouse('mouse.pcapng'));
    expect(code).to.equal(EXIT.pass);
    expect(out).to.match(/046d:c52b Test Mouse │ 1 IN +│ interrupt │ 3 +│ 2 +│ 0 +│ 4 +│ 0/);
    const foreign = await trace('info', write('mouse.hid', MOUSE));
    expect(foreign.out).to.contain('hid-recorder').and.to.contain('046d:c52b Test Mouse: 2 reports');
    expect((await trace('info', write('key.script', 'd 0 /dev/hidraw1\nr 5 ab\nw 1 c\n'))).out).to.contain(
      '1 reads, 1 writes',
    );
  });

  it('compares two traces and ends with 1 when they differ', async () => {
    const one = mouse('one.pcapng');
    const same = await trace('diff', one, mouse('same.pcapng'), '--times');
    expect(same).to.include({ code: EXIT.pass });
    expect(same.out).to.equal('Test Mouse, transfers: 5 the same\nno difference\n');
    const other = await trace('diff', one, mouse('other.pcapng', '05'));
    expect(other.code).to.equal(EXIT.fail);
    expect(other.out)
      .to.contain('3 the same, then at 3 completion 1 interrupt endpoint 81h status 0 length 2 data 0304 against')
      .and.to.contain('data 0305; 5 against 5 in all\ndifferent\n');
  });

  it('exports transfers as bytes, as a table, and as a capture of their own', async () => {
    const source = mouse('mouse.pcapng');
    expect((await trace('export', source, '-o', path('bytes'))).code).to.equal(EXIT.pass);
    expect(readFileSync(path('bytes')).toString('hex')).to.equal('01020304');
    await trace('export', source, '-o', path('csv'), '--format', 'csv');
    expect(readFileSync(path('csv'), 'utf8'))
      .to.contain('100000000,in,complete,')
      .and.to.contain('interrupt 81h; status 0');
    await trace('export', source, '-o', path('alone.pcapng'), '--format', 'pcapng', '-i', 'Test Mouse');
    expect((await trace('info', path('alone.pcapng'))).out).to.contain('046d:c52b Test Mouse');
  });

  it('exports what the host sent', async () => {
    const recorder = new TraceRecorder({ to: path('serial.pcapng'), clock: new VirtualClock() });
    const tap = recorder.addSerial('port', { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 });
    tap.transmitted(Buffer.from('AT'), 0, 2, 1000);
    tap.received(0x4f, 0, 5_000_000);
    recorder.close();
    await trace('export', path('serial.pcapng'), '-o', path('sent'), '--direction', 'transmitted');
    expect(readFileSync(path('sent'), 'latin1')).to.equal('AT');
  });

  it('refuses what it cannot convert in one sentence that says what to do, and leaves no file behind', async () => {
    const cases: readonly (readonly [args: readonly string[], code: number, sentence: RegExp])[] = [
      [[path('none'), path('out')], EXIT.usage, /it does not exist; check the path/],
      [
        [write('nothing', 'what is this'), path('out')],
        EXIT.trace,
        /no recording of a known kind; say what it is with --format/,
      ],
      [
        [write('bad.hid', 'R: 9 01\n'), path('out'), '--format', 'hid-recorder'],
        EXIT.trace,
        /line 1: 1 bytes stand where 9/,
      ],
      [[write('bad.sr', 'PK\x03\x04 and no more'), path('out')], EXIT.trace, /is not a whole sigrok session/],
      [[write('m.hid', MOUSE), path('out'), '--uart', 'rx=A'], EXIT.usage, /--uart and --usb go with sigrok sessions/],
      [
        [write('m.hid', MOUSE), path('out'), '--device', 'x'],
        EXIT.usage,
        /--device goes with USB captures and umockdev files/,
      ],
      [
        [write('m.hid', MOUSE), path('out'), '--script', 'x'],
        EXIT.usage,
        /--script and --ioctl go with umockdev files/,
      ],
      [[write('m.hid', MOUSE), path('out'), '--baud', '9600'], EXIT.usage, /--baud goes with gpsd logs/],
      [
        [write('m.hid', MOUSE), path('out'), '--uart', 'colour=red'],
        EXIT.usage,
        /--uart does not know "colour=red"; it takes rx=/,
      ],
      [[write('m.hid', MOUSE), path('out'), '--usb', 'dp=A'], EXIT.usage, /--usb needs the probes of both lines/],
      [
        [write('m.hid', MOUSE), path('out'), '--usb', 'dp=A,dm=B,speed=high'],
        EXIT.usage,
        /cannot be decoded; choose full or low/,
      ],
      [[write('m.hid', MOUSE), path('out'), '--baud', 'fast'], EXIT.usage, /a baud rate is wanted/],
      [[write('m.hid', MOUSE), path('out'), '--format', 'vcd'], EXIT.usage, /usbmon, usbpcap, sigrok/],
      [[mouse('mouse.pcapng'), path('out')], EXIT.usage, /is a trace of this project already/],
      [[write('m.hid', MOUSE), join(folder.path, 'no', 'folder')], EXIT.output, /its folder does not exist/],
    ];
    for (const [args, code, sentence] of cases) {
      const outcome = await trace('convert', ...args);
      expect(outcome.err, args.join(' ')).to.match(sentence);
      expect(outcome.code, args.join(' ')).to.equal(code);
      expect(existsSync(path('out'))).to.equal(false);
    }
  });

  it('decodes a session of a logic analyser, with its lines named or not', async function () {
    const logic = join(process.env.RIGVISOR_TRACES ?? resolve(PACKAGE_ROOT, '..', 'shared', 'traces'), 'logic');
    if (!existsSync(logic)) {
      console.log(`      skipped: no recordings in ${logic}`);
      this.skip();
    }
    const modbus = join(logic, 'brainchild_io_16do', 'brainchild-io-16do.sr');
    const unnamed = await trace('convert', modbus, path('out'));
    expect(unnamed.code).to.equal(EXIT.usage);
    expect(unnamed.err).to.contain('it has 0, 1; say what is on them with --uart rx=PROBE,tx=PROBE');
    const wrong = await trace('convert', modbus, path('out'), '--uart', 'rx=7,tx=1');
    expect(wrong.err).to.contain('has no probe "7"; it has 0, 1');
    const { code, out } = await trace('convert', modbus, path('modbus.pcapng'), '--uart', 'rx=0,tx=1');
    expect(code).to.equal(EXIT.pass);
    expect(out).to.contain(
      'serial line 19200 8E1 inverted (found out: baudRate, format, inverted): 235 characters, 0 with errors',
    );
    await trace('export', path('modbus.pcapng'), '-o', path('requests'), '--direction', 'transmitted');
    expect(readFileSync(path('requests')).toString('hex')).to.match(/^0101000300010dca0102/);
    const told = await trace(
      'convert',
      modbus,
      path('told.pcapng'),
      '--uart',
      'rx=0,tx=1,baud=19200,format=8E1,inverted',
    );
    expect(told.out).to.contain('serial line 19200 8E1 inverted (as given)');
    expect((await trace('diff', path('modbus.pcapng'), path('told.pcapng'), '--times')).code).to.equal(EXIT.pass);
    expect((await trace('info', modbus)).out).to.contain('300000 of 2 bytes, 1 MHz');
  });

  it('names what to compare when a file is none', async () => {
    const one = mouse('one.pcapng');
    expect((await trace('diff', one, path('none'))).code).to.equal(EXIT.usage);
    expect((await trace('diff', one, write('text', MOUSE))).code).to.equal(EXIT.trace);
    expect((await trace('info', write('text', 'what is this'))).code).to.equal(EXIT.trace);
  });
});
