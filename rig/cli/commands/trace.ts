/** `rig trace info` and `rig trace export`: look into a trace, and take its data out. */

import { resolve } from 'node:path';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { loadWiring } from '../../plan/context.js';
import type { ExportFormat } from '../../run/services.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import type { Finish } from './finish.js';

const FORMATS: readonly ExportFormat[] = ['bytes', 'csv', 'pcapng'];

const EXAMPLES = `
Examples:
  $ rig trace info drive.pcapng
  $ rig trace export drive.pcapng --format bytes -o drive.nmea
  $ rig trace export run.pcapng --format pcapng --interface 'journal guest' -o journal.pcapng`;

export function traceCommand(environment: CommandEnvironment, finish: Finish): Command {
  const command = new Command('trace').description('look into a trace').addHelpText('after', EXAMPLES);
  command
    .command('info')
    .description('what a trace holds: interfaces, counts, times, statistics, damage')
    .argument('<trace>')
    .action(async (path: string) => finish(await info(path, environment)));
  command
    .command('export')
    .description('write the data of one interface to a file')
    .argument('<trace>')
    .requiredOption('-o, --out <file>', 'file to write; an existing one is refused')
    .addOption(
      new Option('--format <name>', 'bytes: received characters; csv: one line a block; pcapng: one interface')
        .choices(FORMATS)
        .default('bytes'),
    )
    .option('-i, --interface <name>', 'interface by name or number; default: the first serial one')
    .action(async (path: string, flags: { out: string; format: ExportFormat; interface?: string }) => {
      const { exportTrace } = await loadWiring();
      const sentence = await exportTrace({
        tracePath: path,
        outPath: resolve(flags.out),
        format: flags.format,
        ...(flags.interface === undefined ? {} : { interface: flags.interface }),
      });
      environment.stdout.write(`${sentence}\n`);
      finish(EXIT.pass);
    });
  return command;
}

async function info(path: string, { stdout }: CommandEnvironment): Promise<number> {
  const { traceInfo } = await loadWiring();
  const { facts, interfaces, damage } = await traceInfo(path);
  const width = Math.max(0, ...facts.map(([label]) => label.length));
  for (const [label, value] of facts) stdout.write(`${label.padEnd(width)}  ${value}\n`);
  const table = new Table({
    head: ['#', 'interface', 'link type', 'blocks', 'bytes'],
    style: { head: [], border: [], compact: true },
  });
  for (const [index, entry] of interfaces.entries())
    table.push([index, entry.name, entry.linkType, entry.blocks, entry.bytes]);
  stdout.write(`${table.toString()}\n`);
  for (const sentence of damage) stdout.write(`damage: ${sentence}\n`);
  return EXIT.pass;
}
