/** Signals that feed the inputs of simulated instruments: pure functions of time, the same to the last bit on every machine. */

import { z } from 'zod';
import { sin } from '../portable-math.js';
import { parseSignalCsv } from './signal-csv.js';

const value = z.number().min(-1e9).max(1e9);
const frequencyHz = z.number().min(0).max(1e9);

/** What a profile may write for a signal; values are in the unit of the input it feeds. */
export const signalSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant'), value }),
    z.strictObject({
      kind: z.literal('sine'),
      amplitude: value,
      offset: value.default(0),
      frequencyHz,
      phaseDeg: z.number().min(-360).max(360).default(0),
    }),
    z.strictObject({
      kind: z.literal('ramp'),
      from: value,
      to: value,
      periodMs: z.number().min(0.001).max(1e9).describe('from the first value to the last, then again'),
    }),
    z.strictObject({
      kind: z.literal('square'),
      low: value.default(0),
      high: value.default(1),
      frequencyHz,
      duty: z.number().min(0).max(1).default(0.5).describe('share of a period that is high'),
    }),
    z.strictObject({ kind: z.literal('step'), before: value, after: value, atMs: z.number().min(0).max(1e9) }),
    z.strictObject({
      kind: z.literal('noise'),
      offset: value.default(0),
      deviation: z.number().min(0).max(1e9).describe('standard deviation'),
    }),
    z.strictObject({
      kind: z.literal('csv'),
      text: z
        .string()
        .max(16_000_000)
        .describe('rows of time,value: seconds and the unit of the input; linear between'),
      end: z.enum(['stop', 'loop']).default('stop'),
    }),
  ])
  .describe('what stands at an input over time');

export type SignalSettings = z.output<typeof signalSchema>;

/** A signal as a function of nanoseconds since power-on. */
export type Signal = (timeNs: number) => number;

/** `seed` matters to noise alone. Throws `HAL_INVALID` for rows that are no signal. */
export function createSignal(settings: SignalSettings, seed: number): Signal {
  switch (settings.kind) {
    case 'constant':
      return () => settings.value;
    case 'sine': {
      const { amplitude, offset, phaseDeg } = settings;
      const turns = phaseDeg / 360;
      return (timeNs) =>
        offset + amplitude * sin(2 * Math.PI * fraction((timeNs * settings.frequencyHz) / 1e9 + turns));
    }
    case 'ramp': {
      const { from, to, periodMs } = settings;
      return (timeNs) => from + (to - from) * fraction(timeNs / (periodMs * 1e6));
    }
    case 'square':
      return (timeNs) =>
        fraction((timeNs * settings.frequencyHz) / 1e9) < settings.duty ? settings.high : settings.low;
    case 'step':
      return (timeNs) => (timeNs < settings.atMs * 1e6 ? settings.before : settings.after);
    case 'noise':
      return (timeNs) => settings.offset + settings.deviation * deviate(timeNs, seed);
    case 'csv':
      return parseSignalCsv(settings.text, settings.end === 'loop');
  }
}

function fraction(x: number): number {
  return x - Math.floor(x);
}

/** A standard normal deviate that depends on the time alone: the sum of twelve hashed uniforms (Irwin-Hall). */
function deviate(timeNs: number, seed: number): number {
  let h = (timeNs ^ (Math.floor(timeNs / 0x1_0000_0000) * 0x9e37_79b1) ^ seed) | 0;
  let sum = 0;
  for (let i = 0; i < 12; i++) {
    h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b) + 0x9e37_79b9;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
    h ^= h >>> 16;
    sum += h >>> 0;
  }
  return sum / 0x1_0000_0000 - 6;
}
