/** Tests of the computed bound: paths that are counted by hand, code that has no bound, and the guest that has one. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { VmmError } from '../errors.js';
import { assemble } from '../isa/assembler.js';
import { latencyBound } from './latency-bound.js';
import { symbolElf } from './symbol-elf-test-builder.js';

const COSTS = { instructionNs: 10, accessNs: 87, hypercallNs: 76 };
const SAMPLER = new URL('../../../guests/rt-sampler/rt-sampler.elf', import.meta.url);

/** 18 vectors that lead to `handler`, then the code; labels that are functions. */
function bound(code: string, names: readonly string[] = [], interrupt = 7) {
  const vectors = Array.from({ length: 18 }, (_, i) => (i === 7 ? 'j handler' : 'j other')).join('\n');
  const program = assemble(`rt_vectors:\n${vectors}\nother:\n mret\n${code}`);
  const image = symbolElf(program, ['rt_vectors', 'other', 'handler', ...names]);
  return latencyBound({ image, name: 'test.elf', interrupt, costs: COSTS });
}

describe('the computed bound of an interrupt', () => {
  it('is the longest path with interrupts off, from the vector to the return', () => {
    const { ns, regions } = bound('handler:\n addi t0, t0, 1\n beqz t0, short\n nop\n nop\nshort:\n mret');
    expect(regions[0]).to.include({ instructions: 6, exits: 0, ns: 60 });
    // One instruction and its exit take longer here.
    expect(ns).to.equal(97);
  });

  it('follows calls, and counts accesses to devices where the image names them', () => {
    const { ns, regions } = bound(
      'handler:\n jal ra, work\nrt_exit_one:\n sw t0, 0(t1)\n mret\nwork:\n nop\n nop\n ret',
      ['rt_exit_one', 'work'],
    );
    // j, jal, nop, nop, ret, sw, mret.
    expect(regions[0]).to.include({ instructions: 7, exits: 1 });
    expect(ns).to.equal(7 * 10 + 87);
  });

  it('counts what code turns off itself', () => {
    const section = `task:\n csrci mstatus, 8\n${' nop\n'.repeat(20)} csrsi mstatus, 8\n ret`;
    const { ns, regions } = bound(`handler:\n mret\n${section}`, ['task']);
    expect(regions[0]).to.include({ place: 'task', instructions: 22 });
    expect(ns).to.equal(220);
  });

  it('takes a loop as often as its symbol says', () => {
    const { regions } = bound(
      'handler:\n li t0, 5\nrt_loop_5_count:\n addi t0, t0, -1\n bnez t0, rt_loop_5_count\n mret',
      ['rt_loop_5_count'],
    );
    // j, li, five passes of two, and the last way out.
    expect(regions[0].instructions).to.be.within(13, 15);
  });

  it('adds the handlers that are taken first, and the absence from the core', () => {
    const image = readFileSync(SAMPLER);
    const options = { image, name: 'rt-sampler.elf', costs: COSTS };
    const timer = latencyBound({ ...options, interrupt: 7 });
    const shared = latencyBound({ ...options, interrupt: 17, ahead: [7], absenceNs: 500 });
    const handler = timer.regions.find(({ place }) => place === 'handler of interrupt 7');
    expect(shared.ns).to.equal(timer.ns + (handler?.ns ?? Number.NaN) + 500);
    expect(shared.composition).to.have.length(3);
  });

  it('is a few microseconds for the kernel of the SDK', () => {
    const { ns, composition } = latencyBound({
      image: readFileSync(SAMPLER),
      name: 'rt-sampler.elf',
      interrupt: 7,
      costs: COSTS,
    });
    expect(ns).to.be.within(2_000, 8_000);
    expect(composition[0]).to.match(/instructions with interrupts off, from handler of interrupt 7, with 3 exits/);
  });

  for (const [what, code, problem] of [
    ['a loop without a bound', 'handler:\n nop\nagain:\n j again', 'a loop without a bound'],
    ['an indirect call', 'handler:\n jalr ra, 0(t0)\n mret', 'an indirect call or jump'],
    ['recursion', 'handler:\n jal ra, handler\n mret', 'a loop without a bound'],
    ['a restore from a register', 'handler:\n csrs mstatus, t0\n mret', 'by a value that is not in the code'],
    ['a change of mie', 'handler:\n csrci mie, 8\n mret', 'one by one'],
    ['sleep', 'handler:\n wfi\n mret', 'sleeps with interrupts off'],
    ['a return with interrupts off', 'handler:\n ret', 'returns with interrupts off'],
    ['no instruction', 'handler:\n .word 0xffffffff', 'has no instruction at handler'],
  ] as const)
    it(`refuses ${what}, and says where`, () => {
      expect(() => bound(code)).to.throw(VmmError, problem);
    });

  it('refuses a guest whose handlers it does not know', () => {
    const image = symbolElf(assemble('start:\n nop'), ['start']);
    expect(() => latencyBound({ image, name: 'x.elf', interrupt: 7, costs: COSTS })).to.throw(VmmError, 'rt_vectors');
    expect(() => latencyBound({ image: Uint8Array.of(1, 2), name: 'x.bin', interrupt: 7, costs: COSTS })).to.throw(
      VmmError,
      'no 32-bit ELF image',
    );
  });
});
