import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { GUESTS_DIR } from '../paths.js';

const COMPILER = 'riscv64-unknown-elf-gcc';
const missing = spawnSync(COMPILER, ['--version']).status !== 0;
const title = missing
  ? ` (pending: ${COMPILER} is not installed; Debian: gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf)`
  : '';

describe(`guest images${title}`, function () {
  this.timeout(120_000);

  it('rebuild byte for byte from their sources', function () {
    if (missing) this.skip();
    const done = spawnSync('make', ['-C', GUESTS_DIR, 'check'], { encoding: 'utf8' });
    expect(done.status, `${done.stdout}\n${done.stderr}`).to.equal(0);
  });
});
