/** The parameters of a simulated RV-DAQ16: their schema, defaults and bounds. */

import { z } from 'zod';
import { signalSchema } from '../signal/signal.js';

export const daqBoardParametersSchema = z.strictObject({
  channels: z.int().min(1).max(16).default(16).describe('inputs that the board has'),
  fifoSamples: z
    .int()
    .min(64)
    .max(65_536)
    .refine((n) => (n & (n - 1)) === 0, 'expected a power of two')
    .default(4096),
  clockPpm: z.number().min(-1000).max(1000).default(0).describe('positive: samples come too early'),
  jitterNs: z.number().min(0).max(10_000).default(0).describe('standard deviation of a sample instant'),
  signals: z.array(signalSchema).max(16).default([]).describe('volts at inputs 0, 1, …; 0 V where left out'),
});

export type DaqBoardParameters = z.input<typeof daqBoardParametersSchema>;
export type DaqBoardSettings = z.output<typeof daqBoardParametersSchema>;
