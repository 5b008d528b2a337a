/** Lets a plan anywhere on the disk import the package that runs it by its name. */

import { type ResolveHook, register } from 'node:module';

const OWN: ReadonlyMap<string, string> = new Map(
  (
    [
      ['rigvisor', '../index.js'],
      ['rigvisor/rig', '../index.js'],
      ['rigvisor/hal', '../../hal/index.js'],
      ['rigvisor/vmm', '../../vmm/index.js'],
    ] as const
  ).map(([name, path]) => [name, new URL(path, import.meta.url).href]),
);

let registered = false;

/** From now on the names of this package resolve to it wherever they resolve to nothing else. */
export function provideOwnPackage(): void {
  if (registered) return;
  registered = true;
  register(import.meta.url);
}

/**
 * What Node.js calls, in its thread of hooks. Ordinary resolution goes first, so that an installed package wins.
 * TypeScript is an ES module also where no `package.json` says so, as every plan is: otherwise it would be turned into
 * CommonJS, whose `require` asks no hook.
 */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const own = OWN.get(specifier);
  if (own === undefined) {
    const found = await nextResolve(specifier, context);
    return /^file:[^?]*\.ts($|\?)/.test(found.url) ? { ...found, format: 'module' } : found;
  }
  try {
    return await nextResolve(specifier, context);
  } catch {
    return { url: own, format: 'module', shortCircuit: true };
  }
};
