/** The parameters of a simulated USB-1608FS-Plus: their schema, defaults and bounds. */

import { z } from 'zod';
import { signalSchema } from '../signal/signal.js';
import { CHANNELS } from './protocol.js';

export const mccParametersSchema = z.strictObject({
  serialNumber: z
    .string()
    .regex(/^[0-9A-F]{8}$/, 'expected eight upper-case hexadecimal digits')
    .default('01ABCDEF'),
  clockPpm: z.number().min(-1000).max(1000).default(0).describe('positive: samples come too early'),
  signals: z.array(signalSchema).max(CHANNELS).default([]).describe('volts at inputs 0, 1, …; 0 V where left out'),
  counterHz: z.number().min(0).max(1e6).default(0).describe('pulses a second at the counter input'),
  digitalInputs: z.int().min(0).max(255).default(255).describe('levels at the digital pins that are inputs'),
  calibration: z
    .strictObject({
      slopeDeviation: z.number().min(0).max(0.05).default(0.001),
      offsetDeviation: z.number().min(0).max(500).default(4).describe('in codes'),
    })
    .prefault({})
    .describe('how far the converters are off; the memory says by how much'),
});

export type MccParameters = z.input<typeof mccParametersSchema>;
export type MccSettings = z.output<typeof mccParametersSchema>;
