/** Which cells of the matrix a plan runs in: what the plan allows, cut down to what was asked for. */

import { RigError } from '../errors.js';
import {
  ARCHITECTURES,
  type Architecture,
  BINDINGS,
  type Binding,
  DEFAULT_ENGINE,
  type Engine,
  type Frontend,
  HOSTED_FRONTENDS,
  type MatrixCell,
} from '../run/run-types.js';

/** What a plan declares. Absent: everything. */
export interface PlanMatrix {
  readonly profile?: string;
  readonly profiles?: readonly string[];
  readonly architectures?: readonly Architecture[];
  readonly bindings?: readonly Binding[];
  /** Hosted only; `emulated` when absent. */
  readonly frontends?: readonly Frontend[];
  readonly engines?: readonly Engine[];
  /** File names in the recordings folder, or paths: the cells with binding `replay`, one for each. */
  readonly recording?: string;
  readonly recordings?: readonly string[];
}

/** What was asked for on the command line or in the environment. Absent: whatever the plan declares. */
export interface Selection {
  readonly bindings?: readonly Binding[];
  readonly architectures?: readonly Architecture[];
  readonly frontends?: readonly Frontend[];
  readonly engines?: readonly Engine[];
  readonly profiles?: readonly string[];
  /** Replaces the plan's recordings. */
  readonly recording?: string;
}

export interface PlannedCell {
  readonly cell: MatrixCell;
  /** As the plan or the command line names it; in cells with binding `replay`. */
  readonly recordingPath?: string;
}

/** Stands in a plan where others name a profile: its guest has no device. */
export const NO_DEVICE = 'none';

/** A guest that drives a device cannot do without, and one that has none has no use for it. */
function refuseOtherKind(plan: string, declared: readonly string[], profiles: readonly string[]): void {
  const needsDevice = !declared.includes(NO_DEVICE);
  const wrong = profiles.find((profile) => (profile === NO_DEVICE) === needsDevice);
  if (wrong === undefined || declared.includes(wrong)) return;
  throw new RigError(
    'RIG_USAGE',
    needsDevice
      ? `the plan "${plan}" needs a device, and the profile "${NO_DEVICE}" is that of runs without one`
      : `the plan "${plan}" runs without a device, and "${wrong}" is one`,
    { where: plan, hint: `leave --profile out: the plan runs with ${declared.join(', ')}` },
  );
}

/** All cells in a fixed order: profile, binding, recording, architecture, frontend, engine. */
export function planCells(plan: string, matrix: PlanMatrix, selection: Selection): PlannedCell[] {
  const declared = matrix.profiles ?? (matrix.profile === undefined ? [] : [matrix.profile]);
  if (declared.length === 0) throw new RigError('RIG_PLAN', `the plan "${plan}" names no profile`, { where: plan });
  // A profile asked for by name replaces the plan's: another device of the same kind.
  const profiles = selection.profiles ?? declared;
  refuseOtherKind(plan, declared, profiles);
  const bindings = chosen(matrix.bindings ?? possibleBindings(matrix, selection), selection.bindings ?? ['sim']);
  const architectures = chosen(matrix.architectures ?? ARCHITECTURES, selection.architectures);
  const engines = chosen(matrix.engines ?? selection.engines ?? [DEFAULT_ENGINE], selection.engines);
  const hosted = chosen(matrix.frontends ?? [HOSTED_FRONTENDS[0]], selection.frontends, matrix.frontends === undefined);
  const cells: PlannedCell[] = [];
  for (const profile of profiles)
    for (const binding of bindings)
      for (const recordingPath of binding === 'replay' ? recordings(matrix, selection) : [undefined])
        for (const architecture of architectures)
          for (const frontend of architecture === 'hosted' ? hosted : (['ring'] as const))
            for (const engine of engines) {
              const cell = { plan, profile, binding, architecture, frontend, engine };
              cells.push(
                recordingPath === undefined
                  ? { cell }
                  : { cell: { ...cell, recording: fileName(recordingPath) }, recordingPath },
              );
            }
  return cells;
}

/** A plan that declares nothing can be replayed once there is something to replay. */
function possibleBindings(matrix: PlanMatrix, selection: Selection): readonly Binding[] {
  const hasRecording = [selection.recording, matrix.recording, matrix.recordings?.[0]].some((r) => r !== undefined);
  return hasRecording ? BINDINGS : BINDINGS.filter((binding) => binding !== 'replay');
}

/** `free`: the plan does not care, so what is asked for need not be in its list. */
function chosen<T>(declared: readonly T[], asked: readonly T[] | undefined, free = false): readonly T[] {
  if (asked === undefined) return declared;
  return free ? asked : declared.filter((item) => asked.includes(item));
}

/** Without any, one cell remains that will say what is missing. */
function recordings(matrix: PlanMatrix, selection: Selection): readonly (string | undefined)[] {
  if (selection.recording !== undefined) return [selection.recording];
  if (matrix.recordings !== undefined) return matrix.recordings;
  return [matrix.recording];
}

function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** As it stands in titles: `profile, sim, hosted, emulated, interpreter`. */
export function cellLabel(cell: MatrixCell): string {
  const binding = cell.recording === undefined ? cell.binding : `${cell.binding} ${cell.recording}`;
  return [cell.profile, binding, cell.architecture, cell.frontend, cell.engine].join(', ');
}

/** As it stands in folder names: letters, digits, dots and dashes. */
export function cellSlug(cell: MatrixCell): string {
  return [cell.plan, cell.profile, cell.binding, cell.recording, cell.architecture, cell.frontend, cell.engine]
    .filter((part) => part !== undefined)
    .map((part) =>
      part
        .toLowerCase()
        .replace(/\.{2,}|[^a-z0-9.]+/g, '-')
        .replace(/^[-.]+|[-.]+$/g, ''),
    )
    .join('_');
}
