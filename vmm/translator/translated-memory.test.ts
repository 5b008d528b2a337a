/** Translated code under protection and translation of addresses, against the interpreter. */

import { expect } from 'chai';
import { CSR } from '../isa/csr-numbers.js';
import { EnginePair, WIDTHS } from './engine-pair.js';

/** A loop in U mode in a page of its own, PMP entry 0; its fifth `ecall` makes that page not executable when s4 is not 0. */
const PROTECTED = `
  la t0, handler
  csrw mtvec, t0
  li t0, 0x200005ff
  csrw pmpaddr0, t0
  li t0, -1
  csrw 0x3b1, t0
  li t0, 0x1f1f
  csrw pmpcfg0, t0
  la t0, user
  csrw mepc, t0
  mret
  .align 2
  handler: csrr t1, mcause
    li t2, 8
    bne t1, t2, fault
    addi s1, s1, 1
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    li t2, 5
    bne s1, t2, back
    beqz s4, back
    li t1, 0x1f1b
    csrw pmpcfg0, t1
  back: mret
  fault: mv s2, t1
    csrr s3, mepc
  stop: j stop
  .org 0x80001000
  user: addi s0, s0, 1
    andi t0, s0, 31
    bnez t0, user
    ecall
  behind: j user`;

/** RWX with A and D set, for S mode. */
const LEAF = 0xcf;
const POINTER = 1;
const ROOT = 0x8008_0000;
const MIDDLE = ROOT + 0x1000;
const LAST = ROOT + 0x2000;

/** Goes to `super` in supervisor mode with Sv39 on; a trap leaves its cause in s9 and stops. */
const TO_SUPERVISOR = `
  la t0, handler
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, 0x8000000000080080
  csrw satp, t0
  li t0, 0x800
  csrs mstatus, t0
  la t0, super
  csrw mepc, t0
  mret
  .align 2
  handler: csrr s9, mcause
  stop: j stop
`;

/** Calls code at four virtual addresses, two of which are the same physical page, and moves the pages on after each round. */
const PAGED = `${TO_SUPERVISOR}
  super: li s2, 0x40000000
    li s3, 0x40001000
    li s4, 0x40002000
    li s5, 0xffffffffc0000000
    li s6, ${LAST}
  round: jalr ra, 0(s2)
    jalr ra, 0(s3)
    jalr ra, 0(s4)
    jalr ra, 0(s5)
    ld t0, 0(s6)
    ld t1, 8(s6)
    ld t2, 16(s6)
    sd t1, 0(s6)
    sd t2, 8(s6)
    sd t0, 16(s6)
    sfence.vma
    addi s7, s7, 1
    j round
  .org 0x80004000
  first: mv t2, ra
    li t0, 4
  again: auipc t1, 0
    add s0, s0, t1
    call inner
    addi t0, t0, -1
    bnez t0, again
    jr t2
  inner: xor s1, s1, ra
    ret
  .org 0x80005000
  second: li t0, 3
  more: auipc t1, 0
    sub s0, s0, t1
    addi t0, t0, -1
    bnez t0, more
    ret`;

/** Calls code in two pages of one superpage, which becomes pages and a superpage again; the second page leads elsewhere then. */
const SPLIT = `${TO_SUPERVISOR}
  super: li s2, 0x40004ff8
    li s3, ${MIDDLE}
    ld s4, 0(s3)
    li s5, ${((LAST / 0x1000) << 10) | POINTER}
  round: li s6, 5
  calls: jalr ra, 0(s2)
    addi s6, s6, -1
    bnez s6, calls
    sd s5, 0(s3)
    mv t0, s5
    mv s5, s4
    mv s4, t0
    sfence.vma
    addi s7, s7, 1
    j round
  .org 0x80004ff8
  crossing: li t0, 3
  across: addi s0, s0, 1
  .org 0x80005000
    addi s1, s1, 1
    addi t0, t0, -1
    bnez t0, across
    ret
  .org 0x80006000
    addi s8, s8, 1
    addi t0, t0, -1
    bnez t0, across + 4096
    ret`;

