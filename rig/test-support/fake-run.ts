/** Made-up runs and an executor that hands them out, for tests of what judges and reports runs. */

import { byteArrivals } from '../metrics/arrivals.js';
import type { GuestReport, MatrixCell, RunExecutor, RunRequest, RunResult, TruthEpoch } from '../run/run-types.js';

export const FIRST_UTC_MS = 1_700_000_000_000;
const START_NS = 500_000_000;
const CHARACTERS = 70;
const CHARACTER_NS = 1_041_667;

export interface FakeRunOptions {
  readonly seconds?: number;
  /** Rate error of the device. */
  readonly ppm?: number;
  readonly latencyNs?: number;
  /** Added to every second latency. */
  readonly jitterNs?: number;
  /** Epochs whose report never came, by number from 0. */
  readonly lost?: readonly number[];
  /** Epochs that were reported twice. */
  readonly repeated?: readonly number[];
  readonly checksumErrors?: number;
  readonly overruns?: number;
  readonly latErrorE9?: number;
  readonly dataPath?: number;
  readonly change?: (result: RunResult) => RunResult;
}

export const FAKE_CELL: MatrixCell = {
  plan: 'fake',
  profile: 'gnss-nmea-1hz',
  binding: 'sim',
  architecture: 'hosted',
  frontend: 'emulated',
  engine: 'interpreter',
};

/** A run of a 1 Hz receiver with one guest that reports fixes and, at the end, its counters. */
export function fakeRun(options: FakeRunOptions = {}, cell: MatrixCell = FAKE_CELL): RunResult {
  const seconds = options.seconds ?? 60;
  const periodNs = 1e9 / (1 + (options.ppm ?? 0) * 1e-6);
  const truth: TruthEpoch[] = [];
  const arrivalNs: number[] = [];
  const reports: GuestReport[] = [];
  let sequence = 0;
  for (let i = 0; i < seconds; i++) {
    const atNs = Math.round(START_NS + i * periodNs);
    for (let c = 1; c <= CHARACTERS; c++) arrivalNs.push(atNs + c * CHARACTER_NS);
    const sentNs = atNs + CHARACTERS * CHARACTER_NS;
    const place = { latE9: 48_117_300_000 + i * 1000, lonE9: 11_516_700_000 - i * 1000 };
    const utcMs = FIRST_UTC_MS + i * 1000;
    truth.push({ utcMs, atNs, sentNs, ...place, altMm: 545_400, mode: 3, satellites: 8 });
    if (options.lost?.includes(i)) continue;
    const times = options.repeated?.includes(i) ? 2 : 1;
    for (let n = 0; n < times; n++) {
      const reportedAtNs = sentNs + (options.latencyNs ?? 200_000) + (i % 2 === 1 ? (options.jitterNs ?? 0) : 0);
      reports.push({
        channel: 'fix',
        type: 'fix',
        sequence: sequence++,
        guestTimeNs: reportedAtNs - 100,
        reportedAtNs,
        causeNs: sentNs,
        fields: {
          ...place,
          utcMs,
          latE9: place.latE9 + (options.latErrorE9 ?? 0),
          altMm: 545_400,
          source: 1,
          mode: 3,
          satellites: 8,
          digits: 7,
          streamOffset: (i + 1) * CHARACTERS,
        },
      });
    }
  }
  const durationNs = (seconds + 1) * 1e9;
  reports.push(countersReport(arrivalNs.length, options, durationNs));
  const result: RunResult = {
    cell,
    clockDomain: 'virtual',
    pacing: 'modelled',
    durationNs,
    guests: [
      {
        name: 'gnss-logger',
        instret: 1_000_000 + seconds,
        exits: {
          byReason: { 'mmio-read': options.dataPath ?? 4200, wfi: 61 },
          dataPath: options.dataPath ?? 4200,
          idle: 61,
        },
        console: 'gnss-logger: ready\n',
        reports,
        interrupts: { serial: Float64Array.from({ length: 100 }, (_, i) => 1000 + i) },
      },
    ],
    wire: {
      received: arrivalNs.length,
      transmitted: 0,
      arrivals: byteArrivals(arrivalNs),
      overruns: options.overruns ?? 0,
      line: { parityErrors: 0, framingErrors: 0, breaks: 0 },
      faults: {},
      stampResolutionNs: 1,
    },
    truth,
    clocks: [
      { name: 'device', ppm: 2, quantumNs: 1_041_667 },
      { name: 'guest', ppm: 0, quantumNs: 100 },
      { name: 'stamps', ppm: 0, quantumNs: 1 },
    ],
    stations: [{ station: 'trap', direction: 'in', count: 4200, p50Ns: 1000, p99Ns: 1200, maxNs: 1500 }],
    certification: {
      certified: true,
      sentence: 'the replay from the journal gave the same output',
      outputDigest: 'a'.repeat(64),
      ramDigest: 'b'.repeat(64),
      instret: 1_000_000 + seconds,
    },
    trace: { path: '/somewhere/on/this/machine/trace.pcapng', sha256: 'c'.repeat(64), blocks: 100, bytes: 12_345 },
    stop: { kind: 'duration', sentence: 'the run lasted as long as it was asked to' },
    calibration: {
      name: 'fake',
      provenance: 'made up for a test',
      prediction: [
        {
          architecture: 'hosted',
          frontend: 'emulated',
          exchanges: 4000,
          predictedNs: { p50: 1_100_000, p99: 6_000_000 },
          measuredNs: { p50: 1_000_000, p99: 5_000_000 },
        },
      ],
    },
  };
  return options.change === undefined ? result : options.change(result);
}

function countersReport(characters: number, options: FakeRunOptions, atNs: number): GuestReport {
  return {
    channel: 'counters',
    type: 'counters',
    sequence: 0,
    guestTimeNs: atNs - 1000,
    reportedAtNs: atNs,
    fields: {
      bytes: characters - (options.overruns ?? 0),
      nmeaOk: 60,
      nmeaChecksumErrors: options.checksumErrors ?? 0,
      ubxChecksumErrors: 0,
      ubxOk: 0,
    },
  };
}

export interface FakeExecutor extends RunExecutor {
  readonly requests: RunRequest[];
}

/** Hands out `answer(request)`, which may throw or wait as a real run would. */
export function fakeExecutor(
  answer: (request: RunRequest) => RunResult | Promise<RunResult> = (request) => fakeRun({}, request.cell),
): FakeExecutor {
  const requests: RunRequest[] = [];
  return {
    requests,
    execute: async (request) => {
      requests.push(request);
      return answer(request);
    },
  };
}
