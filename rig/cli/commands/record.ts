/** `rig record`: records what a port brings into a trace. */

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatValue } from '../../metrics/measurement.js';
import { loadWiring } from '../../plan/context.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { duration, seedOption } from '../options.js';
import { createProgressLine } from '../progress-line.js';
import type { CommandEnvironment } from '../run-plans.js';
import type { Finish } from './finish.js';

interface RecordFlags {
  readonly port: string;
  readonly profile: string;
  readonly out: string;
  readonly for?: number;
  readonly seed?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Recording is armed before the device is touched, and a killed recording keeps everything up to its last block.

Examples:
  $ rig record --port /dev/ttyUSB0 --profile u-blox-neo-m8 -o drive.pcapng      until Ctrl-C
  $ rig record --port sim:gnss-receiver --profile gnss-receiver --for '60 s' -o sim.pcapng`;

export function recordCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('record')
    .description('record a device into a trace')
    .requiredOption('--port <path>', 'device path, or sim:PROFILE')
    .requiredOption('-p, --profile <name>', 'profile of the device')
    .requiredOption('-o, --out <file>', 'trace to write; an existing file is refused')
    .addOption(new Option('--for <duration>', 'how long; until Ctrl-C when not given').argParser(duration))
    .addOption(seedOption())
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: RecordFlags) => finish(await record(flags, environment)));
}

async function record(flags: RecordFlags, { stdout, stderr }: CommandEnvironment): Promise<number> {
  const progress = createProgressLine(stderr, flags.quiet ?? false);
  // Ctrl-C is how a recording without a length ends, so it is not an abortion here.
  const interrupt = listenForInterrupt((line) => progress.say(line));
  try {
    const { record: perform } = await loadWiring();
    const result = await perform({
      port: flags.port,
      profile: flags.profile,
      outPath: resolve(flags.out),
      seed: flags.seed ?? 'record',
      abort: interrupt.signal,
      progress: ({ elapsedNs, characters }) =>
        progress.show(`${formatValue(elapsedNs, 'ns')}, ${characters} characters`),
      ...(flags.for === undefined ? {} : { durationNs: flags.for }),
    });
    progress.stop();
    const { characters, durationNs, blocks, bytes, sentence } = result;
    stdout.write(
      `${flags.out}: ${characters} characters in ${formatValue(durationNs, 'ns')}, ${blocks} blocks, ${bytes} bytes; ${sentence}\n`,
    );
    return EXIT.pass;
  } finally {
    progress.stop();
    interrupt.release();
  }
}
