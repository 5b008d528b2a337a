/** Random instruction words: whatever a guest executes, the engine neither throws nor hangs nor leaves RAM. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../../base/index.js';
import { createDecodedInstruction, Decoder } from '../../isa/decoder.js';
import { RV32IMAC, selectInstructions } from '../../isa/instruction-table.js';
import type { Vcpu } from '../vcpu.js';
import { type CreateVcpu, RAM_BASE, VcpuBench } from './vcpu-bench.js';

const RAM_BYTES = 0x1_0000;
const STEPS = 100_000;
const ROWS = selectInstructions(32, RV32IMAC);

/** Bits that are an instruction more often than chance would have it: a random row with random operands. */
function randomWord(random: Random): number {
  if (random.below(8) === 0) return random.uint32();
  const row = ROWS[random.below(ROWS.length)];
  const word = (row.match | (random.uint32() & ~row.mask)) >>> 0;
  return row.length === 4 ? word : ((word & 0xffff) | (randomCompressed(random) << 16)) >>> 0;
}

function randomCompressed(random: Random): number {
  const word = random.uint32() & 0xffff;
  return (word & 3) === 3 ? word & ~2 : word;
}

/** Answers an exit as some device would, now and then with a fault. */
function answer(vcpu: Vcpu, reason: string, random: Random): void {
  const isFault = random.below(4) === 0;
  if (reason === 'mmio-read') isFault ? vcpu.completeAccessFault() : vcpu.completeMmioRead(random.uint32());
  else if (reason === 'mmio-write') isFault ? vcpu.completeAccessFault() : vcpu.completeMmioWrite();
  else if (reason === 'hypercall') vcpu.completeHypercall(random.uint32(), random.uint32());
}

/** Makes the machine's state random but alive: registers near RAM, a handler that is code. */
function scramble(bench: VcpuBench, random: Random): void {
  for (let i = 1; i < 32; i++) {
    const isAddress = random.below(2) === 0;
    bench.set(`x${i}`, isAddress ? RAM_BASE + random.below(RAM_BYTES) : random.uint32());
  }
  bench.vcpu.writePc(BigInt(RAM_BASE + 2 * random.below(RAM_BYTES / 2)));
}

/** Runs `steps` instructions or exits of one random guest; returns a digest of where it ended. */
function runRandomGuest(create: CreateVcpu, seed: string, steps: number, slice: number): string {
  const random = createRandom(seed);
  const bench = new VcpuBench(create, 'nop', { ramBytes: RAM_BYTES, hypercalls: true });
  for (let gpa = RAM_BASE; gpa < RAM_BASE + RAM_BYTES; gpa += 4) bench.memory.writeU32(gpa, randomWord(random));
  bench.vcpu.invalidateCode(RAM_BASE, RAM_BYTES);
  scramble(bench, random);
  const end = steps;
  let exits = 0;
  for (; bench.vcpu.instret < end && exits < steps; ) {
    const until = Math.min(end, (Math.floor(bench.vcpu.instret / slice) + 1) * slice);
    const { reason } = bench.vcpu.run(until);
    expect(bench.vcpu.instret).to.be.at.most(until);
    if (reason === 'until') continue;
    exits++;
    if (reason === 'lockup') scramble(bench, random);
    else answer(bench.vcpu, reason, random);
  }
  const registers = Array.from({ length: 32 }, (_, i) => bench.vcpu.readRegister(i).toString(16));
  const csrs = ['mstatus', 'mepc', 'mcause', 'mtval', 'mtvec', 'mscratch', 'mie'] as const;
  return [bench.pc, bench.vcpu.instret, exits, ...registers, ...csrs.map((name) => bench.csr(name))].join(' ');
}

export function describeRandomPrograms(create: CreateVcpu): void {
  describe('random programs', () => {
    it(`executes ${STEPS} steps of random words in bounded time without an exception`, () => {
      for (let guest = 0; guest < 20; guest++) {
        expect(runRandomGuest(create, `guest ${guest}`, STEPS / 20, 1 << 20)).to.not.equal('');
      }
    });

    it('ends in the same state however the run is sliced', () => {
      for (let guest = 0; guest < 10; guest++) {
        const whole = runRandomGuest(create, `sliced ${guest}`, 2000, 1 << 20);
        expect(runRandomGuest(create, `sliced ${guest}`, 2000, 1)).to.equal(whole);
        expect(runRandomGuest(create, `sliced ${guest}`, 2000, 7)).to.equal(whole);
      }
    });

    it('traps every word that the decoder does not know', () => {
      const random = createRandom('illegal');
      const decoder = new Decoder(ROWS);
      const decoded = createDecodedInstruction();
      const bench = new VcpuBench(
        create,
        `la t0, handler\ncsrw mtvec, t0\nthere: .word 0\n.align 2\nhandler: j handler`,
      );
      bench.runTo('there');
      let illegal = 0;
      for (let i = 0; i < 20_000; i++) {
        const word = random.uint32();
        decoder.decode(word, decoded);
        if (decoded.id !== 0) continue;
        illegal++;
        const there = bench.address('there');
        bench.memory.writeU32(there, word);
        bench.vcpu.invalidateCode(there, 4);
        bench.vcpu.writePc(BigInt(there));
        bench.step();
        expect(bench.trap).to.deep.equal({ cause: 2, epc: there, tval: decoded.length === 4 ? word : word & 0xffff });
      }
      expect(illegal).to.be.greaterThan(1000);
    });
  });
}
