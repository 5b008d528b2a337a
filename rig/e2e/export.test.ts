/** Shows devices that are not there to programs outside, through the real command. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openTrace } from '../../hal/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { findRecording } from '../paths.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { recordedCharacters } from './recorded.js';
import { endAll, rig, startRig } from './rig-process.js';
import { noTerminal, simulatedStream, startTerminal } from './terminal.js';

const missing = noTerminal();
const title = (text: string): string => (missing === undefined ? text : `${text} (skipped: ${missing})`);

describe(title('rig export'), function () {
  this.timeout(180_000);
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

  const linkExists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`prints the path, and at ${signal} removes the link and ends with 0`, async () => {
      const terminal = await startTerminal(folder.path, 'gnss-nmea-1hz');
      expect(terminal.process.out).to.equal(`${terminal.path}\n`);
      terminal.process.signal(signal);
      const { code, out, err } = await terminal.process.ended;
      expect(code).to.equal(EXIT.pass);
      expect(out).to.match(/stopped: 0 characters in .*, 0 of them read by nobody, 0 heard\n$/);
      expect(err).to.equal('');
      expect(linkExists(terminal.path)).to.equal(false);
    });

  it('carries the characters of the simulator to a program, each once and in order', async () => {
    const terminal = await startTerminal(folder.path, 'gnss-nmea-10hz', 'seven');
    const trace = join(folder.path, 'a.pcapng');
    const { code } = await rig([
      ...['record', '--port', terminal.path, '--profile', 'gnss-nmea-10hz', '--for', '1500 ms', '-o', trace],
    ]);
    expect(code).to.equal(EXIT.pass);
    const recorded = recordedCharacters(trace);
    expect(recorded.length).to.be.greaterThan(1000);
    expect(simulatedStream('gnss-nmea-10hz', 'seven', 60e9).includes(recorded)).to.equal(true);
  });

  it('plays a recording from its start when a program opens it, and ends when that has read it all', async () => {
    const cut = join(folder.path, 'cut.pcapng');
    expect((await rig(['record', '--port', 'sim:gnss-nmea-10hz', '--for', '1 s', '-o', cut])).code).to.equal(EXIT.pass);
    const link = join(folder.path, 'replayed');
    const show = startRig(['export', cut, '--pty', '--link', link]);
    await show.says(/^.+\n/);
    const trace = join(folder.path, 'again.pcapng');
    await rig(['record', '--port', link, '--profile', 'gnss-nmea-10hz', '--for', '2 s', '-o', trace]);
    const { code, out, err } = await show.ended;
    expect(code).to.equal(EXIT.pass);
    expect(out).to.contain('the recording ended, and its reader left');
    expect(err).to.match(/^\S+ can be opened at \S+; Ctrl-C ends it\n$/);
    const sent = recordedCharacters(cut);
    const recorded = recordedCharacters(trace);
    // What left while the port was being opened is lost on a real line too.
    expect(sent.subarray(sent.length - recorded.length).equals(recorded)).to.equal(true);
    expect(recorded.length).to.be.greaterThan(sent.length / 2);
    expect(openTrace(trace).clock).to.equal('wall');
  });

  it('refuses a source that is none, and a form of showing that is not said', async () => {
    const unknown = await rig(['export', 'sim:nope', '--pty']);
    expect([unknown.code, unknown.out]).to.deep.equal([EXIT.profileUnknown, '']);
    const none = await rig(['export', join(folder.path, 'none.pcapng'), '--pty']);
    expect([none.code, none.out]).to.deep.equal([EXIT.usage, '']);
    const unsaid = await rig(['export', findRecording('gnss-nmea-1hz.pcapng')]);
    expect(unsaid.code).to.equal(EXIT.usage);
    expect(unsaid.err).to.match(/^rig: .*; add --pty .* \(RIG_USAGE\)\n$/);
  });
});
