/** Tests of the options of a suite. */

import { expect } from 'chai';
import { choice, count, option, UsageError } from './options.js';

describe('options of a benchmark suite', () => {
  it('finds a value behind its name', () => {
    expect(option(['engines', '--xlen', '64'], 'xlen')).to.equal('64');
    expect(option(['engines'], 'xlen')).to.equal(undefined);
  });

  it('refuses a name without a value', () => {
    expect(() => option(['--only'], 'only')).to.throw(UsageError, '--only needs a value');
    expect(() => option(['--only', '--xlen', '32'], 'only')).to.throw(UsageError, '--only needs a value');
  });

  it('chooses from what there is', () => {
    const known = ['list', 'fib', 'fft'];
    expect(choice(['--only', 'fib,list'], 'only', known)).to.deep.equal(['fib', 'list']);
    expect(choice([], 'only', known)).to.equal(known);
    expect(() => choice(['--only', 'fob'], 'only', known)).to.throw(UsageError, 'choose from: list, fib, fft');
  });

  it('counts from 1', () => {
    expect(count(['--rounds', '3'], 'rounds', 5)).to.equal(3);
    expect(count([], 'rounds', 5)).to.equal(5);
    for (const text of ['0', '1.5', 'many']) {
      expect(() => count(['--rounds', text], 'rounds', 5)).to.throw(UsageError, `"${text}"`);
    }
  });
});
