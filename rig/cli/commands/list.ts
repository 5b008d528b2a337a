/** `rig list`: what there is to run, and what to run it on. */

import { Argument, Command } from 'commander';
import { listGuests } from '../../guest-manifest.js';
import { listProfiles, listRecordings } from '../../paths.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import { listPlans } from '../plan-files.js';
import type { Finish } from './finish.js';

const LISTS: Readonly<Record<string, () => string[]>> = {
  plans: () => listPlans(),
  profiles: listProfiles,
  guests: listGuests,
  recordings: listRecordings,
};

export function listCommand(environment: CommandEnvironment, finish: Finish): Command {
  return new Command('list')
    .description('list plans, profiles, guests and recordings')
    .addArgument(new Argument('[what]', 'one of these alone').choices(Object.keys(LISTS)))
    .addHelpText('after', '\nExamples:\n  $ rig list\n  $ rig list profiles')
    .action((what: string | undefined) => {
      const { stdout } = environment;
      if (what !== undefined) for (const name of LISTS[what]()) stdout.write(`${name}\n`);
      else
        for (const [title, names] of Object.entries(LISTS)) {
          stdout.write(`${title}:\n`);
          for (const name of names()) stdout.write(`  ${name}\n`);
        }
      finish(EXIT.pass);
    });
}
