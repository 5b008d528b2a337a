/** `rig calibrate`: measures the stations of the I/O path on this host, for runs in virtual time. */

import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { RigError } from '../../errors.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import * as options from '../options.js';
import type { Finish } from './finish.js';

interface CalibrateFlags {
  readonly out: string;
  readonly exchanges: number;
  readonly quiet?: boolean;
}

const MOST_EXCHANGES = 1_000_000;

function exchanges(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST_EXCHANGES)
    throw new InvalidArgumentError(`give a whole number from 1 to ${MOST_EXCHANGES}`);
  return count;
}

export function calibrateCommand(environment: CommandEnvironment, finish: Finish): Command {
  const { stdout, stderr } = environment;
  return new Command('calibrate')
    .description('measure what each station of the I/O path costs on this machine')
    .addOption(new Option('-o, --out <file>', 'calibration file to write').default('calibration.json'))
    .addOption(
      new Option('--exchanges <count>', 'characters whose way is measured, at each of five places')
        .argParser(exchanges)
        .default(12_000),
    )
    .addOption(options.quietOption())
    .addHelpText(
      'after',
      `
Examples:
  $ rig calibrate --out here.json                  on a machine at rest; about three minutes
  $ rig run gnss-logger --calibration here.json    the plan in virtual time, with this machine's costs`,
    )
    .action(async (flags: CalibrateFlags) => {
      const { calibrate, calibrationTable, calibrationText, predictionTable } = await import(
        '../../calibrate/index.js'
      );
      const quiet = flags.quiet ?? false;
      const calibration = await calibrate({
        name: basename(flags.out, '.json'),
        exchanges: flags.exchanges,
        roundTrips: flags.exchanges,
        method: `rig calibrate --exchanges ${flags.exchanges}`,
        ...(quiet ? {} : { progress: (text) => void stderr.write(`measuring ${text}\n`) }),
      });
      write(flags.out, calibrationText(calibration));
      if (!quiet) stdout.write(`${calibrationTable(calibration)}\n${predictionTable(calibration)}\n`);
      stdout.write(`calibration: ${flags.out}\n`);
      finish(EXIT.pass);
    });
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new RigError('RIG_OUTPUT', `${path} cannot be written: ${(cause as Error).message}`, {
      where: path,
      hint: 'name a file in a folder that exists and may be written',
      cause,
    });
  }
}
