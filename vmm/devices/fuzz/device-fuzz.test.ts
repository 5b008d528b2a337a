/** Fuzzes every device model: whatever a guest does to its registers and its RAM, it harms itself alone. */

import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { randomAccess } from '../device-test-kit.js';
import { memoryInUse } from './fuzz-kit.js';
import { FUZZ_SUBJECTS, type FuzzedDevice, type FuzzSubject } from './fuzz-subjects.js';

const ACCESSES = 1_000_000;
const ROUNDS = 4;
const MOST_GROWTH_BYTES = 8 << 20;

/** Does `accesses` accesses to one device, and what happens around it. */
function fuzz(subject: FuzzSubject, fuzzed: FuzzedDevice, seed: string, accesses: number): void {
  const random = createRandom(seed);
  const { device } = fuzzed;
  for (let i = 0; i < accesses; i++) {
    try {
      randomAccess(random, device, subject.length, subject.registers);
      fuzzed.step(random);
    } catch (cause) {
      throw new Error(`${subject.name}, seed '${seed}', access ${i}: ${(cause as Error).message}`, { cause });
    }
  }
}

describe('Device models, fuzzed', () => {
  for (const subject of FUZZ_SUBJECTS) {
    it(`${subject.name} bears ${ACCESSES.toLocaleString('en')} random accesses and keeps no memory of them`, function () {
      this.timeout(120_000);
      // Several devices, because one may have driven itself into a corner; all live until their memory is measured.
      const devices = Array.from({ length: ROUNDS }, () => subject.create());
      devices.forEach((device, i) => {
        fuzz(subject, device, `${subject.name} ${i} begins`, 1000);
      });
      const before = memoryInUse();
      devices.forEach((device, i) => {
        fuzz(subject, device, `${subject.name} ${i}`, ACCESSES / ROUNDS);
      });
      expect(memoryInUse() - before, 'growth in bytes').to.be.below(MOST_GROWTH_BYTES);
      const depth = devices.reduce((sum, device) => sum + device.depth(), 0);
      expect(depth, 'effects of the accesses').to.be.above(ACCESSES / 2000);
    });
  }
});
