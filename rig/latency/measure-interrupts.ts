/** What the timer interrupts of a real-time guest wait in wall time, beside a general-purpose one that does its worst. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NS_PER_SECOND } from '../../base/index.js';
import { runPair } from '../cell/run-pair.js';
import { RigError } from '../errors.js';
import { NO_DEVICE } from '../plan/matrix.js';
import type { Architecture, Engine, GuestRun } from '../run/run-types.js';
import { hostedDevices } from '../wiring/device-hosts.js';
import { openGuest } from '../wiring/open-guest.js';
import type { RunEvidence } from '../wiring/run-result.js';
import { performWallRun } from '../wiring/wall-run.js';

export interface InterruptOptions {
  readonly architecture: Architecture;
  readonly engine: Engine;
  /** Samples a second. */
  readonly rate: number;
  /** Boot arguments of the neighbour: `mode=idle`. */
  readonly neighbour: string;
  readonly seconds: number;
  readonly realTime?: boolean;
}

export interface InterruptRound {
  /** In their order, nanoseconds from the instant of the timer to the first instruction of the handler. */
  readonly latencyNs: Float64Array;
  /** Instants at which no sample was taken, because the guest was still late with the one before; undefined when it was too busy to say. */
  readonly overruns: number | undefined;
  /** Blocks that the guest made, and how many of their numbers are missing among its reports. */
  readonly blocks: number;
  readonly lostBlocks: number;
  /** Blocks that the neighbour took whole, broken, or too late. */
  readonly taken: { readonly good: number; readonly bad: number; readonly missed: number };
}

const GUEST = 'rt-sampler';
const NEIGHBOUR = 'gp-load';
/** How often both report their counters. */
const COUNTERS_MS = 50;

/** One run; nothing is certified, since only times are wanted. Rejects as a run does that cannot begin or is lost. */
export async function measureInterrupts(options: InterruptOptions): Promise<InterruptRound> {
  const outDir = mkdtempSync(join(tmpdir(), 'rigvisor-interrupts-'));
  try {
    return roundOf(await perform(options, outDir));
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

function perform(options: InterruptOptions, outDir: string): Promise<RunEvidence> {
  const { architecture, engine, rate, neighbour, seconds, realTime = true } = options;
  const companion = { guest: NEIGHBOUR, bootargs: `${neighbour} report=${COUNTERS_MS}` };
  const request = {
    cell: {
      plan: 'interrupts',
      profile: NO_DEVICE,
      binding: 'real',
      architecture,
      frontend: architecture === 'hosted' ? 'emulated' : 'ring',
      engine,
    },
    guest: GUEST,
    bootargs: `rate=${rate} counters=${COUNTERS_MS}`,
    durationNs: seconds * NS_PER_SECOND,
    seed: 'interrupts',
    outDir,
    companion,
    interrupts: ['timer'],
    realTime,
  } as const;
  if (architecture === 'partitioned') return runPair(request, companion, undefined);
  const beside = openGuest(NEIGHBOUR);
  return performWallRun(request, openGuest(GUEST), undefined, { hosts: hostedDevices(), companion: beside });
}

function roundOf({ guests }: RunEvidence): InterruptRound {
  const [sampler, neighbour] = guests;
  const latencies = sampler.interrupts?.timer;
  if (latencies === undefined) throw new RigError('RIG_INTERNAL', 'a run whose timer is measured has not measured it');
  const counters = lastCounters(sampler);
  const numbers = sampler.reports.filter(({ channel }) => channel === 'blocks').map(({ fields }) => fields.sequence);
  const taken = neighbour === undefined ? {} : lastCounters(neighbour);
  return {
    latencyNs: Float64Array.from(latencies),
    overruns: counters.overruns,
    blocks: numbers.length,
    lostBlocks: (numbers.at(-1) ?? 0) - numbers.length,
    taken: { good: taken.good ?? 0, bad: taken.bad ?? 0, missed: taken.missed ?? 0 },
  };
}

function lastCounters({ reports }: GuestRun): Readonly<Record<string, number>> {
  return reports.findLast(({ channel }) => channel === 'counters')?.fields ?? {};
}
