/** The engine suite on the interpreter. */

import { createInterpreter } from './interpreter.js';
import { describeVcpu } from './vcpu-suite.js';

describeVcpu('interpreter', createInterpreter);
