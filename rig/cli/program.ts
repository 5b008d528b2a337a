/** The command line as a whole: commands, help, errors and exit codes. */

import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-version.js';
import { calibrateCommand } from './commands/calibrate.js';
import { doctorCommand } from './commands/doctor.js';
import { exportCommand } from './commands/export.js';
import type { Finish } from './commands/finish.js';
import { guestCommand } from './commands/guest.js';
import { listCommand } from './commands/list.js';
import { recordCommand } from './commands/record.js';
import { replayCommand } from './commands/replay.js';
import { runCommand } from './commands/run.js';
import { startCommand } from './commands/start.js';
import { traceCommand } from './commands/trace.js';
import { type CommandEnvironment, PROCESS_ENVIRONMENT } from './environment.js';
import { EXIT, EXIT_MEANINGS, exitCodeOf } from './exit-codes.js';
import { presentError } from './present-error.js';

function exitCodeHelp(): string {
  const lines = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `\nExit codes:\n${lines.join('\n')}`;
}

function buildProgram(environment: CommandEnvironment, finish: Finish): Command {
  const program = new Command('rig')
    .description('A hardware-in-the-loop test rig for data acquisition.')
    .version(packageVersion())
    .configureOutput({
      writeOut: (text) => void environment.stdout.write(text),
      writeErr: (text) => void environment.stderr.write(text),
    })
    .showHelpAfterError('("rig --help" and "rig COMMAND --help" say what there is)')
    .addHelpText('after', exitCodeHelp());
  for (const make of [runCommand, startCommand, recordCommand, replayCommand, exportCommand, listCommand, traceCommand])
    program.addCommand(make(environment, finish));
  program.addCommand(guestCommand(environment, finish));
  program.addCommand(calibrateCommand(environment, finish));
  program.addCommand(doctorCommand(environment, finish));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)])
    command.exitOverride().copyInheritedSettings(program).option('--verbose', 'errors with their causes and stacks');
  return program;
}

/** Runs one command line (without node and script); answers the exit code and never throws. */
export async function runCommandLine(
  args: readonly string[],
  environment: CommandEnvironment = PROCESS_ENVIRONMENT,
): Promise<number> {
  let exitCode: number = EXIT.pass;
  const program = buildProgram(environment, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.pass : EXIT.usage;
    environment.stderr.write(`${presentError(thrown, args.includes('--verbose'))}\n`);
    return exitCodeOf(thrown);
  }
}
