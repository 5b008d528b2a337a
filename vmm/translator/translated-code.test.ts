/** Translated code against the interpreter: it stops at every instruction, and follows every change of the code. */

import { expect } from 'chai';
import { DEVICE, EnginePair, encoded, stateOf, TEXT, WIDTHS } from './engine-pair.js';

const MSIP = 1 << 3;

/** Nested loops, a jump table, calls and recursion, for ever. */
const mixed = (xlen: 32 | 64): string => `
  la sp, stack
  la s6, table
  outer: li s1, 4
  middle: li s2, 3
  inner: addi s0, s0, 7
    xor s3, s3, s0
    addi s2, s2, -1
    bnez s2, inner
    addi s1, s1, -1
    slli a0, s1, 2
    add a0, a0, s6
    jr a0
  table:
    j zero
    j one
    j two
    j three
  zero: add s4, s4, s0
    j join
  one: li a1, 3
    call recurse
    j join
  two: call leaf
  three: addi s4, s4, 3
  join: bnez s1, middle
    j outer
  leaf: xor s4, s4, s3
    ret
  recurse: beqz a1, bottom
    addi sp, sp, -16
    ${xlen === 32 ? 'sw' : 'sd'} ra, 0(sp)
    addi a1, a1, -1
    call recurse
    addi s5, s5, 1
    ${xlen === 32 ? 'lw' : 'ld'} ra, 0(sp)
    addi sp, sp, 16
  bottom: ret
  .org 0x80001000
  stack: nop`;

