/** Runs the examples of every command's help that need no hardware, as a person would type them. */

import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { PROCESS_ENVIRONMENT } from '../cli/environment.js';
import { EXIT } from '../cli/exit-codes.js';
import { runCommandLine } from '../cli/program.js';
import { findRecording } from '../paths.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { endAll, rig } from './rig-process.js';
import { noTerminal } from './terminal.js';

const nightly = process.env.RIGVISOR_NIGHTLY === '1';
const COMMANDS = ['calibrate', 'record', 'run', 'start', 'replay', 'export', 'list', 'trace', 'guest', 'doctor'];

/** The words of an example: what follows three spaces is a remark, single quotes keep spaces. */
function wordsOf(example: string): string[] {
  const [typed] = example.trim().split(/\s{3,}/);
  return [...typed.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

async function examplesOf(command: string): Promise<string[]> {
  const out = new PassThrough();
  const stream = out as unknown as NodeJS.WriteStream;
  await runCommandLine([command, '--help'], { ...PROCESS_ENVIRONMENT, stdout: stream, stderr: stream });
  return [...String(out.read()).matchAll(/^ {2}\$ (.+)$/gm)].map(([, example]) => example);
}

/** Why an example is not run here; undefined when it is. */
function whyNot(example: string): string | undefined {
  if (!example.startsWith('rig ')) return 'it is of another program';
  if (/\/dev\/tty|--port \/tmp\//.test(example)) return 'it needs a device';
  if (/\.sr\b/.test(example)) return 'it needs a recording of another program, which is not shipped';
  if (/--kernel|--gdb/.test(example)) return 'it needs an image that is not shipped, or a debugger';
  if (/^rig (export|calibrate)/.test(example) && noTerminal() !== undefined) return noTerminal();
  if (example.startsWith('rig start') && !nightly) return 'it is what "npm start" runs; nightly';
  return undefined;
}

/** What keeps an example short here: less time, fewer tests, links where nobody else has one. */
function shortened(words: readonly string[], folder: string): string[] {
  const [, ...args] = words.map((word) => word.replace(/^\/tmp\//, `${folder}/`));
  if (args[0] === 'export') return [...args.map((word) => (word === '10 min' ? '1 s' : word)), '--for', '1 s'];
  if (args[0] === 'calibrate') return [...args, '--exchanges', '20'];
  if (args[0] === 'run' && !nightly) return [...args, '-g', 'repeats none'];
  return args;
}

describe('the examples of the help', function () {
  this.timeout(240_000);
  let folder: TestFolder;
  const examples: string[] = [];

  before(async () => {
    folder = testFolder();
    for (const command of COMMANDS) examples.push(...(await examplesOf(command)));
    for (const name of ['drive', 'yesterday', 'today'])
      copyFileSync(findRecording('gnss-nmea-1hz.pcapng'), join(folder.path, `${name}.pcapng`));
    copyFileSync(findRecording('velleman-k8055.pcapng'), join(folder.path, 'keyboard.pcapng'));
    const made = await rig(['trace', 'export', 'drive.pcapng', '-o', 'receiver.log'], { cwd: folder.path });
    expect(made.code).to.equal(EXIT.pass);
  });
  after(async () => {
    await endAll();
    folder.remove();
  });

  it('run as they are typed, each that needs no hardware', async () => {
    const ran: string[] = [];
    for (const example of examples) {
      const reason = whyNot(example);
      if (reason !== undefined) {
        console.log(`      not run: ${example.replace(/\s{3,}.*/, '')} (${reason})`);
        continue;
      }
      const words = wordsOf(example).map((word) => word.replace(/^out\/runs\/\.\.\./, () => firstRun(folder.path)));
      const { code, out, err } = await rig(shortened(words, folder.path), { cwd: folder.path });
      expect(code, `${example}\n${out}${err}`).to.equal(EXIT.pass);
      ran.push(words[1]);
      // The trace of that run is what the example of "rig trace" calls run.pcapng.
      if (words[1] === 'run')
        copyFileSync(
          join(folder.path, firstRun(folder.path), 'run-1', 'trace.pcapng'),
          join(folder.path, 'run.pcapng'),
        );
    }
    for (const command of COMMANDS.filter((each) => each !== 'start' || nightly)) expect(ran).to.include(command);
  });
});

function firstRun(folder: string): string {
  const runs = join('out', 'runs');
  const [first] = existsSync(join(folder, runs)) ? readdirSync(join(folder, runs)).sort() : [];
  return join(runs, first);
}
