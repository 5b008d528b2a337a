/** Finds plans: those that are shipped, by name, and anybody's own, by path. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RigError } from '../errors.js';
import { PLANS_DIR } from '../paths.js';

const COMPILED = '.plan.js';
const SUFFIXES = ['.plan.ts', '.plan.mts', COMPILED, '.plan.mjs'];

/** Names of the shipped plans. */
export function listPlans(folder = PLANS_DIR): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(COMPILED))
    .map((name) => name.slice(0, -COMPILED.length))
    .sort();
}

/**
 * Absolute files for what a person named: a path of a plan or of a folder with plans, or the name of a shipped plan;
 * every shipped plan when nothing was named. `RIG_USAGE` for what does not exist or is no plan.
 */
export function findPlans(named: readonly string[], folder = PLANS_DIR): string[] {
  if (named.length === 0) return listPlans(folder).map((name) => join(folder, name + COMPILED));
  return [...new Set(named.flatMap((name) => findPlan(name, folder)))];
}

function findPlan(name: string, folder: string): string[] {
  const shipped = join(folder, name + COMPILED);
  if (!existsSync(name)) {
    if (existsSync(shipped)) return [shipped];
    throw new RigError('RIG_USAGE', `there is no plan "${name}"`, {
      where: name,
      hint: `give a path, or one of: ${listPlans(folder).join(', ') || '(none is shipped)'}`,
    });
  }
  if (statSync(name).isDirectory()) {
    const files = readdirSync(name).filter(isPlan).sort();
    if (files.length > 0) return files.map((file) => resolve(name, file));
    throw new RigError('RIG_USAGE', `the folder ${name} holds no plan`, { where: name, hint: 'plans end in .plan.ts' });
  }
  if (isPlan(name)) return [resolve(name)];
  throw new RigError('RIG_USAGE', `the file ${name} is no plan`, { where: name, hint: 'plans end in .plan.ts' });
}

function isPlan(name: string): boolean {
  return SUFFIXES.some((suffix) => name.endsWith(suffix));
}
