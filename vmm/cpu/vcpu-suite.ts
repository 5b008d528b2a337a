/** One specification for every engine: what a `Vcpu` with RV32IMAC, M and U mode must do. */

import { describeCompressed } from './suite/compressed-suite.js';
import { describeCsrs } from './suite/csr-suite.js';
import { describeDebugging } from './suite/debug-suite.js';
import { describeExits } from './suite/exit-suite.js';
import { describeIntegers } from './suite/integer-suite.js';
import { describeMemory } from './suite/memory-suite.js';
import { describePmp } from './suite/pmp-suite.js';
import { describeRandomPrograms } from './suite/random-suite.js';
import { describeTraps } from './suite/trap-suite.js';
import type { CreateVcpu } from './suite/vcpu-bench.js';

/** Registers the whole suite under the engine's name; call it from a test file. */
export function describeVcpu(name: string, create: CreateVcpu): void {
  describe(`${name} as a vCPU`, () => {
    describeIntegers(create);
    describeMemory(create);
    describeCompressed(create);
    describeCsrs(create);
    describeTraps(create);
    describePmp(create);
    describeExits(create);
    describeDebugging(create);
    describeRandomPrograms(create);
  });
}
