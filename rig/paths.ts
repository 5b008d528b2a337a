/** Where the package keeps what it ships: guests, profiles, plans, recordings. */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RigError } from './errors.js';

/** The folder of `package.json`, from wherever this module was loaded (compiled or source). */
export const PACKAGE_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));
export const GUESTS_DIR = join(PACKAGE_ROOT, 'guests');
export const PROFILES_DIR = join(PACKAGE_ROOT, 'hardware-profiles');
export const PLANS_DIR = join(PACKAGE_ROOT, 'dist', 'test-plans');
export const RECORDINGS_DIR = join(PACKAGE_ROOT, 'test-plans', 'recordings');

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder)
      throw new RigError('RIG_INTERNAL', 'the package folder cannot be found', { where: start });
  }
}

/** Names in `folder` that end in `suffix`, without it, sorted; none when the folder is missing. */
export function namesIn(folder: string, suffix: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, name.length - suffix.length))
    .sort();
}

/** Names of the profiles that are shipped. */
export function listProfiles(): string[] {
  return namesIn(PROFILES_DIR, '.json').filter((name) => !name.endsWith('.schema'));
}

/** Names of the recordings that are shipped. */
export function listRecordings(): string[] {
  return namesIn(RECORDINGS_DIR, '').filter((name) => /\.(pcapng|log|nmea|ubx)$/.test(name));
}

/** A recording as a plan or a person names it: a path, or a file of the recordings folder. */
export function findRecording(name: string): string {
  if (existsSync(name)) return name;
  const shipped = join(RECORDINGS_DIR, name);
  if (existsSync(shipped)) return shipped;
  throw new RigError('RIG_INPUT_MISSING', `there is no recording "${name}"`, {
    where: name,
    hint: 'give a path, or a name that "rig list recordings" shows',
  });
}
