/** The parameters of a simulated GNSS receiver: their schema, defaults and bounds. */

import { z } from 'zod';
import { FEWEST_SATELLITES } from './constellation.js';
import { NMEA_SENTENCES, UBX_MESSAGES } from './message-catalogue.js';

const latDeg = z.number().min(-90).max(90).describe('latitude, degrees north');
const lonDeg = z.number().min(-180).max(180).describe('longitude, degrees east');
const altM = z.number().min(-1000).max(100_000).default(0).describe('metres above mean sea level');
const speedMps = z.number().min(0).max(10_000).describe('speed over ground, metres per second');
const end = z.enum(['stop', 'loop']).default('stop').describe('after the last point: stay there, or begin again');
const place = { latDeg, lonDeg, altM };

const routeSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('fixed'), ...place }),
    z.strictObject({
      kind: z.literal('line'),
      ...place,
      speedMps,
      headingDeg: z.number().min(0).max(360).describe('initial heading, degrees clockwise from north'),
      climbMps: z.number().min(-1000).max(1000).default(0),
    }),
    z.strictObject({
      kind: z.literal('waypoints'),
      points: z.array(z.strictObject(place)).min(2).max(10_000),
      speedMps,
      end,
    }),
    z.strictObject({
      kind: z.literal('circle'),
      ...place,
      radiusM: z.number().min(0.1).max(1_000_000),
      speedMps,
      turn: z.enum(['clockwise', 'anticlockwise']).default('clockwise'),
    }),
    z.strictObject({
      kind: z.literal('csv'),
      text: z.string().max(16_000_000).describe('rows of time,lat,lon,alt: seconds, degrees, degrees, metres'),
      end,
    }),
  ])
  .describe('where the receiver is at any time after power-on');

const constellationSchema = z
  .strictObject({
    gps: z.int().min(0).max(20).default(9),
    glonass: z.int().min(0).max(20).default(0),
    galileo: z.int().min(0).max(20).default(0),
    beidou: z.int().min(0).max(20).default(0),
    elevationMaskDeg: z.number().min(0).max(15).default(5).describe('no satellite below is used'),
  })
  .describe('satellites in the sky, per system');

const nmeaSchema = z
  .strictObject({
    talker: z.enum(['auto', 'GP', 'GN']).default('auto').describe('auto: GP with GPS alone, GN otherwise'),
    version: z.enum(['4.0', '4.10']).default('4.0'),
    minuteDigits: z.int().min(1).max(7).default(5).describe('fractional digits of the minutes of a position'),
    sentences: z.array(z.enum(NMEA_SENTENCES)).default(['RMC', 'VTG', 'GGA', 'GSA', 'GSV', 'GLL']),
  })
  .describe('NMEA 0183 output; with ubx given and this left out there is none');

const ubxSchema = z
  .strictObject({ messages: z.array(z.enum(UBX_MESSAGES)).default(['NAV-PVT']) })
  .describe('UBX output');

const outageSchema = z.strictObject({
  fromMs: z.int().min(0).describe('after power-on'),
  durationMs: z.int().min(1),
  kind: z.enum(['no-fix', 'silent']).default('no-fix').describe('no-fix: void messages; silent: none at all'),
});

const isoUtc = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/, 'expected a UTC time like 2026-01-01T00:00:00Z')
  .refine((text) => Date.parse(text) >= Date.UTC(1980, 0, 6) && Date.parse(text) < Date.UTC(2080, 0, 1), {
    message: 'expected a time from 1980-01-06 to 2079-12-31',
  });

const RATES = z.union([z.literal(1), z.literal(5), z.literal(10)]);

/** Every field may be left out. Rules that concern several fields at once are checked here too, but for the throughput. */
export const gnssParametersSchema = z
  .strictObject({
    rateHz: RATES.default(1).describe('epochs per second'),
    startUtc: isoUtc.default('2026-01-01T00:00:00Z').describe('true time at power-on'),
    baudRate: z.int().min(1200).max(921_600).default(9600),
    nmea: nmeaSchema.optional(),
    ubx: ubxSchema.optional(),
    route: routeSchema.default({ kind: 'fixed', latDeg: 52.5163, lonDeg: 13.3777, altM: 34 }),
    geoidSeparationM: z.number().min(-200).max(200).default(0).describe('mean sea level above the ellipsoid'),
    constellation: constellationSchema.prefault({}),
    timeToFirstFixMs: z.int().min(0).max(3_600_000).default(0).describe('void messages until then'),
    outages: z.array(outageSchema).max(1000).default([]),
    latencyMs: z.number().min(0).max(999).default(60).describe('from an epoch to its first byte'),
    latencyJitterMs: z.number().min(0).max(999).default(0).describe('added to the latency, uniform from 0 to this'),
    clockPpm: z.number().min(-1000).max(1000).default(0).describe('positive: epochs come too early'),
    uartPpm: z.number().min(-100_000).max(100_000).default(0).describe('positive: bits are too short'),
    noiseM: z
      .number()
      .min(0)
      .max(10_000)
      .default(0)
      .describe('standard deviation per horizontal axis; 1.5 times that in height'),
    transmitBufferBytes: z
      .int()
      .min(256)
      .max(65_536)
      .default(4096)
      .describe('an epoch that finds no room is dropped whole'),
  })
  .superRefine((parameters, context) => {
    const problem = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    const { gps, glonass, galileo, beidou } = parameters.constellation;
    if (gps + glonass + galileo + beidou < FEWEST_SATELLITES)
      problem(
        ['constellation'],
        `expected at least ${FEWEST_SATELLITES} satellites in all, without which there is no fix`,
      );
    if (galileo + beidou > 0 && parameters.nmea !== undefined && parameters.nmea.version !== '4.10')
      problem(['nmea', 'version'], 'expected "4.10", which is the first that numbers Galileo and BeiDou satellites');
    if (parameters.latencyMs + parameters.latencyJitterMs >= 1000 / parameters.rateHz)
      problem(
        ['latencyMs'],
        `expected latencyMs + latencyJitterMs below ${1000 / parameters.rateHz} ms, the time between two epochs`,
      );
    if (parameters.nmea?.sentences.length === 0 && (parameters.ubx?.messages.length ?? 0) === 0)
      problem(['nmea', 'sentences'], 'expected at least one sentence or one UBX message');
  });

/** As they are written in a profile: every field optional. */
export type GnssParameters = z.input<typeof gnssParametersSchema>;

/** With every default filled in. */
export type GnssSettings = z.output<typeof gnssParametersSchema>;
