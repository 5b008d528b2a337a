/** Texts without the folders of the machine they were made on. */

import { homedir, tmpdir } from 'node:os';
import { PACKAGE_ROOT } from '../paths.js';

/** A copy of `value` whose texts lose the path of the output folder, package, working folder, temporary and home folder. */
export function withoutFolders<T>(value: T, outDir: string): T {
  return strip(value, [outDir, PACKAGE_ROOT, process.cwd(), tmpdir(), homedir()]) as T;
}

function strip(value: unknown, folders: readonly string[]): unknown {
  if (typeof value === 'string') {
    let text = value;
    for (const folder of folders)
      if (folder.length > 1) text = text.replaceAll(`${folder}/`, '').replaceAll(folder, '.');
    return text;
  }
  if (Array.isArray(value)) return value.map((item) => strip(item, folders));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, strip(item, folders)]));
  return value;
}
