/** Whether a line is fast enough for what a receiver wants to say at every epoch. */

import { HalError } from '../../errors.js';
import { bitsPerCharacter, type LineSettings } from '../../serial/serial-port.js';

const STANDARD_RATES = [4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

/** Throws `HAL_INVALID`, naming the cure, when `bytes` take longer than `periodMs` on `line`. */
export function checkThroughput(bytes: number, line: LineSettings, periodMs: number): void {
  const bits = bytes * bitsPerCharacter(line);
  const neededMs = (bits * 1000) / line.baudRate;
  if (neededMs <= periodMs) return;
  const faster = STANDARD_RATES.find((rate) => (bits * 1000) / rate <= periodMs);
  const cure =
    faster === undefined ? 'use a lower rate or fewer sentences' : `use at least ${faster} baud or fewer sentences`;
  throw new HalError(
    'HAL_INVALID',
    `at ${Math.round(line.baudRate)} baud an epoch of ${bytes} bytes takes ${(neededMs / 1000).toFixed(2)} s, ` +
      `but one begins every ${(periodMs / 1000).toFixed(2)} s; ${cure}`,
    { where: 'baudRate', hint: `${cure.charAt(0).toUpperCase()}${cure.slice(1)}.` },
  );
}
