/**
 * Measures what each station of the I/O path costs on this machine, and writes it as a calibration file:
 * `npm run bench -- stations --write FILE`.
 */

import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { VirtualClock, WallClock } from '../base/index.js';
import { type LineSettings, openPty, openRealPort, type SerialPort, type SerialSink } from '../hal/index.js';
import { assemble, createMachine, Ns16550a, parseImage, VirtualScheduler } from '../vmm/index.js';
import { monotonicNs, timeNs, today } from './clock.js';
import { type Row, toRow } from './table.js';

const LINE: LineSettings = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
const ARRIVALS = 4000;
/** Between two characters sent: 1 to 3 ms, so that the reader sleeps each time. */
const GAP_MS = [1, 3] as const;
const QUANTILES = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1] as const;

interface Station {
  readonly meaning: string;
  readonly samples: readonly number[];
}

export async function benchStations(args: readonly string[]): Promise<readonly Row[]> {
  const path = args[args.indexOf('--write') + 1];
  const write = args.includes('--write');
  if (write && path === undefined) throw new Error('--write needs the path of the file to write');
  const arrivals = await measureArrivals();
  const stations: Record<string, Station> = {
    trap: {
      meaning: 'leaving the guest for an emulated register and entering it again, without the device model',
      samples: measureTrap(),
    },
    frontend: { meaning: 'one register access of the NS16550A model', samples: measureFrontend() },
    driver: {
      meaning: 'from the message of the I/O process to the character at the frontend, in the VMM process',
      samples: arrivals.driver,
    },
    ioProcess: {
      meaning: 'from the read in the I/O process to its message in the VMM process',
      samples: arrivals.ioProcess,
    },
    hostOs: {
      meaning:
        'from the write at the far end of a pseudo-terminal to the read in the I/O process: wake-up and event loop',
      samples: arrivals.hostOs,
    },
    cellLoop: { meaning: 'one turn of an I/O loop that polls without sleeping', samples: await measureLoop() },
  };
  if (write) writeFileSync(path, `${JSON.stringify(calibration(stations), null, 2)}\n`);
  return Object.entries(stations).map(([name, { samples }]) => toRow(name, samples, 'ns'));
}

function calibration(stations: Readonly<Record<string, Station>>): unknown {
  return {
    format: 'rigvisor-calibration',
    version: 1,
    name: 'reference',
    provenance: {
      date: today(),
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      os: `${process.platform} ${release()}`,
      node: process.versions.node,
      method: 'npm run bench -- stations',
      conditions: `pseudo-terminal as the wire, one character at a time, ${ARRIVALS} arrivals ${GAP_MS[0]} to ${GAP_MS[1]} ms apart; load average of the machine ${loadavg()[0].toFixed(2)}`,
    },
    stations: Object.fromEntries(
      Object.entries(stations).map(([name, { meaning, samples }]) => [
        name,
        { meaning, count: samples.length, quantiles: quantiles(samples) },
      ]),
    ),
  };
}

function quantiles(samples: readonly number[]): [number, number][] {
  const sorted = [...samples].sort((a, b) => a - b);
  return QUANTILES.map((p) => [p, Math.max(0, Math.round(sorted[Math.round(p * (sorted.length - 1))]))]);
}

/** A wire that sends one character now and then, and notes when. */
class Sender implements SerialPort {
  readonly name = 'sender';
  readonly sentNs: number[] = [];
  #sink: SerialSink | undefined;

  constructor(private readonly clock: WallClock) {}

  attach(sink: SerialSink): void {
    this.#sink = sink;
  }

  send(): void {
    this.sentNs.push(this.clock.now());
    this.#sink?.receive(0x55, 0);
  }

  configure(): void {}
  transmit(): void {}
  modemControl(): void {}
  close(): void {}
}

async function measureArrivals(): Promise<Record<'hostOs' | 'ioProcess' | 'driver', number[]>> {
  const clock = new WallClock();
  const sender = new Sender(clock);
  const pty = await openPty({ port: sender, clock, line: LINE, start: 'now' });
  const result = { hostOs: [] as number[], ioProcess: [] as number[], driver: [] as number[] };
  let messageNs = 0;
  let received = 0;
  const port = await openRealPort({
    path: pty.path,
    line: LINE,
    clock,
    onChunk: ({ atNs }) => {
      messageNs = clock.now();
      result.hostOs.push(atNs - (sender.sentNs[received] ?? atNs));
      result.ioProcess.push(messageNs - atNs);
    },
  });
  port.attach({
    receive: () => {
      result.driver.push(clock.now() - messageNs);
      received++;
    },
    modemStatus: () => {},
    disconnected: () => {},
  });
  try {
    await sleep(200);
    for (let i = 0; i < ARRIVALS; i++) {
      sender.send();
      const spread = ((i * 7919) % 1000) / 1000;
      await sleep(GAP_MS[0] + spread * (GAP_MS[1] - GAP_MS[0]));
    }
    await sleep(200);
  } finally {
    port.close();
    await port.whenClosed;
    await pty.close();
  }
  return result;
}

const TRAP_ROUNDS = 200;
const TRAP_EXITS = 5000;

/** A guest that reads a register of the test finisher, the smallest device there is, less the same loop on RAM. */
function measureTrap(): number[] {
  const loop = (address: string) => `
    li a0, ${address}
loop:
    lw a2, 0(a0)
    j loop`;
  const timed = (address: string) => {
    const clock = new VirtualClock();
    const image = parseImage(assemble(loop(address)).bytes, 'trap');
    const machine = createMachine({ name: 'trap', engine: 'interpreter', image, clock });
    const scheduler = new VirtualScheduler(clock);
    if (machine.pace !== undefined) scheduler.add(machine.pace);
    // Two instructions of 10 ns for each exit.
    return () => timeNs(() => scheduler.runUntil(clock.now() + TRAP_EXITS * 20)) / TRAP_EXITS;
  };
  const exits = timed('0x100000');
  const plain = timed('0x80001000');
  for (let i = 0; i < 50; i++) exits() + plain();
  return Array.from({ length: TRAP_ROUNDS }, () => Math.max(0, exits() - plain()));
}

function measureFrontend(): number[] {
  const uart = new Ns16550a({ clock: new VirtualClock(), line: { set: () => {} } });
  let seen = 0;
  const once = () =>
    timeNs(() => {
      for (let i = 0; i < 1000; i++) seen += uart.read(5, 1);
    }) / 1000;
  for (let i = 0; i < 200; i++) once();
  const samples = Array.from({ length: 1000 }, once);
  if (seen === 0) throw new Error('the UART says that it is never empty');
  return samples;
}

async function measureLoop(): Promise<number[]> {
  const samples: number[] = [];
  let last = monotonicNs();
  for (let i = 0; i < 20_000; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = monotonicNs();
    samples.push(now - last);
    last = now;
  }
  return samples.slice(1000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
