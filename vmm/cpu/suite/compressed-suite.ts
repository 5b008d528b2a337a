/** Compressed instructions: each one does what the instruction it abbreviates does, in two bytes. */

import { expect } from 'chai';
import { type CreateVcpu, hex, TEXT, VcpuBench } from './vcpu-bench.js';

/** Compressed text, and the full text that must leave the same registers and memory. */
const PAIRS: readonly (readonly [compressed: string, full: string])[] = [
  ['c.nop', 'nop'],
  ['c.addi a0, -32', 'addi a0, a0, -32'],
  ['c.addi t6, 31', 'addi t6, t6, 31'],
  ['c.li a1, -1', 'li a1, -1'],
  ['c.li t5, 31', 'li t5, 31'],
  ['c.lui a2, 31', 'lui a2, 31'],
  ['c.lui a2, 0xfffe0', 'lui a2, 0xfffe0'],
  ['c.addi16sp -512', 'addi sp, sp, -512'],
  ['c.addi16sp 496', 'addi sp, sp, 496'],
  ['c.addi4spn s0, 4', 'addi s0, sp, 4'],
  ['c.addi4spn a5, 1020', 'addi a5, sp, 1020'],
  ['c.slli a0, 31', 'slli a0, a0, 31'],
  ['c.slli t4, 1', 'slli t4, t4, 1'],
  ['c.srli a5, 31', 'srli a5, a5, 31'],
  ['c.srai s1, 4', 'srai s1, s1, 4'],
  ['c.andi s0, -32', 'andi s0, s0, -32'],
  ['c.andi a4, 21', 'andi a4, a4, 21'],
  ['c.sub s0, a5', 'sub s0, s0, a5'],
  ['c.xor a0, a1', 'xor a0, a0, a1'],
  ['c.or a2, s1', 'or a2, a2, s1'],
  ['c.and a3, a4', 'and a3, a3, a4'],
  ['c.mv t6, ra', 'mv t6, ra'],
  ['c.add s11, t3', 'add s11, s11, t3'],
  ['c.lw a3, 0(s1)', 'lw a3, 0(s1)'],
  ['c.lw s0, 124(s1)', 'lw s0, 124(s1)'],
  ['c.lw a5, 64(s1)', 'lw a5, 64(s1)'],
  ['c.sw a3, 4(s1)', 'sw a3, 4(s1)'],
  ['c.sw s0, 120(s1)', 'sw s0, 120(s1)'],
  ['c.lwsp t0, 0(sp)', 'lw t0, 0(sp)'],
  ['c.lwsp a0, 252(sp)', 'lw a0, 252(sp)'],
  ['c.swsp t0, 4(sp)', 'sw t0, 4(sp)'],
  ['c.swsp ra, 248(sp)', 'sw ra, 248(sp)'],
];

const STACK = 0x8000_4000;
const DATA = 0x8000_3000;

/** Registers and data after one instruction from a state in which every register and word differs. */
function effect(create: CreateVcpu, text: string): { state: string[]; pc: number } {
  const bench = new VcpuBench(create, text);
  for (let i = 1; i < 32; i++) bench.set(`x${i}`, Math.imul(i, 0x9e37_79b1));
  bench.set('sp', STACK);
  bench.set('s1', DATA);
  for (let i = 0; i < 64; i++) {
    bench.memory.writeU32(STACK + 4 * i, 0x1000_0000 + i);
    bench.memory.writeU32(DATA + 4 * i, 0x8000_0000 + i);
  }
  expect(bench.step().reason).to.equal('until');
  const registers = Array.from({ length: 32 }, (_, i) => hex(bench.get(`x${i}`)));
  const memory = [...bench.memory.read(STACK, 256), ...bench.memory.read(DATA, 256)].map(String);
  return { state: [...registers, ...memory], pc: bench.pc };
}

export function describeCompressed(create: CreateVcpu): void {
  describe('compressed instructions', () => {
    for (const [compressed, full] of PAIRS) {
      it(`executes ${compressed} as ${full}`, () => {
        const short = effect(create, compressed);
        expect(short.state).to.deep.equal(effect(create, full).state);
        expect(short.pc).to.equal(TEXT + 2);
      });
    }

    it('jumps, links and branches', () => {
      const bench = new VcpuBench(
        create,
        `c.j over
        c.ebreak
        over: c.jal sub
        after: c.beqz s0, equal
        c.ebreak
        equal: c.bnez s0, equal
        c.li s1, 1
        c.bnez s1, jump
        c.ebreak
        sub: c.jr ra
        jump: la a0, end
        c.jalr a0
        .align 2
        end: c.beqz s1, end
        nop`,
      );
      bench.step(2);
      expect([bench.pc, bench.get('ra')]).to.deep.equal([bench.address('sub'), bench.address('after')]);
      bench.runTo('jump');
      bench.step(3);
      expect([bench.pc, bench.get('ra')]).to.deep.equal([bench.address('end'), bench.address('jump') + 10]);
      bench.step();
      expect(bench.pc).to.equal(bench.address('end') + 2);
    });

    it('branches and jumps as far as the offsets reach', () => {
      for (const [text, registers] of [
        ['c.j target', {}],
        ['c.beqz a0, target', { a0: 0 }],
        ['c.bnez a0, target', { a0: 1 }],
      ] as const) {
        const reach = text.startsWith('c.j') ? [-2048, 2046] : [-256, 254];
        for (const distance of reach) {
          const bench = new VcpuBench(
            create,
            `.org ${TEXT + 0x1000}\ncode: ${text.replace('target', `code + ${distance}`.replace('+ -', '- '))}`,
          );
          for (const [name, value] of Object.entries(registers)) bench.set(name, value);
          bench.vcpu.writePc(BigInt(bench.address('code')));
          bench.step();
          expect(bench.pc, text).to.equal(bench.address('code') + distance);
        }
      }
    });

    it('traps c.ebreak as a breakpoint', () => {
      const bench = new VcpuBench(create, 'la t0, handler\ncsrw mtvec, t0\nthere: c.ebreak\n.align 2\nhandler: nop');
      bench.runToTrap();
      expect(bench.trap).to.include({ cause: 3, epc: bench.address('there') });
    });

    for (const [name, bits] of [
      ['all zeros', 0x0000],
      ['c.addi4spn with 0', 0x0004],
      ['c.lui with 0', 0x6501],
      ['c.addi16sp with 0', 0x6101],
      ['c.lwsp to x0', 0x4002],
      ['c.jr x0', 0x8002],
      ['c.slli by more than 31', 0x1506],
      ['c.srli by more than 31', 0x9105],
      ['c.fld', 0x2000],
      ['c.flwsp', 0x6002],
      ['c.subw', 0x9c01],
    ] as const) {
      it(`traps the reserved encoding ${name} with its 16 bits as mtval`, () => {
        const bench = new VcpuBench(
          create,
          `la t0, handler\ncsrw mtvec, t0\nthere: .half ${bits}, 0xffff\n.align 2\nhandler: nop`,
        );
        bench.runToTrap();
        expect(bench.trap).to.deep.equal({ cause: 2, epc: bench.address('there'), tval: bits });
      });
    }
  });
}
