/** What a guest's run amounted to, for `--stats`. */

import type { ExitSnapshot, Machine, VcpuStatistics } from '../../vmm/index.js';
import { formatValue } from '../metrics/measurement.js';

export interface GuestStatistics {
  readonly instructions: number;
  /** The guest's own time. */
  readonly guestNs: number;
  readonly domain: 'virtual' | 'wall';
  readonly wallMs: number;
  readonly exits: ExitSnapshot;
  readonly engine: VcpuStatistics | undefined;
}

export function statisticsOf(machine: Machine, guestNs: number, wallMs: number): GuestStatistics {
  return {
    instructions: machine.instret,
    guestNs,
    domain: machine.pace === undefined ? 'wall' : 'virtual',
    wallMs,
    exits: machine.exits.snapshot(),
    engine: machine.core.vcpu.statistics?.(),
  };
}

const ENGINE_LABELS: readonly (readonly [keyof VcpuStatistics, string])[] = [
  ['translatedRegions', 'regions translated'],
  ['droppedRegions', 'regions dropped'],
  ['generatedBytes', 'bytes of code'],
  ['translatedInstructions', 'translated instr.'],
  ['interpretedInstructions', 'interpreted instr.'],
];

/** Lines of label and value, for example `instructions         1000`. */
export function statisticsLines(statistics: GuestStatistics): string[] {
  const { instructions, guestNs, domain, wallMs, exits, engine } = statistics;
  const rate = wallMs > 0 ? (instructions / wallMs) * 1000 : Number.NaN;
  const rows: (readonly [string, string])[] = [
    ['instructions', String(instructions)],
    [`${domain} time`, formatValue(guestNs, 'ns')],
    ['host time', formatValue(Math.round(wallMs * 1e6), 'ns')],
    ['instructions a second', Number.isNaN(rate) ? 'unknown' : String(Math.round(rate))],
    ['exits', String(exits.total)],
    ['  device reads', String(exits.mmioReads)],
    ['  device writes', String(exits.mmioWrites)],
    ['  hypercalls', String(exits.hypercalls)],
    ['  access faults', String(exits.faults)],
    ['waits (wfi)', String(exits.idle)],
    ...exits.regions.map(
      ({ region, reads, writes }) => [`exits to ${region}`, `${reads} reads, ${writes} writes`] as const,
    ),
  ];
  for (const [key, label] of ENGINE_LABELS) {
    const value = engine?.[key];
    if (value !== undefined) rows.push([label, String(value)]);
  }
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`);
}
