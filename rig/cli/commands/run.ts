/** `rig run`: runs plans in the selected cells of the matrix. */

import { Command, Option } from 'commander';
import type { CommandEnvironment } from '../environment.js';
import * as options from '../options.js';
import { findPlans } from '../plan-files.js';
import type { Finish } from './finish.js';

interface RunFlags extends options.MatrixFlags {
  readonly seed?: string;
  readonly out: string;
  readonly grep?: RegExp;
  readonly timeout: number;
  readonly quiet?: boolean;
  readonly failOnInconclusive: boolean;
  readonly realTime: boolean;
  readonly calibration?: string;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  $ rig run                                        every shipped plan on its simulator, in both architectures
  $ rig run gnss-logger -a hosted -f emulated      one plan, one architecture, one frontend
  $ rig run my.plan.ts --port /dev/ttyUSB0         your own plan on the real device
  $ rig run gnss-logger --recording drive.pcapng   the same plan on a recording
  $ rig run -b sim,replay --seed 7 -o out/nightly`;

export function runCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('run')
    .description('run plans and judge them')
    .argument('[plans...]', 'plan files, folders of plans, or names of shipped plans; default: all that are shipped')
    .addOption(options.bindingOption())
    .addOption(options.architectureOption())
    .addOption(options.frontendOption())
    .addOption(options.engineOption())
    .addOption(options.profileOption())
    .addOption(new Option('--port <path>', 'port of the real device; implies --binding real'))
    .addOption(new Option('--recording <file>', 'trace or gpsd log to replay; implies --binding replay'))
    .addOption(new Option('--calibration <file>', 'costs of the I/O path in virtual time, by "rig calibrate"'))
    .addOption(options.seedOption())
    .addOption(options.outOption())
    .addOption(options.grepOption())
    .addOption(options.timeoutOption())
    .addOption(options.quietOption())
    .addOption(options.inconclusiveOption())
    .addOption(new Option('--no-real-time', 'partitioned on a real device: no core, priority or memory of its own'))
    .addHelpText('after', EXAMPLES)
    .action(async (plans: string[], flags: RunFlags) => {
      // Loaded here: it brings in mocha and every report, which no other command needs.
      const { runPlans } = await import('../run-plans.js');
      finish(
        await runPlans(
          {
            files: findPlans(plans),
            selection: options.selectionFrom(flags),
            outDir: flags.out,
            timeoutMs: flags.timeout,
            quiet: flags.quiet ?? false,
            failOnInconclusive: flags.failOnInconclusive,
            verbose: flags.verbose ?? false,
            realTime: flags.realTime,
            ...(flags.seed === undefined ? {} : { seed: flags.seed }),
            ...(flags.calibration === undefined ? {} : { calibration: flags.calibration }),
            ...(flags.port === undefined ? {} : { port: flags.port }),
            ...(flags.grep === undefined ? {} : { grep: flags.grep }),
          },
          environment,
        ),
      );
    });
}
