/** The calibration memory of a USB-1608FS-Plus: 64 pairs of slope and offset, by gain and channel, as IEEE single precision. */

import type { Random } from '../../../base/index.js';
import type { MccSettings } from './parameters.js';
import { CALIBRATION_BYTES, CHANNELS } from './protocol.js';

const PAIR_BYTES = 8;
/** Year, month, day, hour, minute, second of the calibration. */
const DATE_ADDRESS = 0x200;

/** What a host writes into the memory changes the memory, and no converter. */
export class Calibration {
  readonly memory = new Uint8Array(CALIBRATION_BYTES);
  /** Of the converters, by gain and channel, as the memory said when the device was made. */
  readonly #slopes = new Float32Array(CHANNELS * CHANNELS);
  readonly #offsets = new Float32Array(CHANNELS * CHANNELS);

  constructor({ slopeDeviation, offsetDeviation }: MccSettings['calibration'], random: Random) {
    const view = new DataView(this.memory.buffer);
    for (let pair = 0; pair < CHANNELS * CHANNELS; pair++) {
      this.#slopes[pair] = 1 + slopeDeviation * random.gaussian();
      this.#offsets[pair] = offsetDeviation * random.gaussian();
      view.setFloat32(pair * PAIR_BYTES, this.#slopes[pair], true);
      view.setFloat32(pair * PAIR_BYTES + 4, this.#offsets[pair], true);
    }
    this.memory.set([26, 1, 15, 10, 30, 0], DATE_ADDRESS);
  }

  /** The code that the converter gives where a perfect one gives `code`: the inverse of slope · code + offset. */
  raw(range: number, channel: number, code: number): number {
    const pair = range * CHANNELS + channel;
    return Math.max(0, Math.min(0xffff, Math.round((code - this.#offsets[pair]) / this.#slopes[pair])));
  }
}
