/** Tests of the real-time kernel of the guest SDK: the committed test guest runs through its script on both engines. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readElfSymbols } from '../boot/elf-symbols.js';
import { parseImage } from '../boot/image.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { bench } from '../machine/test-support.js';

const IMAGE = readFileSync(new URL('../../../guests/rt-test/rt-test.elf', import.meta.url));
/** What the kernel may take: vectors, switch, tasks, timer, semaphores, queues, mutexes. */
const MOST_CODE_BYTES = 3_072;

describe('the real-time kernel of the guest SDK', () => {
  for (const engine of ENGINE_NAMES)
    it(`preempts, counts, hands over, sleeps and keeps ceilings, with the ${engine}`, () => {
      const { machine, scheduler, text } = bench(parseImage(IMAGE, 'rt-test.elf'), { engine });
      scheduler.runUntil(100_000_000);
      expect(
        text()
          .split('\n')
          .filter((line) => line.includes('expected')),
      ).to.deep.equal([]);
      expect(text().trim().split('\n')).to.have.length(7);
      expect(machine.end?.kind, text()).to.equal('pass');
    });

  it(`takes at most ${MOST_CODE_BYTES} bytes of code`, () => {
    const symbols = readElfSymbols(IMAGE, 'rt-test.elf');
    const code = symbols.filter(
      ({ name, kind }) => kind === 'function' && name.startsWith('rt_isr_') === false && name.startsWith('rt_'),
    );
    const places = new Map(code.map(({ address, size }) => [address, size]));
    const sized = [...places.values()].reduce((sum, size) => sum + size, 0);
    const first = symbols.find(({ name }) => name === 'rt_enter_clock')?.address ?? 0;
    const last = symbols.find(({ name }) => name === 'rt_first')?.address ?? 0;
    const bytes = sized + last - first;
    console.log(`      ${bytes} bytes`);
    expect(bytes).to.be.within(500, MOST_CODE_BYTES);
  });
});
