/** `rig replay`: repeats a run from its own journal, to the instruction, and says whether the output is the same. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { formatValue } from '../../metrics/measurement.js';
import { ensureFolder, loadWiring } from '../../plan/context.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { outOption } from '../options.js';
import { createProgressLine } from '../progress-line.js';
import type { CommandEnvironment } from '../run-plans.js';
import type { Finish } from './finish.js';

interface ReplayFlags {
  readonly out: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Exit code ${EXIT.pass}: certified. ${EXIT.notCertified}: the output differs. ${EXIT.trace}: the trace cannot be replayed.

Example:
  $ rig replay out/runs/.../run-1/trace.pcapng

To judge a recording by a plan instead, see "rig run --recording".`;

export function replayCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('replay')
    .description('repeat a run exactly from its journal and certify it')
    .argument('<trace>', 'trace of a run')
    .addOption(outOption())
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (trace: string, flags: ReplayFlags) => finish(await replay(trace, flags, environment)));
}

async function replay(trace: string, flags: ReplayFlags, { stdout, stderr }: CommandEnvironment): Promise<number> {
  const progress = createProgressLine(stderr, flags.quiet ?? false);
  const interrupt = listenForInterrupt((line) => progress.say(line));
  try {
    const outDir = resolve(flags.out);
    ensureFolder(outDir);
    const { replay: perform } = await loadWiring();
    const result = await perform({
      tracePath: trace,
      outDir,
      abort: interrupt.signal,
      progress: ({ elapsedNs, reports }) => progress.show(`${formatValue(elapsedNs, 'ns')}, ${reports} reports`),
    });
    progress.stop();
    if (interrupt.signal.aborted) return EXIT.aborted;
    stdout.write(`${result.certified ? 'certified' : 'NOT CERTIFIED'}: ${result.sentence}\n`);
    if (result.truncated) stdout.write('the trace ends before its statistics: the run that made it was killed\n');
    stdout.write(`instructions ${result.instret}, output sha256 ${result.outputDigest}\n`);
    return result.certified ? EXIT.pass : EXIT.notCertified;
  } finally {
    progress.stop();
    interrupt.release();
  }
}
