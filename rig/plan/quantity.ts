/** Quantities as people write them ('2 s', '50 ppm', '1e-7 deg'), read into the one unit that each dimension has inside. */

import { RigError } from '../errors.js';

/** Factor from each unit to the unit used inside: ns, Hz, ppm, degrees, metres. */
const UNITS = {
  time: { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 },
  frequency: { mHz: 1e-3, Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9 },
  ratio: { ppb: 1e-3, ppm: 1, '%': 1e4 },
  angle: { deg: 1, mdeg: 1e-3, arcsec: 1 / 3600 },
  length: { mm: 1e-3, cm: 1e-2, m: 1, km: 1e3 },
} as const satisfies Record<string, Record<string, number>>;

type Units = typeof UNITS;
export type Dimension = keyof Units;

type TextOf<D extends Dimension> = `${number} ${Extract<keyof Units[D], string>}`;
/** For example `'40 us'`; read into nanoseconds. */
export type TimeText = TextOf<'time'>;
/** For example `'100 kHz'`; read into hertz. */
export type FrequencyText = TextOf<'frequency'>;
/** For example `'50 ppm'`; read into parts per million. */
export type RatioText = TextOf<'ratio'>;
/** For example `'1e-7 deg'`; read into degrees. */
export type AngleText = TextOf<'angle'>;
/** For example `'2.5 m'`; read into metres. */
export type LengthText = TextOf<'length'>;
export type QuantityText = TimeText | FrequencyText | RatioText | AngleText | LengthText;

export interface Quantity {
  readonly dimension: Dimension;
  /** In the dimension's own unit: ns, Hz, ppm, degrees or metres. */
  readonly value: number;
  readonly text: string;
}

const PATTERN = /^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*(\S+)\s*$/iu;

/** Reads any quantity; `RIG_PLAN`, naming the text, when it is none. */
export function parseQuantity(text: string): Quantity {
  const match = PATTERN.exec(text);
  if (match === null) throw notAQuantity(text, 'a number and a unit are needed');
  const number = Number(match[1]);
  const unit = match[2].replace('μ', 'µ');
  for (const dimension of Object.keys(UNITS) as Dimension[]) {
    const factor = (UNITS[dimension] as Record<string, number>)[unit];
    if (factor === undefined || !Object.hasOwn(UNITS[dimension], unit)) continue;
    const value = scale(number, factor);
    if (!Number.isFinite(value)) throw notAQuantity(text, 'the number is too large');
    return { dimension, value, text: text.trim() };
  }
  throw notAQuantity(text, `"${unit}" is no unit known here; there are ${allUnits()}`);
}

/** Reads a quantity of one dimension; `RIG_PLAN`, naming the text, when it is of another or negative. */
export function parseAs(dimension: Dimension, text: string): number {
  const quantity = parseQuantity(text);
  if (quantity.dimension !== dimension)
    throw notAQuantity(text, `a ${dimension} is needed, in ${Object.keys(UNITS[dimension]).join(', ')}`);
  if (quantity.value < 0) throw notAQuantity(text, 'it must not be negative');
  return quantity.value;
}

/** Integer nanoseconds, rounded to the nearest; up to 2^53. */
export function parseDurationNs(text: string): number {
  const ns = Math.round(parseAs('time', text));
  if (!Number.isSafeInteger(ns)) throw notAQuantity(text, 'it is longer than 104 days');
  return ns;
}

function scale(number: number, factor: number): number {
  // A division by an exact power of ten rounds once; a product with 1e-3 rounds twice, and '0.1 ppb' would not be 1e-4.
  return factor < 1 ? number / Math.round(1 / factor) : number * factor;
}

function allUnits(): string {
  return Object.values(UNITS)
    .flatMap((units) => Object.keys(units))
    .join(', ');
}

function notAQuantity(text: string, reason: string): RigError {
  return new RigError('RIG_PLAN', `"${text}" is not a quantity this place can take: ${reason}`, {
    where: text,
    hint: `write it like '2 s', '40 us', '100 kHz', '50 ppm' or '1e-7 deg'`,
  });
}
