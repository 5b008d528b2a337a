/** `expect` with the rig's assertions. */

import { use } from 'chai';
import { rigAssertions } from './plugin.js';

use(rigAssertions);

export { expect } from 'chai';
export { rigAssertions } from './plugin.js';
export type { CountedThings, TruthTolerance } from './types.js';
