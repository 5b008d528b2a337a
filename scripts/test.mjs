/** Runs lint and every test; with `--nightly` the long suites too. Ends with one line that counts. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const nightly = process.argv.includes('--nightly');
const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));

function run(args, env = {}) {
  return (
    spawnSync(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    }).status ?? 1
  );
}

if (only.length === 0) {
  const lint = run([join('node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'ci', '--error-on-warnings', '.']);
  if (lint !== 0) {
    console.error('Lint or format failed: `npm run format` mends what can be mended by itself.');
    process.exit(lint);
  }
}
const mocha = [
  join('node_modules', 'mocha', 'bin', 'mocha.js'),
  '--reporter',
  join(root, 'scripts', 'reporter.cjs'),
  // A failed test may leave a timer or a child process, which must not keep the run from ending.
  '--exit',
  ...(only.length > 0 ? only : ['dist/**/*.test.js']),
];
process.exit(run(mocha, nightly ? { RIGVISOR_NIGHTLY: '1' } : {}));
