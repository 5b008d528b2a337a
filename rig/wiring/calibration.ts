/** Calibration files: what each station of the I/O path costs on a named machine, and how that was found out. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Random } from '../../base/index.js';
import { RigError } from '../errors.js';

/** The stations of the I/O path, nearest the guest first. Each is a point where a wall-clock run takes a time stamp. */
export const STATIONS = ['trap', 'frontend', 'driver', 'ioProcess', 'hostOs', 'cellLoop'] as const;
export type StationName = (typeof STATIONS)[number];

const quantileSchema = z.tuple([z.number().min(0).max(1), z.number().min(0)]);
const stationSchema = z.strictObject({
  /** What is measured, from where to where. */
  meaning: z.string().min(1),
  /** Number of measurements behind the quantiles. */
  count: z.number().int().min(1),
  /** Pairs of (probability, nanoseconds), from 0 to 1, both never decreasing. */
  quantiles: z
    .array(quantileSchema)
    .min(2)
    .refine((q) => q[0][0] === 0 && q[q.length - 1][0] === 1, 'the quantiles must run from probability 0 to 1')
    .refine(
      (q) => q.every((pair, i) => i === 0 || (pair[0] > q[i - 1][0] && pair[1] >= q[i - 1][1])),
      'the quantiles must increase',
    ),
});

/** Round trips kept of one path, at most. */
export const MOST_TRANSFERS = 20_000;

const pathSchema = z
  .strictObject({
    /** Stations in the order in which a round trip meets them. */
    columns: z.array(z.strictObject({ station: z.enum(STATIONS), direction: z.enum(['in', 'out']) })).min(1),
    /** One row a round trip: nanoseconds at each station. Kept together, because what delays a transfer at one station delays it at the next. */
    transfers: z
      .array(z.array(z.number().int().min(0)))
      .min(1)
      .max(MOST_TRANSFERS),
  })
  .refine(({ columns, transfers }) => transfers.every((row) => row.length === columns.length), {
    message: 'each transfer must have a number for each column',
    path: ['transfers'],
  });

const quantilesNsSchema = z.strictObject({ p50: z.number().min(0), p99: z.number().min(0) });
const predictionSchema = z.strictObject({
  architecture: z.enum(['hosted', 'partitioned']),
  frontend: z.enum(['emulated', 'paravirtual', 'ring']),
  /** Round trips that were measured, none of which the calibration rests on. */
  exchanges: z.number().int().min(1),
  /** By virtual time with this calibration. */
  predictedNs: quantilesNsSchema,
  measuredNs: quantilesNsSchema,
});

const calibrationSchema = z.strictObject({
  format: z.literal('rigvisor-calibration'),
  version: z.literal(1),
  name: z.string().min(1),
  provenance: z.strictObject({
    date: z.iso.date(),
    cpu: z.string(),
    cores: z.number().int().min(1),
    os: z.string(),
    node: z.string(),
    method: z.string(),
    conditions: z.string(),
  }),
  /** Whole round trips of characters, where they were measured: then these are drawn, and not each station by itself. */
  paths: z.strictObject({ hosted: pathSchema, partitioned: pathSchema }).optional(),
  /** What the model said of round trips that were then measured. */
  prediction: z.array(predictionSchema).optional(),
  stations: z.strictObject(
    Object.fromEntries(STATIONS.map((name) => [name, stationSchema])) as Record<StationName, typeof stationSchema>,
  ),
});

export type Calibration = z.infer<typeof calibrationSchema>;
export type PathTransfers = z.infer<typeof pathSchema>;
export type Prediction = z.infer<typeof predictionSchema>;

/** Reads a calibration file; a file that is none gives `RIG_CALIBRATION` naming the field. */
export function loadCalibration(path: string): Calibration {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new RigError('RIG_CALIBRATION', `the calibration file ${path} cannot be read: ${(cause as Error).message}`, {
      where: path,
      hint: 'name a file made by `rig calibrate --out FILE`',
      cause,
    });
  }
  const parsed = calibrationSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RigError(
    'RIG_CALIBRATION',
    `the calibration file ${path} is malformed at "${issue.path.join('.')}": ${issue.message}`,
    {
      where: path,
      hint: 'make it again by `rig calibrate --out FILE`',
    },
  );
}

/** Where the delays of one station come from. */
export interface DelaySource {
  /** A delay in whole nanoseconds. */
  draw(): number;
}

/** Draws the delay of one station by inverting its measured distribution, linear between the quantiles. */
export class DelayModel implements DelaySource {
  readonly #p: Float64Array;
  readonly #ns: Float64Array;

  constructor(
    quantiles: readonly (readonly [number, number])[],
    private readonly random: Random,
  ) {
    this.#p = Float64Array.from(quantiles, (q) => q[0]);
    this.#ns = Float64Array.from(quantiles, (q) => q[1]);
  }

  draw(): number {
    return this.at(this.random.float());
  }

  /** The quantile function itself. */
  at(probability: number): number {
    const p = this.#p;
    let i = 1;
    while (i < p.length - 1 && p[i] < probability) i++;
    const share = (probability - p[i - 1]) / (p[i] - p[i - 1]);
    return Math.round(this.#ns[i - 1] + share * (this.#ns[i] - this.#ns[i - 1]));
  }
}

/** The median of a station, for costs that are charged at every exit and must not vary between engines. */
export function medianNs(calibration: Calibration, station: StationName): number {
  return new DelayModel(calibration.stations[station].quantiles, { float: () => 0.5 } as Random).draw();
}
