/** `rig trace diff`: where two traces part. */

import { Command } from 'commander';
import { loadWiring } from '../../plan/context.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import type { Finish } from './finish.js';

const EXAMPLES = `
Serial ports are compared byte by byte in each direction, USB devices transfer by transfer, everything else packet by
packet. The exit code is 1 when anything differs.

Examples:
  $ rig trace diff yesterday.pcapng today.pcapng
  $ rig trace diff recorded.pcapng replayed.pcapng --times`;

export function diffCommand({ stdout }: CommandEnvironment, finish: Finish): Command {
  return new Command('diff')
    .description('compare two traces, interface by interface')
    .argument('<a>')
    .argument('<b>')
    .option('--times', 'compare times too, to the nanosecond', false)
    .addHelpText('after', EXAMPLES)
    .action(async (firstPath: string, secondPath: string, { times }: { times: boolean }) => {
      const { diffTraces } = await loadWiring();
      const { equal, sentences } = await diffTraces({ firstPath, secondPath, times });
      for (const sentence of sentences) stdout.write(`${sentence}\n`);
      finish(equal ? EXIT.pass : EXIT.fail);
    });
}
