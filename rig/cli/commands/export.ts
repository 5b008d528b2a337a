/** `rig export`: shows a simulator or a recording to any program outside, as a terminal it opens like a device. */

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { RigError } from '../../errors.js';
import { formatValue } from '../../metrics/measurement.js';
import { loadWiring } from '../../plan/context.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listenForInterrupt } from '../interrupt.js';
import { duration, seedOption } from '../options.js';
import { createProgressLine } from '../progress-line.js';
import type { Finish } from './finish.js';

interface ExportFlags {
  readonly pty?: boolean;
  readonly link?: string;
  readonly for?: number;
  readonly seed?: string;
  readonly quiet?: boolean;
}

const EXAMPLES = `
The path to open is printed on the first line. The device starts when the first program opens it, keeps its own pace in wall
time, and characters that nobody reads are lost, as on a real line. A recording ends when it is over and its reader has left.

Examples:
  $ rig export sim:gnss-nmea-1hz --pty --link /tmp/gnss              until Ctrl-C
  $ gpsd -N -n /tmp/gnss                                             gpsd takes it for a receiver
  $ gpspipe -w                                                       what gpsd makes of it, in another terminal
  $ rig export drive.pcapng --pty --link /tmp/gnss --for '10 min'    a recording, as if the device were there
  $ rig run gnss-logger --port /tmp/gnss                             the plan for the real device, without one`;

export function exportCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('export')
    .description('show a simulator or a recording to other programs')
    .argument('<source>', 'sim:PROFILE, a trace, or a log of gpsd')
    .option('--pty', 'as a pseudo-terminal')
    .option('--link <path>', 'symbolic link to the terminal, removed at the end')
    .addOption(new Option('--for <duration>', 'how long; until Ctrl-C when not given').argParser(duration))
    .addOption(seedOption())
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, flags: ExportFlags) => finish(await show(source, flags, environment)));
}

async function show(source: string, flags: ExportFlags, { stdout, stderr }: CommandEnvironment): Promise<number> {
  if (flags.pty !== true)
    throw new RigError('RIG_USAGE', `it is not said how ${source} is to be shown`, {
      hint: 'add --pty for a pseudo-terminal, the one way there is so far',
    });
  const progress = createProgressLine(stderr, flags.quiet ?? false);
  // Ctrl-C is how it ends, so it is not an abortion here.
  const interrupt = listenForInterrupt(() => {});
  try {
    const { showTerminal } = await loadWiring();
    const { durationNs, characters, lost, heard, sentence } = await showTerminal({
      source,
      seed: flags.seed ?? 'export',
      abort: interrupt.signal,
      ready: (path) => {
        stdout.write(`${path}\n`);
        if (!(flags.quiet ?? false)) progress.say(`${source} can be opened at ${path}; Ctrl-C ends it`);
      },
      progress: (now) =>
        progress.show(
          `${formatValue(now.elapsedNs, 'ns')}, ${now.characters} characters, ${now.opened ? 'open' : 'nobody has it open'}`,
        ),
      ...(flags.link === undefined ? {} : { linkPath: resolve(flags.link) }),
      ...(flags.for === undefined ? {} : { durationNs: flags.for }),
    });
    progress.stop();
    stdout.write(
      `${sentence}: ${characters} characters in ${formatValue(durationNs, 'ns')}, ${lost} of them read by nobody, ${heard} heard\n`,
    );
    return EXIT.pass;
  } finally {
    progress.stop();
    interrupt.release();
  }
}
