/** Arithmetic, comparisons, shifts, multiplication and division, against definitions in exact integers. */

import { expect } from 'chai';
import { type CreateVcpu, hex, VcpuBench } from './vcpu-bench.js';

const EDGES: readonly number[] = [
  0, 1, 2, 3, 5, 31, 32, 33, 0x7f, 0x80, 0xffff, 0x1_0000, 0x1234_5678, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000,
  0x8000_0001, 0xffff_0000, 0xffff_fffe, 0xffff_ffff,
];

type Definition = (a: bigint, b: bigint) => bigint;

const signed = (value: bigint): bigint => BigInt.asIntN(32, value);
const quotient = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** What each instruction computes from unsigned operands, before the result is cut to 32 bits. */
const REGISTER: Readonly<Record<string, Definition>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b) => a << (b & 31n),
  slt: (a, b) => (signed(a) < signed(b) ? 1n : 0n),
  sltu: (a, b) => (a < b ? 1n : 0n),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 31n),
  sra: (a, b) => signed(a) >> (b & 31n),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  mul: (a, b) => a * b,
  mulh: (a, b) => (signed(a) * signed(b)) >> 32n,
  mulhsu: (a, b) => (signed(a) * b) >> 32n,
  mulhu: (a, b) => (a * b) >> 32n,
  div: (a, b) => quotient(signed(a), signed(b)),
  divu: quotient,
  rem: (a, b) => remainder(signed(a), signed(b)),
  remu: remainder,
};

const IMMEDIATES: readonly number[] = [-2048, -1, 0, 1, 7, 2047];
const SHIFTS: readonly number[] = [0, 1, 15, 31];

const IMMEDIATE: Readonly<Record<string, readonly [Definition, readonly number[]]>> = {
  addi: [REGISTER.add, IMMEDIATES],
  slti: [REGISTER.slt, IMMEDIATES],
  sltiu: [REGISTER.sltu, IMMEDIATES],
  xori: [REGISTER.xor, IMMEDIATES],
  ori: [REGISTER.or, IMMEDIATES],
  andi: [REGISTER.and, IMMEDIATES],
  slli: [REGISTER.sll, SHIFTS],
  srli: [REGISTER.srl, SHIFTS],
  srai: [REGISTER.sra, SHIFTS],
};

const cut = (value: bigint): number => Number(BigInt.asUintN(32, value));
const unsigned = (value: number): bigint => BigInt(value >>> 0);

