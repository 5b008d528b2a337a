/** Measures every station of the I/O path on this host and makes a calibration of it. */

import { cpus, loadavg, release } from 'node:os';
import { WallClock } from '../../base/index.js';
import type { Calibration, StationName } from '../wiring/calibration.js';
import { GAP_MS, measureArrivals } from './measure-arrivals.js';
import { measureFrontend, measureLoop, measureTrap } from './measure-local.js';
import { withPaths } from './measure-paths.js';

export interface CalibrateOptions {
  readonly name: string;
  /** Characters whose way to the driver is measured. */
  readonly exchanges: number;
  /** Round trips of each architecture that are measured through a whole run, and as many again to check the model; none when absent. */
  readonly roundTrips?: number;
  /** The command that measures, for the provenance. */
  readonly method: string;
  /** Called before each measurement with what is about to be measured. */
  readonly progress?: (text: string) => void;
}

/** Probabilities at which a calibration keeps the delays. */
export const PROBABILITIES = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1] as const;

const MEANINGS: Readonly<Record<StationName, string>> = {
  trap: 'leaving the guest for an emulated register and entering it again, without the device model',
  frontend: 'one register access of the NS16550A model',
  driver: 'from the message of the I/O process to the character at the frontend, in the VMM process',
  ioProcess: 'from the read in the I/O process to its message in the VMM process',
  hostOs: 'from the write at the far end of a pseudo-terminal to the read in the I/O process: wake-up and event loop',
  cellLoop: 'one turn of an I/O loop that polls without sleeping',
};

/** Takes about two milliseconds an exchange, and uses one core or two. Rejects with `HAL_UNSUPPORTED` where there are no pseudo-terminals. */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { exchanges, progress = () => {} } = options;
  progress(`${exchanges} characters over a pseudo-terminal`);
  const arrivals = await measureArrivals(exchanges);
  progress('exits and registers');
  const trap = measureTrap();
  const frontend = measureFrontend();
  progress('the I/O loop');
  const samples = { trap, frontend, ...arrivals, cellLoop: await measureLoop() };
  const stationOf = (name: StationName): Calibration['stations'][StationName] => ({
    meaning: MEANINGS[name],
    count: samples[name].length,
    quantiles: quantilesOf(samples[name]),
  });
  const base: Calibration = {
    format: 'rigvisor-calibration',
    version: 1,
    name: options.name,
    provenance: provenance(options),
    stations: {
      trap: stationOf('trap'),
      frontend: stationOf('frontend'),
      driver: stationOf('driver'),
      ioProcess: stationOf('ioProcess'),
      hostOs: stationOf('hostOs'),
      cellLoop: stationOf('cellLoop'),
    },
  };
  const { roundTrips } = options;
  return roundTrips === undefined ? base : withPaths(base, { exchanges: roundTrips, progress });
}

function provenance({ exchanges, method }: CalibrateOptions): Calibration['provenance'] {
  return {
    date: today(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: Math.max(1, cpus().length),
    os: `${process.platform} ${release()}`,
    node: process.versions.node,
    method,
    conditions: `pseudo-terminal as the wire, one character at a time, ${exchanges} arrivals ${GAP_MS[0]} to ${GAP_MS[1]} ms apart; load average of the machine ${loadavg()[0].toFixed(2)}`,
  };
}

/** As YYYY-MM-DD, in UTC: the Swedish way to write a date. */
function today(): string {
  const unixMs = Number(new WallClock().originUnixNs / 1_000_000n);
  return new Intl.DateTimeFormat('sv-SE', { timeZone: 'UTC' }).format(unixMs);
}

/** Pairs of (probability, whole nanoseconds), by nearest rank; a clock that seems to run backwards counts as 0. */
export function quantilesOf(samples: readonly number[]): [number, number][] {
  const sorted = [...samples].sort((a, b) => a - b);
  return PROBABILITIES.map((p) => [p, Math.max(0, Math.round(sorted[Math.round(p * (sorted.length - 1))]))]);
}
