/** Checks what plain mocha takes from the environment. */

import { isAbsolute } from 'node:path';
import { expect } from 'chai';
import { RigError } from '../errors.js';
import { contextFromEnvironment } from './context.js';

describe('environment', () => {
  it('selects nothing when it says nothing, so that plans decide', () => {
    const { selection, seed, port, outDir } = contextFromEnvironment({});
    expect(selection).to.deep.equal({});
    expect([seed, port]).to.deep.equal([undefined, undefined]);
    expect(isAbsolute(outDir)).to.equal(true);
  });

  it('selects cells by lists with commas', () => {
    const context = contextFromEnvironment({
      RIG_BINDING: 'sim, replay',
      RIG_ARCHITECTURE: 'partitioned',
      RIG_FRONTEND: 'paravirtual',
      RIG_ENGINE: 'interpreter',
      RIG_PROFILE: 'a,b',
      RIG_RECORDING: 'x.pcapng',
      RIG_SEED: '7',
      RIG_PORT: '/dev/ttyUSB0',
    });
    expect(context.selection).to.deep.equal({
      bindings: ['sim', 'replay'],
      architectures: ['partitioned'],
      frontends: ['paravirtual'],
      engines: ['interpreter'],
      profiles: ['a', 'b'],
      recording: 'x.pcapng',
    });
    expect([context.seed, context.port]).to.deep.equal(['7', '/dev/ttyUSB0']);
  });

  it('refuses a name that is none, and says that remote is reserved', () => {
    expect(() => contextFromEnvironment({ RIG_BINDING: 'simulator' }))
      .to.throw(RigError, '"simulator" is not known as RIG_BINDING')
      .that.includes({ code: 'RIG_USAGE' });
    expect(() => contextFromEnvironment({ RIG_BINDING: 'remote' })).to.throw('reserved');
  });
});
