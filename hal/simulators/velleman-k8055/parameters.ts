/** The parameters of a simulated K8055: their schema, defaults and bounds. */

import { z } from 'zod';
import { signalSchema } from '../signal/signal.js';

const loop = z.enum(['dac1', 'dac2']);

const analogSchema = z
  .union([
    z.strictObject({ from: loop.describe('the wire from an output to this input') }),
    z.strictObject({ signal: signalSchema.describe('volts, 0 to 5') }),
  ])
  .describe('what stands at an analogue input');

const digitalSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('constant'), closed: z.boolean() }),
    z.strictObject({
      kind: z.literal('square'),
      frequencyHz: z.number().min(0).max(100_000),
      duty: z.number().min(0.001).max(0.999).default(0.5),
    }),
  ])
  .describe('a switch at a digital input: fixed, or closed and opened at a rate');

export const k8055ParametersSchema = z.strictObject({
  address: z.int().min(0).max(3).default(0).describe('jumpers SK5 and SK6'),
  analog: z
    .array(analogSchema)
    .max(2)
    .default([{ from: 'dac1' }, { from: 'dac2' }]),
  digital: z.array(digitalSchema).max(5).default([]).describe('I1 to I5; open where left out'),
});

export type K8055Parameters = z.input<typeof k8055ParametersSchema>;
export type K8055Settings = z.output<typeof k8055ParametersSchema>;
export type DigitalSettings = K8055Settings['digital'][number];
