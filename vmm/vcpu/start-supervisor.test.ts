/** Tests of what a kernel finds that is started without firmware: nobody in M mode, who could handle what it must. */

import { expect } from 'chai';
import { assemble } from '../isa/assembler.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { bench, program } from '../machine/test-support.js';

/**
 * Illegal instructions in S and U mode, an access fault, and reading counters in U mode, which is no trap: `scause` of each trap goes
 * to the console by SBI. The last is an ecall from U mode, at which the handler shuts down.
 */
const KERNEL = `
    la t0, trap
    csrw stvec, t0
    .word 0
    lw t0, 0(zero)
    la t0, user
    csrw sepc, t0
    li t0, 0x100
    csrc sstatus, t0
    sret
  user:
    csrr t0, time
    csrr t0, cycle
    csrr t0, instret
    .word 0
    ecall
  trap:
    csrr s0, scause
    addi a0, s0, 0x30
    li a7, 1
    ecall
    li t0, 8
    beq s0, t0, off
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
  off:
    li a7, 8
    ecall
    hang: j hang`;

describe('a hart that starts in S mode', () => {
  for (const engine of ENGINE_NAMES) {
    it(`takes all its exceptions itself, and lets U mode read the time, on the ${engine}`, () => {
      const { bytes } = assemble(KERNEL, 0x8000_0000, 64);
      const segments = [{ gpa: 0x8000_0000, bytes, memoryBytes: bytes.length }];
      const image = { ...program('nop'), segments, startPrivilege: 1, hypercalls: 'supervisor' } as const;
      const { machine, scheduler, text } = bench(image, { engine, xlen: 64 });
      scheduler.runUntil(1_000_000);
      expect(machine.end).to.deep.include({ kind: 'pass' });
      expect(text()).to.equal('2528');
    });
  }
});
