/** `rig replay`: repeats a run from its own journal, to the instruction, and says whether the output is the same. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { formatValue } from '../../metrics/measurement.js';
import { ensureFolder, loadWiring } from '../../plan/context.js';
import type { ReplayResult } from '../../run/services.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { outOption } from '../options.js';
import { createProgressLine } from '../progress-line.js';
import type { Finish } from './finish.js';

interface ReplayFlags {
  readonly out: string;
  readonly guest?: string;
  readonly profile?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
A trace of a run is repeated exactly from its journal. A recording of a device alone is played to a guest, and that run is
repeated from its journal in turn. A trace that was cut off, by a kill or a full disk, is replayed as far as it goes.

Exit code ${EXIT.pass}: certified, or cut off and without a difference up to there. ${EXIT.notCertified}: the output differs. ${EXIT.trace}: the trace cannot be replayed.

Examples:
  $ rig replay out/runs/.../run-1/trace.pcapng
  $ rig replay drive.pcapng --guest gnss-logger
  $ rig replay receiver.log --profile gnss-nmea-1hz      a log of gpsd; its pacing is reconstructed

To judge a recording by a plan instead, see "rig run --recording".`;

export function replayCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('replay')
    .description('repeat a run exactly from its journal and certify it')
    .argument('<trace>', 'trace of a run, recording of a device, or log of gpsd')
    .addOption(outOption())
    .option(
      '--guest <name>',
      'guest that hears a recording, or image to run a journal with; default: that of the trace',
    )
    .option('-p, --profile <name>', 'profile of the recorded device; default: that of the trace')
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
      ...(flags.guest === undefined ? {} : { guest: flags.guest }),
      ...(flags.profile === undefined ? {} : { profile: flags.profile }),
    });
    progress.stop();
    if (interrupt.signal.aborted) return EXIT.aborted;
    stdout.write(`${outcome(result)}: ${result.sentence}\n`);
    if (result.truncated) stdout.write('the trace ends before its summary: the program that made it was killed\n');
    stdout.write(`instructions ${result.instret}, output digest ${result.outputDigest}\n`);
    return isGood(result) ? EXIT.pass : EXIT.notCertified;
  } finally {
    progress.stop();
    interrupt.release();
  }
}

function outcome(result: ReplayResult): string {
  if (result.certified) return 'certified';
  return isGood(result) ? 'cut off' : 'NOT CERTIFIED';
}

/** A run that was cut off has no end to be compared; what there is of it was. */
function isGood({ certified, truncated, diverged }: ReplayResult): boolean {
  return certified || (truncated && !diverged);
}