export function describeIntegers(create: CreateVcpu): void {
  describe('integer instructions', () => {
    for (const [name, define] of Object.entries(REGISTER)) {
      it(`computes ${name} at the edges of its range`, () => {
        const bench = new VcpuBench(create, `loop: ${name} a0, a1, a2\nj loop`);
        for (const a of EDGES) {
          for (const b of EDGES) {
            bench.set('a1', a);
            bench.set('a2', b);
            bench.step(2);
            expect(hex(bench.get('a0')), `${name} ${hex(a)}, ${hex(b)}`).to.equal(
              hex(cut(define(unsigned(a), unsigned(b)))),
            );
          }
        }
      });

      it(`computes ${name} when the destination is a source`, () => {
        const bench = new VcpuBench(create, `${name} a1, a1, a2\n${name} a2, a2, a2`);
        bench.set('a1', 0x8765_4321);
        bench.set('a2', 17);
        bench.step(2);
        expect(bench.get('a1')).to.equal(cut(define(0x8765_4321n, 17n)));
        expect(bench.get('a2')).to.equal(cut(define(17n, 17n)));
      });
    }

    for (const [name, [define, immediates]] of Object.entries(IMMEDIATE)) {
      it(`computes ${name} at the edges of its range`, () => {
        for (const immediate of immediates) {
          const bench = new VcpuBench(create, `loop: ${name} a0, a1, ${immediate}\nj loop`);
          for (const a of EDGES) {
            bench.set('a1', a);
            bench.step(2);
            const expected = cut(define(unsigned(a), unsigned(immediate)));
            expect(hex(bench.get('a0')), `${name} ${hex(a)}, ${immediate}`).to.equal(hex(expected));
          }
        }
      });
    }

    it('loads upper immediates, alone and relative to pc', () => {
      const bench = new VcpuBench(
        create,
        'lui a0, 0xfffff\nlui a1, 0x12345\nauipc a2, 0\nauipc a3, 0x80000\nauipc a4, 0x1',
      );
      bench.step(5);
      expect(['a0', 'a1', 'a2', 'a3', 'a4'].map((name) => hex(bench.get(name)))).to.deep.equal([
        '0xfffff000',
        '0x12345000',
        '0x80000008',
        '0xc',
        '0x80001010',
      ]);
    });

    it('keeps x0 zero, whatever writes to it', () => {
      const bench = new VcpuBench(
        create,
        `li t0, 5
        addi x0, t0, 1
        add x0, t0, t0
        lui x0, 1
        jal x0, next
        next: mulhu x0, t0, t0
        div x0, t0, x0
        lw x0, 0(s0)
        csrrw x0, mscratch, t0
        csrrs x0, mscratch, x0
        amoadd.w x0, t0, (s0)
        sc.w x0, t0, (s0)
        end: add a0, x0, x0`,
      );
      bench.set('s0', 0x8000_1000);
      bench.runTo('end');
      bench.step();
      expect(bench.get('zero')).to.equal(0);
      expect(bench.get('a0')).to.equal(0);
      expect(bench.get('ra')).to.equal(0);
    });
  });

  describe('jumps and branches', () => {
    const taken: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
      beq: (a, b) => a === b,
      bne: (a, b) => a !== b,
      blt: (a, b) => signed(a) < signed(b),
      bge: (a, b) => signed(a) >= signed(b),
      bltu: (a, b) => a < b,
      bgeu: (a, b) => a >= b,
    };
    for (const [name, define] of Object.entries(taken)) {
      it(`takes ${name} exactly when its condition holds`, () => {
        const bench = new VcpuBench(create, `loop: ${name} a1, a2, yes\nj loop\nyes: j loop`);
        for (const a of EDGES) {
          for (const b of EDGES) {
            bench.set('a1', a);
            bench.set('a2', b);
            bench.step();
            const expected =
              bench.address(define(unsigned(a), unsigned(b)) ? 'yes' : 'loop') +
              (define(unsigned(a), unsigned(b)) ? 0 : 4);
            expect(hex(bench.pc), `${name} ${hex(a)}, ${hex(b)}`).to.equal(hex(expected));
            bench.step();
          }
        }
      });
    }

    it('jumps backwards and links', () => {
      const bench = new VcpuBench(create, 'j forward\nback: jalr t0, 8(s0)\nforward: jal ra, back');
      bench.set('s0', 0x8000_0101);
      bench.step(2);
      expect(hex(bench.get('ra'))).to.equal('0x8000000c');
      bench.step();
      expect(hex(bench.get('t0'))).to.equal('0x80000008');
      expect(hex(bench.pc)).to.equal('0x80000108');
    });

    it('takes the target of jalr before it links', () => {
      const bench = new VcpuBench(create, 'jalr s0, 4(s0)');
      bench.set('s0', 0x8000_0200);
      bench.step();
      expect(hex(bench.pc)).to.equal('0x80000204');
      expect(hex(bench.get('s0'))).to.equal('0x80000004');
    });

    it('crosses the boundaries of code regions by falling, branching and jumping', () => {
      const boundary = 0x10_0000;
      const bench = new VcpuBench(
        create,
        `j start
        .org ${0x8000_0000 + boundary - 12}
        start: beqz a0, over
        back: c.nop
        nop
        straddle: addi a1, a1, 1
        over: addi a2, a2, 1
        bnez a0, done
        jal a0, back
        done: bgeu x0, a0, start
        blt x0, a1, back
        bltu x0, a1, back
        bge a1, x0, start
        beq a1, a2, back`,
        { ramBytes: 0x20_0000 },
      );
      expect(bench.address('straddle') + 2).to.equal(0x8000_0000 + boundary);
      bench.runTo('over');
      expect(bench.get('a1')).to.equal(0);
      bench.runTo('done', 20);
      expect([bench.get('a1'), bench.get('a2')]).to.deep.equal([1, 2]);
      expect(bench.get('a0')).to.equal(bench.address('done'));
      bench.set('a1', -1);
      bench.step(2);
      expect(bench.pc).to.equal(bench.address('done') + 8);
      bench.step();
      expect(bench.pc).to.equal(bench.address('back'));
      for (const [offset, a0, a1, target] of [
        [0, 0, 0, 'start'],
        [4, 1, 1, 'back'],
        [12, 1, 5, 'start'],
        [16, 1, 2, 'back'],
      ] as const) {
        bench.vcpu.writePc(BigInt(bench.address('done') + offset));
        bench.set('a0', a0);
        bench.set('a1', a1);
        bench.step();
        expect(bench.pc, `done + ${offset}`).to.equal(bench.address(target));
      }
    });
  });
}
