/** The calibration memory of a USB-1608FS-Plus: 64 pairs of slope and offset, by gain and channel, as IEEE single precision. */

import type { Random } from '../../../base/index.js';
import type { MccSettings } from './parameters.js';
import { CALIBRATION_BYTES, CHANNELS } from './protocol.js';

const PAIR_BYTES = 8;
/** Year, month, day, hour, minute, second of the calibration. */
const DATE_ADDRESS = 0x200;

export class Calibration {
  readonly memory = new Uint8Array(CALIBRATION_BYTES);
  readonly #view = new DataView(this.memory.buffer);

  constructor({ slopeDeviation, offsetDeviation }: MccSettings['calibration'], random: Random) {
    for (let pair = 0; pair < CHANNELS * CHANNELS; pair++) {
      this.#view.setFloat32(pair * PAIR_BYTES, 1 + slopeDeviation * random.gaussian(), true);
      this.#view.setFloat32(pair * PAIR_BYTES + 4, offsetDeviation * random.gaussian(), true);
    }
    this.memory.set([26, 1, 15, 10, 30, 0], DATE_ADDRESS);
  }

  /** The code that the converter gives where a perfect one gives `code`: the inverse of slope · code + offset. */
  raw(range: number, channel: number, code: number): number {
    const at = (range * CHANNELS + channel) * PAIR_BYTES;
    const slope = this.#view.getFloat32(at, true);
    const offset = this.#view.getFloat32(at + 4, true);
    return Math.max(0, Math.min(0xffff, Math.round((code - offset) / slope)));
  }
}
