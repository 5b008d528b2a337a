/** Splits measured round trips into what each station took, one row a round trip. */

import type { LatencyRound } from '../latency/index.js';
import type { Architecture, Direction, StationPassage } from '../run/run-types.js';
import type { PathTransfers, StationName } from '../wiring/calibration.js';

/** The stations of a round trip of a character, in the order in which it meets them. */
export const COLUMNS: Readonly<Record<Architecture, PathTransfers['columns']>> = {
  hosted: [
    { station: 'hostOs', direction: 'in' },
    { station: 'ioProcess', direction: 'in' },
    { station: 'driver', direction: 'in' },
    { station: 'driver', direction: 'out' },
    { station: 'ioProcess', direction: 'out' },
    { station: 'hostOs', direction: 'out' },
  ],
  partitioned: [
    { station: 'hostOs', direction: 'in' },
    { station: 'cellLoop', direction: 'in' },
    { station: 'cellLoop', direction: 'out' },
    { station: 'hostOs', direction: 'out' },
  ],
};

type Stamps = Pick<LatencyRound, 'sentNs' | 'roundTripNs'>;
type Passage = Pick<StationPassage, 'fromNs' | 'toNs'>;

/**
 * The stations of one round trip add up to it, less `guestNs`, which the guest takes in virtual time too: so many
 * nanoseconds of its way back are its own. Round trips whose passages are not one of each are left out.
 */
export function transfersOf(
  architecture: Architecture,
  { sentNs, roundTripNs }: Stamps,
  passages: readonly StationPassage[],
  guestNs: number,
): number[][] {
  const sorted = [...passages].sort((a, b) => a.fromNs - b.fromNs);
  const transfers: number[][] = [];
  let next = 0;
  for (let i = 0; i < sentNs.length; i++) {
    const startNs = sentNs[i];
    const endNs = startNs + roundTripNs[i];
    while (next < sorted.length && sorted[next].fromNs < startNs) next++;
    const met: StationPassage[] = [];
    for (; next < sorted.length && sorted[next].fromNs < endNs; next++) met.push(sorted[next]);
    const row = architecture === 'hosted' ? hosted(met, startNs, endNs) : partitioned(met, startNs, endNs);
    if (row !== undefined) transfers.push(lessGuest(architecture, row, guestNs));
  }
  return transfers;
}

function hosted(met: readonly StationPassage[], startNs: number, endNs: number): number[] | undefined {
  const arrived = one(met, 'ioProcess', 'in');
  const entered = one(met, 'driver', 'in');
  const asked = one(met, 'driver', 'out');
  const heard = one(met, 'ioProcess', 'out');
  if (arrived === undefined || entered === undefined || asked === undefined || heard === undefined) return undefined;
  return steps([startNs, arrived.fromNs, arrived.toNs, entered.toNs, asked.toNs, heard.toNs, endNs]);
}

function partitioned(met: readonly StationPassage[], startNs: number, endNs: number): number[] | undefined {
  const entered = one(met, 'cellLoop', 'in');
  const written = one(met, 'hostOs', 'out');
  if (entered === undefined || written === undefined) return undefined;
  return steps([startNs, entered.fromNs, entered.toNs, written.fromNs, endNs]);
}

/** The only passage of a station, if there is just one. */
function one(met: readonly StationPassage[], station: StationName, direction: Direction): Passage | undefined {
  const found = met.filter((passage) => passage.station === station && passage.direction === direction);
  return found.length === 1 ? found[0] : undefined;
}

function steps(instants: readonly number[]): number[] {
  return instants.slice(1).map((ns, i) => Math.max(0, Math.round(ns - instants[i])));
}

/** The guest runs between the last station inwards and the first outwards. */
function lessGuest(architecture: Architecture, row: readonly number[], guestNs: number): number[] {
  const first = COLUMNS[architecture].findIndex(({ direction }) => direction === 'out');
  return row.map((ns, i) => (i === first ? Math.max(0, ns - guestNs) : ns));
}
