/** Runs the engines' suite with the slow path under the plainest of engines. */

import { describeVcpu } from '../cpu/vcpu-suite.js';
import { PlainVcpu } from './plain-vcpu.js';

describeVcpu(
  'slow path',
  ({ memory, host, hypercalls }) =>
    new PlainVcpu({ memory, host, xlen: 32, hypercalls: hypercalls ? 'machine' : 'none' }),
);
