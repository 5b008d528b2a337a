/** Loads and stores to RAM: widths, signs, misalignment, the edges of RAM, atomics. */

import { expect } from 'chai';
import { type CreateVcpu, hex, RAM_BASE, VcpuBench } from './vcpu-bench.js';

const DATA = 0x8000_1000;
const RAM_END = RAM_BASE + 0x2_0000;

export function describeMemory(create: CreateVcpu): void {
  describe('loads and stores', () => {
    const loads: readonly [name: string, size: number, isSigned: boolean][] = [
      ['lb', 1, true],
      ['lbu', 1, false],
      ['lh', 2, true],
      ['lhu', 2, false],
      ['lw', 4, true],
    ];
    const bytes = Uint8Array.of(0x80, 0x7f, 0xff, 0x01, 0xfe, 0x00, 0x55, 0xaa, 0x12, 0x92);

    for (const [name, size, isSigned] of loads) {
      it(`extends what ${name} reads, at every alignment`, () => {
        const bench = new VcpuBench(create, `loop: ${name} a0, -4(s0)\nj loop`);
        bench.memory.write(DATA, bytes);
        for (let at = 0; at + size <= bytes.length; at++) {
          bench.set('s0', DATA + at + 4);
          bench.step(2);
          let value = 0;
          for (let i = 0; i < size; i++) value += bytes[at + i] * 2 ** (8 * i);
          if (isSigned && value >= 2 ** (8 * size - 1)) value -= 2 ** (8 * size);
          expect(hex(bench.get('a0')), `offset ${at}`).to.equal(hex(value));
        }
      });

      it(`faults when ${name} reaches beyond either end of RAM misaligned`, () => {
        if (size === 1) return;
        const bench = new VcpuBench(create, `la t0, handler\ncsrw mtvec, t0\nloop: ${name} a0, 0(s0)\nhandler: nop`);
        bench.runTo('loop');
        bench.set('s0', RAM_END - 1);
        bench.step();
        expect(bench.trap).to.deep.equal({ cause: 5, epc: bench.address('loop'), tval: RAM_END });
        bench.vcpu.writePc(BigInt(bench.address('loop')));
        bench.set('s0', RAM_BASE - 1);
        bench.step();
        expect(bench.trap).to.deep.equal({ cause: 5, epc: bench.address('loop'), tval: RAM_BASE - 1 });
      });
    }

    for (const [name, size] of [
      ['sb', 1],
      ['sh', 2],
      ['sw', 4],
    ] as const) {
      it(`stores the low bytes with ${name}, at every alignment, and nothing else`, () => {
        const bench = new VcpuBench(create, `loop: ${name} a0, 4(s0)\nj loop`);
        bench.set('a0', 0x8a9b_acbd);
        for (let at = 0; at < 6; at++) {
          bench.memory.write(DATA, new Uint8Array(12).fill(0x11));
          bench.set('s0', DATA + at - 4);
          bench.step(2);
          const expected = new Uint8Array(12).fill(0x11);
          for (let i = 0; i < size; i++) expected[at + i] = 0x8a9b_acbd >>> (8 * i);
          expect([...bench.memory.read(DATA, 12)], `offset ${at}`).to.deep.equal([...expected]);
        }
      });
    }

    it('writes nothing when a misaligned store reaches beyond RAM', () => {
      const bench = new VcpuBench(create, 'la t0, handler\ncsrw mtvec, t0\nloop: sw a0, 0(s0)\nhandler: nop');
      bench.runTo('loop');
      bench.set('a0', -1);
      bench.set('s0', RAM_END - 2);
      bench.step();
      expect(bench.trap).to.deep.equal({ cause: 7, epc: bench.address('loop'), tval: RAM_END });
      expect(bench.memory.readU16(RAM_END - 2)).to.equal(0);
    });

    it('reads and writes the first and last word of RAM', () => {
      const bench = new VcpuBench(create, 'sw a0, 0(s0)\nlw a1, 0(s0)\nlw a2, 0(s1)');
      bench.set('s0', RAM_END - 4);
      bench.set('s1', RAM_BASE);
      bench.set('a0', 0xdead_beef);
      expect(bench.step(3).reason).to.equal('until');
      expect(bench.get('a1')).to.equal(0xdead_beef);
      expect(bench.get('a2')).to.equal(bench.memory.readU32(RAM_BASE));
    });

    it('accesses words over a page boundary', () => {
      const bench = new VcpuBench(create, 'sw a0, 0(s0)\nlw a1, 0(s0)\nlhu a2, 1(s0)');
      bench.set('s0', 0x8000_1ffe);
      bench.set('a0', 0x1234_5678);
      bench.step(3);
      expect(hex(bench.get('a1'))).to.equal('0x12345678');
      expect(hex(bench.get('a2'))).to.equal('0x3456');
    });

    it('faults on misaligned accesses that wrap round the address space or touch no RAM at all', () => {
      const bench = new VcpuBench(create, 'la t0, handler\ncsrw mtvec, t0\nloop: lw a0, 0(s0)\nhandler: nop');
      bench.runTo('loop');
      for (const gpa of [0xffff_fffe, 0x1000_0001]) {
        bench.vcpu.writePc(BigInt(bench.address('loop')));
        bench.set('s0', gpa);
        expect(bench.step().reason).to.equal('until');
        expect(bench.trap).to.deep.equal({ cause: 5, epc: bench.address('loop'), tval: gpa });
      }
    });
  });
  describeAtomics(create);
}

