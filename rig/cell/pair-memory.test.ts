import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { noTerminal } from '../e2e/terminal.js';
import { RigError } from '../errors.js';
import { NO_CALLS } from './linux-calls.js';
import { makePairFolder, openChannel, removePairFolder } from './pair-memory.js';

const missing = noTerminal();
const title = (text: string): string => (missing === undefined ? text : `${text} (skipped: ${missing})`);

describe(title('the memory of two cells'), () => {
  before(function () {
    if (missing !== undefined) this.skip();
  });

  it('is one memory for both, wakes the end that sleeps, and is removed as a whole', async () => {
    const folder = makePairFolder();
    expect(readdirSync(folder).sort()).to.deep.equal(['memory', 'wake-0', 'wake-1']);
    let told = (): void => {};
    const news = new Promise<void>((resolve) => {
      told = resolve;
    });
    const one = openChannel(folder, 0, () => {});
    const other = openChannel(folder, 1, () => told());
    removePairFolder(folder);
    expect(existsSync(folder)).to.equal(false);
    const vectors: number[] = [];
    other.channel.connect({ carry: () => {}, ring: (vector) => vectors.push(vector) });
    other.channel.listen();
    one.channel.link.ring(7);
    await news;
    other.channel.poll();
    expect(vectors).to.deep.equal([7]);
    one.close();
    other.close();
  });

  it('is refused, with what to do instead, where the system has no such calls', () => {
    const refusal = (act: () => unknown): RigError => {
      try {
        act();
      } catch (error) {
        if (error instanceof RigError) return error;
      }
      return expect.fail('it was not refused');
    };
    const none = refusal(() => makePairFolder(NO_CALLS));
    expect([none.code, none.message]).to.deep.equal([
      'RIG_ASSIGNMENT',
      'two cells cannot share memory here: mkfifo failed with error 38',
    ]);
    expect(none.hint).to.contain('hosted');
    const folder = makePairFolder();
    expect(refusal(() => openChannel(folder, 0, () => {}, NO_CALLS)).message).to.contain('mmap failed');
    removePairFolder(folder);
  });
});
