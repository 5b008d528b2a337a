/** Line settings as values: checked, compared, and written the way people write them. */

import { HalError } from '../errors.js';
import type { LineSettings } from './serial-port.js';

const MAX_BAUD_RATE = 50_000_000;
const PARITY_LETTER = { none: 'N', even: 'E', odd: 'O', mark: 'M', space: 'S' } as const;

/** Throws `HAL_INVALID`, naming the field, when no line can have these settings. `where` names the port. */
export function checkLine(line: LineSettings, where: string): void {
  const refuse = (field: string, value: unknown, wanted: string): never => {
    throw new HalError('HAL_INVALID', `${field} ${String(value)} is not possible on ${where}: ${wanted}`, { where });
  };
  if (!(line.baudRate >= 1 && line.baudRate <= MAX_BAUD_RATE))
    refuse('baudRate', line.baudRate, `1 to ${MAX_BAUD_RATE} bits a second`);
  if (![5, 6, 7, 8].includes(line.dataBits)) refuse('dataBits', line.dataBits, '5, 6, 7 or 8');
  if (![1, 1.5, 2].includes(line.stopBits)) refuse('stopBits', line.stopBits, '1, 1.5 or 2');
  if (!Object.hasOwn(PARITY_LETTER, line.parity)) refuse('parity', line.parity, 'none, even, odd, mark or space');
}

export function sameLine(a: LineSettings, b: LineSettings): boolean {
  return (
    a === b ||
    (a.baudRate === b.baudRate && a.dataBits === b.dataBits && a.parity === b.parity && a.stopBits === b.stopBits)
  );
}

/** `115200 8N1`. */
export function formatLine(line: LineSettings): string {
  return `${line.baudRate} ${line.dataBits}${PARITY_LETTER[line.parity]}${line.stopBits}`;
}

/** Reads `115200`, `115200 8N1`, `9600 7E1.5`; throws `HAL_INVALID` on anything else. */
export function parseLine(text: string): LineSettings {
  const match = /^(\d+(?:\.\d+)?)(?:[ ,/]+([5-8])([NEOMS])(1|1\.5|2))?$/.exec(text.trim());
  if (match === null)
    throw new HalError('HAL_INVALID', `"${text}" is not a line setting`, {
      hint: 'Write the rate, data bits, parity letter and stop bits: 115200 8N1.',
    });
  const [, rate, data = '8', letter = 'N', stop = '1'] = match;
  const parities = Object.entries(PARITY_LETTER) as [LineSettings['parity'], string][];
  const line: LineSettings = {
    baudRate: Number(rate),
    dataBits: Number(data) as LineSettings['dataBits'],
    parity: parities.find(([, known]) => known === letter)?.[0] ?? 'none',
    stopBits: Number(stop) as LineSettings['stopBits'],
  };
  checkLine(line, `line "${text}"`);
  return line;
}

/** The parity bit that `line` sends with `byte`, -1 when it sends none. */
export function parityBit(line: LineSettings, byte: number): -1 | 0 | 1 {
  switch (line.parity) {
    case 'none':
      return -1;
    case 'mark':
      return 1;
    case 'space':
      return 0;
    default: {
      let ones = byte & ((1 << line.dataBits) - 1);
      ones ^= ones >> 4;
      ones ^= ones >> 2;
      ones ^= ones >> 1;
      return ((ones & 1) ^ (line.parity === 'odd' ? 1 : 0)) as 0 | 1;
    }
  }
}
