/** Tests of the benchmark guests as files, and of one run. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseImage } from '../vmm/index.js';
import { EMPTY, elfPath, PROGRAMS, runOnEngine, whyMissing } from './engine-programs.js';

const MOST_BYTES = 20_000;

describe('benchmark programs', () => {
  it('are there as small images for RV32', () => {
    for (const { name } of PROGRAMS.filter(({ xlens }) => xlens.includes(32))) {
      const bytes = readFileSync(elfPath(name, 32));
      expect(bytes.length, name).to.be.below(MOST_BYTES);
      expect(parseImage(bytes, `${name}.elf`)).to.include({ xlen: 32, entry: 0x8000_0000, hypercalls: 'none' });
    }
  });

  it('are there as small images for RV64', () => {
    for (const { name } of PROGRAMS) expect(readFileSync(elfPath(name, 64)).length, name).to.be.below(MOST_BYTES);
  });

  it('say whether their result is right', () => {
    expect(runOnEngine('interpreter', EMPTY, 32).instructions).to.be.above(0);
  });

  it('are run by engines that there are', () => {
    expect(whyMissing('interpreter', 32)).to.equal(undefined);
    expect(whyMissing('steam', 32)).to.contain("there is no engine 'steam'");
  });
});
