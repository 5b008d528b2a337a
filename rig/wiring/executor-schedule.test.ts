/** Tests of what is said of a schedule that no run would follow. */

import { expect } from 'chai';
import { RigError } from '../errors.js';
import type { RunRequest } from '../run/run-types.js';
import { createExecutor } from './executor.js';

const WINDOWS = [{ owner: 'guest', offsetNs: 0, durationNs: 1e6 }] as const;

describe('a schedule', () => {
  const request = (cell: Partial<RunRequest['cell']>, companion: boolean): RunRequest => ({
    cell: {
      plan: 'p',
      profile: 'none',
      binding: 'sim',
      architecture: 'partitioned',
      frontend: 'ring',
      engine: 'interpreter',
      ...cell,
    },
    guest: 'rt-sampler',
    durationNs: 1e6,
    seed: 's',
    outDir: '/nowhere',
    schedule: { periodNs: 2e6, windows: WINDOWS },
    ...(companion ? { companion: { guest: 'gp-load' } } : {}),
  });

  for (const [what, asked] of [
    ['in virtual time', request({}, true)],
    ['hosted', request({ binding: 'real', architecture: 'hosted', frontend: 'emulated' }, true)],
    ['without a companion', request({ binding: 'real' }, false)],
  ] as const)
    it(`is refused ${what}, where nobody would follow it`, async () => {
      const error = await createExecutor()
        .execute(asked)
        .catch((cause: unknown) => cause);
      expect(error).to.be.instanceOf(RigError).with.property('code', 'RIG_PLAN');
    });
});
