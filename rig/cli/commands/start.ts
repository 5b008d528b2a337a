/** `rig start`: every shipped plan, on simulators and shipped recordings, in both architectures. What `npm start` runs. */

import { Command } from 'commander';
import type { CommandEnvironment } from '../environment.js';
import * as options from '../options.js';
import { findPlans } from '../plan-files.js';
import type { Finish } from './finish.js';

interface StartFlags {
  readonly out: string;
  readonly timeout: number;
  readonly quiet?: boolean;
  readonly failOnInconclusive: boolean;
  readonly verbose?: boolean;
}

export function startCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('start')
    .description('run every shipped plan on simulators and shipped recordings, in both architectures')
    .addOption(options.outOption())
    .addOption(options.timeoutOption())
    .addOption(options.quietOption())
    .addOption(options.inconclusiveOption())
    .addHelpText('after', '\nExample:\n  $ rig start            what "npm start" runs, without the set-up')
    .action(async (flags: StartFlags) => {
      // Loaded here: it brings in mocha and every report, which no other command needs.
      const { runPlans } = await import('../run-plans.js');
      finish(
        await runPlans(
          {
            files: findPlans([]),
            selection: { bindings: ['sim', 'replay'] },
            outDir: flags.out,
            timeoutMs: flags.timeout,
            quiet: flags.quiet ?? false,
            failOnInconclusive: flags.failOnInconclusive,
            verbose: flags.verbose ?? false,
          },
          environment,
        ),
      );
    });
}
