import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PACKAGE_ROOT } from '../paths.js';

const CLI = join(PACKAGE_ROOT, 'dist', 'rig', 'cli', 'main.js');
/** Inside the package, so that `import … from 'rigvisor'` finds it as it would find an installed one. */
const FOLDER = join(PACKAGE_ROOT, 'out', 'readme-example');

describe('README.md', function () {
  this.timeout(60_000);

  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('shows a plan that runs as it stands', () => {
    const text = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
    const source = /```ts\n(import \{ expect, plan \} from 'rigvisor';[\s\S]*?)```/.exec(text)?.[1];
    expect(source, 'the example in README.md').to.be.a('string');
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, 'example.plan.ts');
    writeFileSync(file, source ?? '');
    const done = spawnSync(process.execPath, [CLI, 'run', file, '--out', join(FOLDER, 'out')], { encoding: 'utf8' });
    expect(done.status, `${done.stdout}\n${done.stderr}`).to.equal(0);
    expect(done.stdout).to.contain('2 PASS');
  });
});
