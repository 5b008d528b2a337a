/** `rig doctor`: whether this machine has what runs need, and what to do where it has not. */

import { Command } from 'commander';
import { type CheckResult, checkMachine, type MachineProbe, PROCESS_PROBE } from '../doctor-checks.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import type { Finish } from './finish.js';

const MARKS: Readonly<Record<CheckResult['state'], string>> = { good: 'ok  ', missing: 'FAIL', optional: '-   ' };

export function doctorCommand(
  environment: CommandEnvironment,
  finish: Finish,
  probe: MachineProbe = PROCESS_PROBE,
): Command {
  return new Command('doctor')
    .description('check Node.js, native libraries, serial ports, permissions and optional tools')
    .addHelpText('after', '\nExample:\n  $ rig doctor      exit code 0 when everything that runs need is there')
    .action(async () => {
      const results = await checkMachine(probe);
      for (const { state, name, detail, hint } of results)
        environment.stdout.write(`${MARKS[state]}  ${name}: ${detail}${hint === undefined ? '' : `; ${hint}`}\n`);
      finish(results.some((result) => result.state === 'missing') ? EXIT.error : EXIT.pass);
    });
}
