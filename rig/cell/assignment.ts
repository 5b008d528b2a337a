/** What every cell of a run is to be given, checked as a whole before anything starts. */

import type { CyclicSchedule } from '../../base/index.js';
import { RigError } from '../errors.js';

/** What one cell asks for. */
export interface CellAssignment {
  readonly name: string;
  /** Devices that are to belong to it alone, as the HAL names them. */
  readonly devices: readonly string[];
  readonly ramBytes: number;
  /** The core of its vCPU; absent: the host chooses. */
  readonly core?: number;
  /** `SCHED_FIFO` priority; absent: ordinary scheduling. */
  readonly priority?: number;
}

/** What there is to give. */
export interface HostResources {
  readonly cores: number;
  readonly freeMemoryBytes: number;
}

/**
 * Throws `RIG_ASSIGNMENT` with every contradiction in one sentence each: a device, a name or a core that two cells want, a
 * core that the host lacks, cells on one core without a schedule that gives each of them a window, memory that is not there.
 */
export function checkAssignment(
  cells: readonly CellAssignment[],
  host: HostResources,
  schedule?: CyclicSchedule,
): void {
  const problems = [
    ...twice(
      cells.map(({ name }) => [name, 'a second cell'] as const),
      'the name',
    ),
    ...twice(
      cells.flatMap(({ name, devices }) => devices.map((device) => [device, name] as const)),
      'the device',
    ),
    ...cells.flatMap((cell) => ownProblems(cell, host)),
    ...coreProblems(cells, schedule),
    ...memoryProblems(cells, host),
  ];
  if (problems.length === 0) return;
  throw new RigError('RIG_ASSIGNMENT', `the cells cannot be started: ${problems.join('; ')}`, {
    where: cells.map(({ name }) => name).join(', '),
    hint: 'nothing was started; give each cell what is its own, or put cells that share a core into a schedule',
  });
}

function twice(claims: readonly (readonly [what: string, owner: string])[], kind: string): string[] {
  const first = new Map<string, string>();
  const problems: string[] = [];
  for (const [what, owner] of claims) {
    const earlier = first.get(what);
    if (earlier === undefined) first.set(what, owner);
    else if (kind === 'the name') problems.push(`${kind} ${what} is used twice`);
    else problems.push(`${kind} ${what} is claimed by ${earlier} and by ${owner}`);
  }
  return problems;
}

function ownProblems({ name, core, priority }: CellAssignment, { cores }: HostResources): string[] {
  const problems: string[] = [];
  if (core !== undefined && (!Number.isInteger(core) || core < 0 || core >= cores))
    problems.push(`${name} wants core ${core}, and this host has 0 to ${cores - 1}`);
  if (priority !== undefined && (!Number.isInteger(priority) || priority < 1 || priority > 99))
    problems.push(`${name} wants priority ${priority}, and SCHED_FIFO has 1 to 99`);
  return problems;
}

function coreProblems(cells: readonly CellAssignment[], schedule: CyclicSchedule | undefined): string[] {
  const owners = new Map<number, string[]>();
  for (const { name, core } of cells) if (core !== undefined) owners.set(core, [...(owners.get(core) ?? []), name]);
  return [...owners].flatMap(([core, names]) => {
    if (names.length < 2) return [];
    if (schedule === undefined) return [`core ${core} is wanted by ${names.join(' and ')}, without a schedule`];
    return names
      .filter((name) => !schedule.windows.some(({ owner }) => owner === name))
      .map((name) => `the schedule of core ${core} has no window for ${name}`);
  });
}

function memoryProblems(cells: readonly CellAssignment[], { freeMemoryBytes }: HostResources): string[] {
  const wanted = cells.reduce((sum, { ramBytes }) => sum + ramBytes, 0);
  if (wanted <= freeMemoryBytes) return [];
  return [
    `they want ${wanted >> 20} MiB of guest memory together, and ${Math.floor(freeMemoryBytes / 2 ** 20)} MiB are free`,
  ];
}