for (const xlen of WIDTHS) {
  describe(`Translated code of RV${xlen}`, () => {
    it('stops at every instruction of code that is translated as it goes', () => {
      const pair = new EnginePair(mixed(xlen), xlen);
      const { interpreter, translator } = pair;
      for (let until = 1; until <= 300; until++) {
        interpreter.vcpu.run(until);
        translator.memory.write(TEXT, pair.program.bytes);
        translator.vcpu.reset(TEXT, 0, 0);
        expect(translator.vcpu.run(until).reason).to.equal('until');
        expect(stateOf(translator.vcpu), `${until}`).to.deep.equal(stateOf(interpreter.vcpu));
      }
      expect(translator.vcpu.statistics?.().translatedRegions).to.be.greaterThan(10);
    });

    it('stops after every number of instructions in code that has been translated', () => {
      const pair = new EnginePair(mixed(xlen), xlen);
      pair.step(5000);
      for (let count = 1; count <= 300; count++) expect(pair.step(count)).to.equal('until');
    });

    it('takes an interrupt at every instruction', () => {
      const text = `
        la t0, handler
        csrw mtvec, t0
        csrwi mie, 8
        csrsi mstatus, 8
        loop: addi s0, s0, 1
          li s1, 2
        again: addi s1, s1, -1
          call leaf
          bnez s1, again
          j loop
        leaf: xor s2, s2, s0
          ret
        .align 2
        handler: csrr t1, mepc
          add s3, s3, t1
          mret`;
      const pair = new EnginePair(text, xlen);
      pair.step(1000);
      for (let count = 1; count <= 60; count++) {
        pair.step(count);
        pair.both(({ vcpu }) => vcpu.setInterruptPending(MSIP, true));
        pair.step(1);
        expect(pair.translator.vcpu.readPc()).to.equal(BigInt(pair.address('handler') + 4));
        pair.both(({ vcpu }) => vcpu.setInterruptPending(MSIP, false));
      }
    });

    it('leaves at the same access for a device, and goes on behind it', () => {
      const text = `
        li s0, ${DEVICE}
        loop: addi s1, s1, 1
          andi t0, s1, 3
          bnez t0, next
          lw a0, 8(s0)
          add a1, a1, a0
          sh a1, 6(s0)
        next: j loop`;
      const pair = new EnginePair(text, xlen);
      let reads = 0;
      for (let i = 0; i < 200; i++) {
        const reason = pair.step(1000);
        if (reason === 'mmio-read') pair.both(({ vcpu }) => vcpu.completeMmioRead(0xffff_fff0 + (i & 7)));
        else pair.both(({ vcpu }) => vcpu.completeMmioWrite());
        if (reason === 'mmio-read') reads++;
      }
      expect(reads).to.equal(100);
    });

    it('recurses 10,000 deep without filling the stack of the host', () => {
      const pair = new EnginePair(
        `la sp, top
         again: li a1, 10000
         call recurse
         j again
         ${mixed(xlen).slice(mixed(xlen).indexOf('recurse: beqz'))}
         .org 0x80040000
         top: nop`,
        xlen,
      );
      for (let i = 0; i < 10; i++) pair.step(99_991);
      expect(Number(pair.get('s5'))).to.be.greaterThan(80_000);
    });

    it('counts what it translates and what it drops', () => {
      const pair = new EnginePair(mixed(xlen), xlen);
      const { vcpu, memory } = pair.translator;
      pair.step(1000);
      const before = vcpu.statistics?.();
      expect(before?.translatedRegions).to.be.greaterThan(0);
      expect(before?.generatedBytes).to.be.greaterThan(0);
      expect(before?.droppedRegions).to.equal(0);
      memory.writeU32(pair.address('inner'), encoded('addi s0, s0, 9', xlen));
      vcpu.invalidateCode(pair.address('inner'), 4);
      expect(vcpu.statistics?.().droppedRegions).to.equal(before?.translatedRegions);
      expect(pair.interpreter.vcpu.statistics?.()).to.deep.equal({
        translatedRegions: 0,
        droppedRegions: 0,
        generatedBytes: 0,
      });
    });
  });

  describe(`Changes of translated code of RV${xlen}`, () => {
    it('are seen after fence.i, and not before', () => {
      const text = `
        la s0, patch
        li s1, ${encoded('addi a0, a0, 5', xlen)}
        li s2, ${encoded('addi a0, a0, 1', xlen)}
        loop: addi s3, s3, 1
        patch: addi a0, a0, 1
          andi t0, s3, 7
          bnez t0, loop
          sw s1, 0(s0)
          mv t1, s1
          mv s1, s2
          mv s2, t1
          addi s4, s4, 1
          li t1, 3
          bne s4, t1, loop
          li s4, 0
          fence.i
          j loop`;
      const pair = new EnginePair(text, xlen);
      for (let count = 1; count <= 120; count++) pair.step(count);
      expect(pair.translator.vcpu.statistics?.().droppedRegions).to.be.greaterThan(10);
    });

    it('are seen at once when they come from outside', () => {
      const pair = new EnginePair('loop: addi a0, a0, 1\naddi a1, a1, 1\nbnez a1, loop', xlen);
      for (let i = 0; i < 50; i++) {
        pair.step(100 + i);
        const before = pair.get('a0');
        change(pair, 'loop', `addi a0, a0, ${i}`, xlen);
        pair.step(3);
        expect(pair.get('a0') - before).to.equal(BigInt(i));
      }
    });

    it('are seen at once in code that has been translated but never executed', () => {
      const text = `
        loop: addi a0, a0, 1
          bnez s0, seldom
          j loop
        .space 400
        seldom: addi a1, a1, 1
          j loop`;
      const pair = new EnginePair(text, xlen);
      pair.step(100);
      change(pair, 'seldom', 'addi a1, a1, 7', xlen);
      pair.both(({ vcpu }) => vcpu.writeRegister(8, 1n));
      pair.step(100);
      expect(pair.get('a1') % 7n).to.equal(0n);
      expect(Number(pair.get('a1'))).to.be.greaterThan(0);
    });

    it('are seen at once in a jump that is alone in its page', () => {
      const text = `
        j loop
        .org 0x80000ff8
        loop: addi a0, a0, 1
          addi a1, a1, 1
        back: j loop
        nop
        other: addi a2, a2, 1
          j loop`;
      const pair = new EnginePair(text, xlen);
      pair.step(100);
      // The loop is translated anew, now that its second page holds code.
      change(pair, 'loop', 'addi a0, a0, 3', xlen);
      runToLoop(pair);
      pair.both(({ memory, vcpu }) => {
        // jal x0, 8
        memory.writeU32(pair.address('back'), 0x0080_006f);
        vcpu.invalidateCode(pair.address('back'), 4);
      });
      pair.step(50);
      expect(pair.get('a2')).to.equal(10n);
    });

    it('are seen at once in the second half of a jump that straddles two pages', () => {
      const text = `
        j loop
        .org 0x80000ff6
        early: addi a2, a2, 1
        loop: addi a0, a0, 1
        back: j loop`;
      const pair = new EnginePair(text, xlen);
      pair.step(100);
      change(pair, 'loop', 'addi a0, a0, 3', xlen);
      runToLoop(pair);
      // Makes it a jump to "early", whose lower half is the same.
      pair.both(({ memory, vcpu }) => {
        expect(memory.readU16(pair.address('back'))).to.equal(0xf06f);
        memory.write(0x8000_1000, Uint8Array.of(0x9f, 0xff));
        vcpu.invalidateCode(0x8000_1000, 2);
      });
      pair.step(60);
      expect(pair.get('a2')).to.equal(20n);
    });
  });
}

/** Runs on, and stops where the region that begins at the loop is entered. */
function runToLoop(pair: EnginePair): void {
  pair.step(100);
  while (pair.translator.vcpu.readPc() !== BigInt(pair.address('loop'))) pair.step(1);
}

function change(pair: EnginePair, label: string, instruction: string, xlen: 32 | 64): void {
  pair.both(({ memory, vcpu }) => {
    memory.writeU32(pair.address(label), encoded(instruction, xlen));
    vcpu.invalidateCode(pair.address(label), 4);
  });
}
