/** Checks that what README.md shows to copy runs as it stands, wherever it is put. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PACKAGE_ROOT } from '../paths.js';

const CLI = join(PACKAGE_ROOT, 'dist', 'rig', 'cli', 'main.js');

describe('README.md', function () {
  this.timeout(60_000);

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-readme-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function runs(name: string, source: string): void {
    const file = join(folder, name);
    writeFileSync(file, source);
    const done = spawnSync(process.execPath, [CLI, 'run', file, '--out', join(folder, 'out')], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(done.status, `${done.stdout}\n${done.stderr}`).to.equal(0);
    expect(done.stdout).to.contain('2 PASS');
  }

  function example(): string {
    const text = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
    const source = /```ts\n(import \{ expect, plan \} from 'rigvisor';[\s\S]*?)```/.exec(text)?.[1];
    if (source === undefined) throw new Error('README.md shows no plan');
    return source;
  }

  for (const name of ['example.plan.ts', 'example.plan.js', 'example.plan.mjs'])
    it(`shows a plan that runs as it stands, as ${name} in a folder outside the package`, () => {
      runs(name, example());
    });

  it('names imports that a plan outside the package finds, also through a file beside it', () => {
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(
      join(folder, 'names.ts'),
      `import * as hal from 'rigvisor/hal';\nimport * as vmm from 'rigvisor/vmm';\nimport { plan } from 'rigvisor/rig';\n` +
        `export const found: number = [hal.openTrace, vmm.createMachine, plan].filter((x) => x !== undefined).length;\n`,
    );
    runs(
      'example.plan.ts',
      `import { found } from './names.js';\nif (found !== 3) throw new Error(\`\${found} of 3 found\`);\n${example()}`,
    );
  });
});
