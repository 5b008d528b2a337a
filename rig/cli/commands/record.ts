/** `rig record`: records what a port brings into a trace, alone or with a guest that reads it. */

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatValue } from '../../metrics/measurement.js';
import { loadWiring } from '../../plan/context.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { duration, seedOption } from '../options.js';
import { createProgressLine } from '../progress-line.js';
import type { Finish } from './finish.js';

interface RecordFlags {
  readonly port: string;
  readonly profile?: string;
  readonly out: string;
  readonly guest?: string;
  readonly bootargs?: string;
  readonly for?: number;
  readonly seed?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
Recording is armed before the device is touched, and a killed recording keeps everything up to its last block.
With --guest the trace also holds the guest's journal, so that "rig replay" repeats the guest's run to the instruction.

Examples:
  $ rig record --port /dev/ttyUSB0 --profile gnss-nmea-1hz -o drive.pcapng      until Ctrl-C
  $ rig record --port /dev/ttyUSB0 --profile gnss-nmea-1hz --guest gnss-logger --for '10 min' -o logged.pcapng
  $ rig record --port sim:gnss-nmea-1hz --for '60 s' -o sim.pcapng
  $ rig record --port sim:velleman-k8055 --guest k8055-logger --for '10 s' -o board.pcapng

A USB device speaks when it is spoken to: its recording needs a guest.`;

export function recordCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('record')
    .description('record a device into a trace')
    .requiredOption('--port <path>', 'device path, or sim:PROFILE')
    .option('-p, --profile <name>', 'profile of the device; a simulator has its own')
    .requiredOption('-o, --out <file>', 'trace to write; an existing file is refused')
    .option('--guest <name>', 'a guest, or path of an ELF file, that reads the device while it is recorded')
    .option('--bootargs <text>', "boot arguments of the guest, like 'rate=5000 channels=4'")
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
      outPath: resolve(flags.out),
      seed: flags.seed ?? 'record',
      abort: interrupt.signal,
      progress: ({ elapsedNs, characters }) => progress.show(`${formatValue(elapsedNs, 'ns')}, ${characters} bytes`),
      ...(flags.profile === undefined ? {} : { profile: flags.profile }),
      ...(flags.guest === undefined ? {} : { guest: flags.guest }),
      ...(flags.bootargs === undefined ? {} : { bootargs: flags.bootargs }),
      ...(flags.for === undefined ? {} : { durationNs: flags.for }),
    });
    progress.stop();
    const { characters, durationNs, blocks, bytes, sentence, trouble } = result;
    stdout.write(
      `${flags.out}: ${characters} bytes in ${formatValue(durationNs, 'ns')}, ${blocks} blocks, ${bytes} bytes; ${sentence}\n`,
    );
    if (trouble !== undefined) throw trouble;
    return EXIT.pass;
  } finally {
    progress.stop();
    interrupt.release();
  }
}
