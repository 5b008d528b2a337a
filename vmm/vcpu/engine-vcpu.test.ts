/** Both engines against the specification of a vCPU. */

import { describeVcpu } from '../cpu/vcpu-suite.js';
import { EngineVcpu } from './engine-vcpu.js';

for (const translates of [false, true]) {
  const name = translates ? 'translator' : 'interpreter';
  describeVcpu(
    `the ${name}`,
    ({ memory, host, hypercalls }) =>
      new EngineVcpu({ translates, xlen: 32, memory, host, hypercalls: hypercalls ? 'machine' : 'none' }),
  );
}