describe('Translated code in U mode', () => {
  for (const xlen of WIDTHS) {
    it(`faults when the guest takes the right to execute it away (RV${xlen})`, () => {
      const pair = new EnginePair(PROTECTED, xlen);
      pair.both(({ vcpu }) => vcpu.writeRegister(20, 1n));
      for (let count = 1; count <= 60; count++) pair.step(count);
      expect(pair.get('s0')).to.equal(5n * 32n);
      expect(pair.get('s2'), 'instruction access fault').to.equal(1n);
      expect(pair.get('s3')).to.equal(BigInt(pair.address('behind')));
    });

    it(`faults when a debugger takes the right to execute it away, and runs when it is back (RV${xlen})`, () => {
      for (let extra = 0; extra < 8; extra++) {
        const pair = new EnginePair(PROTECTED, xlen);
        pair.step(1000 + extra);
        expect(pair.get('s2')).to.equal(0n);
        pair.both(({ vcpu }) => vcpu.writeCsr(CSR.pmpcfg0, 0x1f1bn));
        pair.step(30);
        expect(pair.get('s2')).to.equal(1n);
        pair.both(({ vcpu }) => {
          vcpu.writeCsr(CSR.pmpcfg0, 0x1f1fn);
          vcpu.writePc(BigInt(pair.address('back')));
        });
        const before = pair.get('s0');
        pair.step(301);
        expect(Number(pair.get('s0') - before)).to.be.within(80, 100);
      }
    });
  }
});

describe('Translated code under Sv39', () => {
  function pagedPair(): EnginePair {
    const pair = new EnginePair(PAGED, 64);
    const entry = (gpa: number, flags: number): number => (gpa / 0x1000) * 0x400 + flags;
    pair.both(({ memory }) => {
      // 1 GiB mapped to itself, and the same table at two places.
      memory.writeU32(ROOT + 8 * 2, entry(0x8000_0000, LEAF));
      memory.writeU32(ROOT + 8 * 1, entry(MIDDLE, POINTER));
      memory.writeU32(ROOT + 8 * 511, entry(MIDDLE, POINTER));
      memory.writeU32(MIDDLE, entry(LAST, POINTER));
      memory.writeU32(LAST, entry(pair.address('first'), LEAF));
      memory.writeU32(LAST + 8, entry(pair.address('first'), LEAF));
      memory.writeU32(LAST + 16, entry(pair.address('second'), LEAF));
    });
    return pair;
  }

  it('runs at every virtual address that its page is mapped to, and leaves those that are remapped', () => {
    const pair = pagedPair();
    for (let count = 1; count <= 150; count++) pair.step(count);
    expect(pair.get('s9'), 'cause of a trap').to.equal(0n);
    expect(Number(pair.get('s7'))).to.be.greaterThan(50);
    expect(pair.translator.vcpu.statistics?.().translatedRegions).to.be.greaterThan(3);
  });

  it('stops at every instruction', () => {
    const pair = pagedPair();
    pair.step(3000);
    for (let i = 0; i < 600; i++) pair.step(1);
    expect(pair.get('s9'), 'cause of a trap').to.equal(0n);
  });

  it('follows a change of its page, by whatever address it runs', () => {
    const pair = pagedPair();
    pair.step(3000);
    for (let i = 0; i < 20; i++) {
      pair.both(({ memory, vcpu }) => {
        const at = pair.address('inner');
        memory.writeU32(at, memory.readU32(at) ^ 0x4000);
        vcpu.invalidateCode(at, 4);
      });
      pair.step(500 + i);
    }
    expect(pair.get('s9'), 'cause of a trap').to.equal(0n);
  });

  it('faults once its page is gone', () => {
    const pair = pagedPair();
    pair.step(3000);
    pair.both(({ memory, vcpu }) => {
      memory.writeU32(LAST, 0);
      memory.writeU32(LAST + 8, 0);
      memory.writeU32(LAST + 16, 0);
      vcpu.fenceMemory();
    });
    pair.step(1000);
    expect(pair.get('s9'), 'instruction page fault').to.equal(12n);
  });

  it('stays within the page when a superpage is split', () => {
    const pair = new EnginePair(SPLIT, 64);
    const entry = (gpa: number, flags: number): number => (gpa / 0x1000) * 0x400 + flags;
    pair.both(({ memory }) => {
      memory.writeU32(ROOT + 8 * 2, entry(0x8000_0000, LEAF));
      memory.writeU32(ROOT + 8 * 1, entry(MIDDLE, POINTER));
      memory.writeU32(MIDDLE, entry(0x8000_0000, LEAF));
      memory.writeU32(LAST + 8 * 4, entry(0x8000_4000, LEAF));
      memory.writeU32(LAST + 8 * 5, entry(0x8000_6000, LEAF));
    });
    for (let count = 1; count <= 120; count++) pair.step(count);
    expect(pair.get('s9'), 'cause of a trap').to.equal(0n);
    // 15 times in either page, round by round.
    const [through, elsewhere] = [pair.get('s1'), pair.get('s8')];
    expect(Number(through - elsewhere)).to.be.within(0, 15);
    expect(Number(elsewhere)).to.be.greaterThan(200);
  });
});
