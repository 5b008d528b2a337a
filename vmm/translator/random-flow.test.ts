/** Random control flow, reducible or not: translated code takes the way that the interpreter takes. */

import { createRandom, type Random } from '../../base/index.js';
import { EnginePair, WIDTHS } from './engine-pair.js';

/** Each function keeps its return address in a register of its own, and calls only those behind it. */
const LINKS = ['x0', 's4', 's5', 's6'];
const PROGRAMS = 30;

/** A function of blocks that lead anywhere among each other. */
function writeFunction(index: number, random: Random): string {
  const count = 3 + random.below(9);
  const label = (): string => `f${index}_${random.below(count)}`;
  const lines = [`f${index}: mv ${LINKS[index]}, ra`];
  for (let block = 0; block < count; block++) {
    lines.push(`f${index}_${block}: mul s0, s0, s1`, `addi s0, s0, ${1 + 2 * random.below(1000)}`);
    lines.push(`xori s2, s2, ${random.below(2000)}`, 'add s2, s2, s0', `srli t0, s0, ${8 + random.below(16)}`);
    lines.push(...writeEnd(index, label, random));
  }
  // Behind the last block: back, or round again.
  lines.push(index === 0 ? 'j f0' : `jr ${LINKS[index]}`);
  return lines.join('\n');
}

/** Falls through, jumps, branches on random bits, calls, or jumps by a register. */
function writeEnd(index: number, label: () => string, random: Random): readonly string[] {
  switch (random.below(8)) {
    case 0:
      return [];
    case 1:
      return [`andi t0, t0, 3`, `bnez t0, ${label()}`, `j ${label()}`];
    case 2:
    case 3:
      return index + 1 < LINKS.length
        ? [`call f${index + 1 + random.below(LINKS.length - 1 - index)}`]
        : ['xor s3, s3, s2'];
    case 4:
      return [`la t1, ${label()}`, `andi t0, t0, 1`, `beqz t0, ${label()}`, 'jr t1'];
    case 5:
      return [
        `la t1, ${label()}`,
        `la t2, ${label()}`,
        'andi t0, t0, 1',
        'neg t0, t0',
        'xor t2, t2, t1',
        'and t2, t2, t0',
        'xor t1, t1, t2',
        'jr t1',
      ];
    default:
      return [`andi t0, t0, ${1 + 2 * random.below(2)}`, `bnez t0, ${label()}`];
  }
}

describe('Random control flow', () => {
  for (const xlen of WIDTHS) {
    it(`is translated as it is interpreted (RV${xlen})`, () => {
      for (let seed = 0; seed < PROGRAMS; seed++) {
        const random = createRandom(`flow ${seed}`);
        const functions = LINKS.map((_, index) => writeFunction(index, random));
        const pair = new EnginePair(
          `li s0, ${random.below(100_000)}\nli s1, 1103515245\n${functions.join('\n')}`,
          xlen,
        );
        for (let i = 0; i < 60; i++) pair.step(1 + random.below(i < 40 ? 1000 : 20));
      }
    });
  }
});
