/** `rig trace`: look into a trace, take its data out, compare two, and make one of other programs' recordings. */

import { resolve } from 'node:path';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { loadWiring } from '../../plan/context.js';
import type { EndpointFacts, ExportFormat } from '../../run/services.js';
import type { CommandEnvironment } from '../environment.js';
import { EXIT } from '../exit-codes.js';
import type { Finish } from './finish.js';
import { convertCommand } from './trace-convert.js';
import { diffCommand } from './trace-diff.js';

const FORMATS: readonly ExportFormat[] = ['bytes', 'csv', 'pcapng'];

const EXAMPLES = `
Examples:
  $ rig trace info drive.pcapng
  $ rig trace export drive.pcapng --format bytes -o drive.nmea
  $ rig trace export run.pcapng --format pcapng --interface 'journal guest' -o journal.pcapng
  $ rig trace export keyboard.pcapng --format csv -o urbs.csv
  $ rig trace convert capture.sr capture.pcapng
  $ rig trace diff yesterday.pcapng today.pcapng`;

interface ExportFlags {
  readonly out: string;
  readonly format: ExportFormat;
  readonly direction: 'received' | 'transmitted';
  readonly interface?: string;
}

export function traceCommand(environment: CommandEnvironment, finish: Finish): Command {
  const command = new Command('trace')
    .description('look into traces, compare and convert them')
    .addHelpText('after', EXAMPLES);
  command
    .command('info')
    .description('what a trace or a recording of another program holds: devices, counts, times, damage')
    .argument('<file>')
    .action(async (path: string) => finish(await info(path, environment)));
  command
    .command('export')
    .description('write the data of one interface to a file')
    .argument('<trace>')
    .requiredOption('-o, --out <file>', 'file to write; an existing one is refused')
    .addOption(
      new Option('--format <name>', 'bytes: data alone; csv: one line a block or transfer; pcapng: one interface')
        .choices(FORMATS)
        .default('bytes'),
    )
    .option('-i, --interface <name>', 'interface by name or number; default: the first serial or USB one')
    .addOption(
      new Option('--direction <name>', 'bytes: what the host received, or what it sent')
        .choices(['received', 'transmitted'])
        .default('received'),
    )
    .action(async (path: string, flags: ExportFlags) => {
      const { exportTrace } = await loadWiring();
      const sentence = await exportTrace({
        tracePath: path,
        outPath: resolve(flags.out),
        format: flags.format,
        direction: flags.direction,
        ...(flags.interface === undefined ? {} : { interface: flags.interface }),
      });
      environment.stdout.write(`${sentence}\n`);
      finish(EXIT.pass);
    });
  command.addCommand(convertCommand(environment, finish));
  command.addCommand(diffCommand(environment, finish));
  return command;
}

async function info(path: string, { stdout }: CommandEnvironment): Promise<number> {
  const { traceInfo } = await loadWiring();
  const { facts, interfaces, endpoints, damage } = await traceInfo(path);
  const width = Math.max(0, ...facts.map(([label]) => label.length));
  for (const [label, value] of facts) stdout.write(`${label.padEnd(width)}  ${value}\n`);
  const table = new Table({
    head: ['#', 'interface', 'link type', 'blocks', 'bytes', 'from', 'to', 'dropped', 'cut'],
    style: { head: [], border: [], compact: true },
  });
  for (const [index, { name, linkType, blocks, bytes, from, to, dropped, cut }] of interfaces.entries())
    table.push([index, name, linkType, blocks, bytes, from, to, dropped, cut]);
  if (interfaces.length > 0) stdout.write(`${table.toString()}\n`);
  if (endpoints.length > 0) stdout.write(`${endpointTable(endpoints)}\n`);
  for (const sentence of damage) stdout.write(`damage: ${sentence}\n`);
  return EXIT.pass;
}

/** One line an endpoint; the device's name stands in the first of its lines. */
function endpointTable(endpoints: readonly EndpointFacts[]): string {
  const table = new Table({
    head: ['USB device', 'endpoint', 'type', 'URBs', 'completed', 'failed', 'bytes', 'cut'],
    style: { head: [], border: [], compact: true },
  });
  for (const [i, entry] of endpoints.entries())
    table.push([
      entry.device === endpoints[i - 1]?.device ? '' : entry.device,
      entry.endpoint,
      entry.type,
      entry.submitted,
      entry.completed,
      entry.failed,
      entry.bytes,
      entry.truncated,
    ]);
  return table.toString();
}
