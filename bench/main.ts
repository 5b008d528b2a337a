/** `npm run bench [-- suite… --option value…]`: medians over alternating rounds, with the bars they have to meet. */

import { cpus } from 'node:os';
import { benchEngines } from './engines.bench.js';
import { benchExit } from './exit.bench.js';
import { benchInterpreter } from './interpreter.bench.js';
import { benchInterrupts } from './interrupts.bench.js';
import { benchLatency } from './latency.bench.js';
import { benchLinux } from './linux.bench.js';
import { UsageError } from './options.js';
import { benchRecord } from './record.bench.js';
import { benchReplay } from './replay.bench.js';
import { benchStartup } from './startup.bench.js';
import { benchStations } from './stations.bench.js';
import { printTable, type Row } from './table.js';
import { benchUsbSimulated } from './usb.bench.js';
import { benchUsbRecord } from './usb-record.bench.js';
import { benchUsbReplay } from './usb-replay.bench.js';

const ROUNDS = 5;

const SUITES: Readonly<
  Record<string, { readonly title: string; run(args: readonly string[]): Promise<readonly Row[]> }>
> = {
  engines: { title: 'Engines: geometric means', run: async (args) => benchEngines(args) },
  hal: {
    title: 'USB',
    run: async () => [...benchUsbSimulated(ROUNDS), ...benchUsbRecord(ROUNDS), ...benchUsbReplay()],
  },
  interpreter: { title: 'Interpreter: guest instructions a second', run: async () => benchInterpreter(ROUNDS) },
  exit: { title: 'VM exits: guest code to a device model in TypeScript and back', run: async () => benchExit(ROUNDS) },
  interrupts: { title: 'Timer interrupts of a real-time guest in wall time, and its samples', run: benchInterrupts },
  record: { title: 'Recording', run: async () => benchRecord(ROUNDS) },
  latency: { title: 'Round trips through a guest, µs, with 95 % confidence intervals', run: benchLatency },
  linux: { title: 'Linux', run: benchLinux },
  replay: { title: 'Replay', run: async () => benchReplay(3) },
  startup: { title: 'Start and memory of a machine', run: async () => benchStartup() },
  stations: { title: 'Stations of the I/O path', run: benchStations },
};

/** Without arguments a few minutes at most: `engines` and `linux` take longer, `hal` writes 1 GB, and `stations`, `latency` and `interrupts` need a quiet machine. */
const DEFAULT_SUITES = ['interpreter', 'exit', 'startup', 'record', 'replay'];

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg, i) => !arg.startsWith('-') && !(args[i - 1] ?? '').startsWith('--'));
  const unknown = names.find((name) => !(name in SUITES));
  if (unknown !== undefined) {
    process.stderr.write(`There is no suite "${unknown}"; choose from: ${Object.keys(SUITES).join(', ')}.\n`);
    process.exitCode = 2;
    return;
  }
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, Node.js ${process.versions.node}\n`,
  );
  for (const name of names.length > 0 ? names : DEFAULT_SUITES) {
    const { title, run } = SUITES[name];
    printTable(title, await run(args));
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
