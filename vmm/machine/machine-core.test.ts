/** Tests of what a machine says of a guest that cannot go on. */

import { expect } from 'chai';
import { bench, program } from './test-support.js';

describe('MachineCore', () => {
  for (const [name, subject] of [
    ['guest', 'The guest'],
    ['logger', "The guest of 'logger'"],
  ]) {
    it(`says where ${name} stopped making progress, and names it only when the name says something`, () => {
      const stuck = program(`
      la t0, handler
      csrw mtvec, t0
      .align 2
    handler:
      .word 0`);
      const { scheduler, machine } = bench(stuck, { name });
      scheduler.runUntil(1_000_000);
      expect(machine.end).to.include({
        kind: 'stuck',
        sentence: `${subject} stopped making progress: the first instruction of its trap handler, at 0x8000000c, traps itself.`,
      });
    });
  }
});
