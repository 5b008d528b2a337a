/** Finds and reads hardware profiles. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HalError } from '../errors.js';
import { JsonTextError, parseJsonText } from './json-text.js';
import { type HardwareProfile, hardwareProfileSchema } from './profile-schema.js';
import { parseFields } from './schema-error.js';
import { nearestName } from './spelling.js';

/** A larger file is no profile. */
export const PROFILE_MAX_BYTES = 1 << 20;

export interface ProfileEntry {
  readonly name: string;
  readonly path: string;
}

function systemErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Turns what the file system says into an error that names the file. */
function fileError(error: unknown, what: string): HalError {
  const code = systemErrorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new HalError('HAL_NOT_FOUND', `there is no ${what}`, { where: what, cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new HalError('HAL_DENIED', `${what} may not be read by this user`, { where: what, cause: error });
  return new HalError('HAL_IO', `${what} cannot be read: ${code || String(error)}`, { where: what, cause: error });
}

/** The profiles of a folder, by name. Their files are not opened. Throws `HAL_NOT_FOUND` when there is no such folder. */
export function listProfiles(folder: string): ProfileEntry[] {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (error) {
    throw fileError(error, `folder ${folder}`);
  }
  return files
    .filter((file) => file.endsWith('.json') && !file.endsWith('.schema.json'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.json'.length), path: join(folder, file) }));
}

/** Profiles of all folders that exist; of two with one name the first counts. */
function listAll(folders: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    try {
      for (const { name, path } of listProfiles(folder)) if (!found.has(name)) found.set(name, path);
    } catch (error) {
      if (!(error instanceof HalError && error.code === 'HAL_NOT_FOUND')) throw error;
    }
  }
  return found;
}

function findProfile(name: string, folders: readonly string[]): string {
  const known = listAll(folders);
  const path = known.get(name);
  if (path !== undefined) return path;
  const names = [...known.keys()].sort();
  const nearest = nearestName(name, names);
  const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  const list =
    names.length === 0 ? `there is none in ${folders.join(', ') || 'no folder'}` : `known are ${names.join(', ')}`;
  throw new HalError('HAL_NOT_FOUND', `there is no profile "${name.slice(0, 100)}"${meant} (${list})`, {
    where: name.slice(0, 100),
    hint: 'Name one of the profiles of `rig list`, or give the path of a .json file.',
  });
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > PROFILE_MAX_BYTES)
      throw new HalError('HAL_INVALID', `${path} has ${size} bytes, but a profile has at most ${PROFILE_MAX_BYTES}`, {
        where: path,
      });
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof HalError ? error : fileError(error, `file ${path}`);
  }
}

/** Reads the text of a profile; `where` names it in errors. Throws `HAL_INVALID` naming line and column, or the field. */
export function parseProfile(text: string, where: string): HardwareProfile {
  let value: unknown;
  try {
    value = parseJsonText(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw new HalError('HAL_INVALID', `${where}, ${error.message}`, {
      where: `${where}:${error.line}:${error.column}`,
    });
  }
  return parseFields(hardwareProfileSchema, value, where);
}

/**
 * The profile with this name, looked for as `NAME.json` in `folders` in order; or, when `pathOrName` ends in `.json` or holds
 * a slash, the profile in that file. Throws `HAL_NOT_FOUND`, listing what there is, `HAL_DENIED`, `HAL_IO`, or `HAL_INVALID`
 * naming the place in the file.
 */
export function loadProfile(pathOrName: string, folders: readonly string[]): HardwareProfile {
  const isPath = pathOrName.endsWith('.json') || /[/\\]/.test(pathOrName);
  const path = isPath ? pathOrName : findProfile(pathOrName, folders);
  const profile = parseProfile(readText(path), path);
  const expected = basename(path, '.json');
  if (profile.name !== expected)
    throw new HalError(
      'HAL_INVALID',
      `${path}: name: expected "${expected}" as the file is called, found "${profile.name}"`,
      {
        where: 'name',
      },
    );
  return profile;
}