type Amo = (old: number, operand: number) => number;

const AMOS: Readonly<Record<string, Amo>> = {
  'amoswap.w': (_, b) => b,
  'amoadd.w': (a, b) => a + b,
  'amoxor.w': (a, b) => a ^ b,
  'amoand.w': (a, b) => a & b,
  'amoor.w': (a, b) => a | b,
  'amomin.w': (a, b) => Math.min(a | 0, b | 0),
  'amomax.w': (a, b) => Math.max(a | 0, b | 0),
  'amominu.w': (a, b) => Math.min(a >>> 0, b >>> 0),
  'amomaxu.w': (a, b) => Math.max(a >>> 0, b >>> 0),
};

const TRAPPING = (instruction: string): string => `la t0, handler
  csrw mtvec, t0
  there: ${instruction}
  .align 2
  handler: j handler`;

function describeAtomics(create: CreateVcpu): void {
  describe('atomics', () => {
    for (const [name, define] of Object.entries(AMOS)) {
      it(`modifies memory and returns what it held: ${name}`, () => {
        const bench = new VcpuBench(create, `loop: ${name} a0, a1, (s0)\nj loop`);
        bench.set('s0', DATA);
        for (const old of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
          for (const operand of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
            bench.memory.writeU32(DATA, old);
            bench.set('a1', operand);
            bench.step(2);
            expect(bench.get('a0')).to.equal(old);
            expect(bench.memory.readU32(DATA), `${hex(old)}, ${hex(operand)}`).to.equal(define(old, operand) >>> 0);
          }
        }
      });

      it(`traps a misaligned ${name} and one outside RAM`, () => {
        const bench = new VcpuBench(create, TRAPPING(`${name} a0, a1, (s0)`));
        bench.runTo('there');
        bench.set('s0', DATA + 2);
        bench.step();
        expect(bench.trap).to.deep.equal({ cause: 6, epc: bench.address('there'), tval: DATA + 2 });
        bench.vcpu.writePc(BigInt(bench.address('there')));
        bench.set('s0', 0x1000_0000);
        bench.step();
        expect(bench.trap).to.deep.equal({ cause: 7, epc: bench.address('there'), tval: 0x1000_0000 });
      });
    }

    const pair = (between = ''): string => `lr.w a0, (s0)\n${between}\nsc.w a2, a1, (s0)\nend: nop`;
    const run = (text: string): VcpuBench => {
      const bench = new VcpuBench(create, text);
      bench.set('s0', DATA);
      bench.set('a1', 7);
      bench.memory.writeU32(DATA, 0xffff_fff0);
      bench.memory.writeU32(DATA + 4, 0xffff_fff0);
      bench.runTo('end');
      return bench;
    };

    it('stores conditionally after a load-reserved of the same word', () => {
      const bench = run(pair());
      expect([bench.get('a0'), bench.get('a2'), bench.memory.readU32(DATA)]).to.deep.equal([0xffff_fff0, 0, 7]);
    });

    it('fails a second store-conditional, one without a reservation and one elsewhere', () => {
      expect(run(pair('sc.w t0, x0, (s0)')).get('a2')).to.equal(1);
      expect(run('sc.w a2, a1, (s0)\nend: nop').get('a2')).to.equal(1);
      const elsewhere = run(pair('addi s0, s0, 4'));
      expect([elsewhere.get('a2'), elsewhere.memory.readU32(DATA + 4)]).to.deep.equal([1, 0xffff_fff0]);
    });

    it('fails a store-conditional after the word was changed, and after a trap', () => {
      const changed = run(pair('sw x0, 0(s0)'));
      expect([changed.get('a2'), changed.memory.readU32(DATA)]).to.deep.equal([1, 0]);
      const trapped = run(`la t0, handler
        csrw mtvec, t0
        ${pair('ecall')}
        j end
        .align 2
        handler: csrr t0, mepc
        addi t0, t0, 4
        csrw mepc, t0
        mret`);
      expect([trapped.get('a2'), trapped.memory.readU32(DATA)]).to.deep.equal([1, 0xffff_fff0]);
    });

    it('traps misaligned lr and sc, and both outside RAM', () => {
      for (const [text, misaligned, fault] of [
        ['lr.w a0, (s0)', 4, 5],
        ['sc.w a0, a1, (s0)', 6, 7],
      ] as const) {
        const bench = new VcpuBench(create, TRAPPING(text));
        bench.runTo('there');
        bench.set('s0', DATA + 1);
        bench.step();
        expect(bench.trap).to.include({ cause: misaligned, tval: DATA + 1 });
        bench.vcpu.writePc(BigInt(bench.address('there')));
        bench.set('s0', RAM_END);
        bench.step();
        expect(bench.trap).to.include({ cause: fault, tval: RAM_END });
      }
    });

    it('ignores the ordering bits', () => {
      const bench = new VcpuBench(create, '.word 0x0600a52f # amoadd.w.aqrl a0, zero, (ra)');
      bench.set('ra', DATA);
      bench.memory.writeU32(DATA, 9);
      bench.step();
      expect(bench.get('a0')).to.equal(9);
    });
  });
}
