/** `npm run test:lab`: boots the machine once, runs the suite inside and shows its results as an ordinary mocha run. */

import { fileURLToPath } from 'node:url';
import Mocha from 'mocha';
import { LabMachine } from './machine.js';
import { type LabOptions, parseOptions } from './options.js';
import { addReplays } from './outer-replays.js';
import { declaredTests, mirror } from './outer-suite.js';
import { whatIsMissing } from './requirements.js';
import { LabSession } from './session.js';

const REPORTER = fileURLToPath(new URL('../../scripts/reporter.cjs', import.meta.url));

async function runSuite({ grep }: LabOptions): Promise<number> {
  const missing = whatIsMissing();
  const session = missing === undefined ? await LabSession.start({ grep }) : undefined;
  const declared = await declaredTests();
  const mocha = new Mocha({ reporter: REPORTER, timeout: 0 });
  if (grep !== undefined) mocha.fgrep(grep);
  const root = Mocha.Suite.create(mocha.suite, `USB lab${missing === undefined ? '' : ` (pending: ${missing})`}`);
  root.beforeAll('the machine boots', async function (this: Mocha.Context) {
    if (session === undefined) this.skip();
    this.timeout(0);
    await session.ready;
    process.stdout.write(`    the machine was ready after ${session.elapsedS.toFixed(1)} s\n`);
  });
  mirror(declared, root, (name) => {
    if (session === undefined) throw new Error('there is no machine');
    return session.result(name);
  });
  addReplays(root, grep !== undefined);
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (session !== undefined) process.stdout.write(`the lab took ${session.elapsedS.toFixed(1)} s\n`);
  await session?.stop();
  return failures;
}

async function runCommand(command: string): Promise<number> {
  const missing = whatIsMissing();
  if (missing !== undefined) throw new Error(missing);
  const machine = await LabMachine.start({ command, environment: {}, interactive: true });
  await machine.ended;
  await machine.stop();
  return 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  const failures = await (options.command === undefined ? runSuite(options) : runCommand(options.command));
  process.exit(failures === 0 ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}
