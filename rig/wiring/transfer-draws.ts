/** Draws the delays of whole round trips: all stations of one transfer come from one that was measured. */

import type { Random } from '../../base/index.js';
import type { Direction } from '../run/run-types.js';
import type { DelaySource, PathTransfers, StationName } from './calibration.js';

/**
 * A transfer that enters the path towards the guest draws a row; what the guest then sends takes the rest of that row, since
 * it meets the host in the same state. What is sent without anything before it draws a row of its own.
 */
export class TransferDraws {
  readonly #path: PathTransfers;
  readonly #random: Random;
  readonly #row: Record<Direction, readonly number[]>;
  /** Whether the row that was drawn last has not been used on the way back. */
  #isOpen = false;

  constructor(path: PathTransfers, random: Random) {
    this.#path = path;
    this.#random = random;
    this.#row = { in: path.transfers[0], out: path.transfers[0] };
  }

  /** The source of one station, the first that a transfer meets on its way in or out; undefined when it was not measured. */
  source(station: StationName, direction: Direction, isFirst: boolean): DelaySource | undefined {
    const column = this.#path.columns.findIndex((c) => c.station === station && c.direction === direction);
    if (column < 0) return undefined;
    return {
      draw: () => {
        if (isFirst) this.#begin(direction);
        return this.#row[direction][column];
      },
    };
  }

  #begin(direction: Direction): void {
    const { transfers } = this.#path;
    const draws = direction === 'in' || !this.#isOpen;
    this.#row[direction] = draws ? transfers[this.#random.below(transfers.length)] : this.#row.in;
    this.#isOpen = direction === 'in';
  }
}
