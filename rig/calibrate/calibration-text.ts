/** A calibration as the text of its file. */

import type { Calibration } from '../wiring/calibration.js';

const NUMBERS = /\[\s+([\d.,\s]+?)\s+\]/g;

/** JSON to be read by people: a list of numbers on one line. */
export function calibrationText(calibration: Calibration): string {
  const text = JSON.stringify(calibration, null, 2);
  return `${text.replace(NUMBERS, (_, numbers: string) => `[${numbers.split(/\s+/).join(' ')}]`)}\n`;
}
