/** Floating point in the slow path: mstatus.FS, rounding modes, boxing, flags, and one of every instruction. */

import { expect } from 'chai';
import { FLOAT_READY } from '../cpu/state-layout.js';
import { assemble } from '../isa/assembler.js';
import { CODE, DATA, DEVICE, HartBench } from './hart-bench.js';

const FS = { off: 0n, initial: 1n << 13n, clean: 2n << 13n, dirty: 3n << 13n } as const;
const view = new DataView(new ArrayBuffer(8));
const BOX = 0xffff_ffff_0000_0000n;
const CANONICAL = 0x7fc0_0000n | BOX;
const CANONICAL_D = 0x7ff8_0000_0000_0000n;

function double(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function single(value: number): bigint {
  view.setFloat32(0, value);
  return BOX | BigInt(view.getUint32(0));
}

function benchWith(fs: keyof typeof FS = 'initial'): HartBench {
  const bench = new HartBench();
  bench.setCsr('mstatus', FS[fs]);
  return bench;
}

const fsOf = (bench: HartBench): bigint => bench.csr('mstatus') & FS.dirty;

describe('mstatus.FS', () => {
  it('makes every floating-point instruction and CSR illegal while it is Off, with the bits as tval', () => {
    for (const text of [
      'fadd.d f1, f2, f3',
      'flw f1, 0(s0)',
      'fsd f1, 0(s0)',
      'fmv.x.d a0, f1',
      'csrrs a0, frm, zero',
    ]) {
      const bench = benchWith('off');
      bench.set('s0', DATA);
      const { bytes } = assemble(text, CODE, 64);
      bench.memory.write(CODE, bytes);
      bench.do(text);
      const tval = BigInt(new DataView(bytes.buffer).getUint32(0, true));
      expect(bench.machineTrap, text).to.deep.equal({ cause: 2n, epc: BigInt(CODE), tval });
      expect(bench.hart.state.instret).to.equal(0);
    }
  });

  it('reports a compressed instruction with its 16 bits', () => {
    const bench = benchWith('off');
    bench.memory.writeU32(CODE, 0xffff_2000);
    bench.vcpu.execute(0x2000);
    expect(bench.machineTrap).to.include({ cause: 2n, tval: 0x2000n });
  });

  it('becomes Dirty by what writes an f register, a flag or fcsr, and by nothing else', () => {
    for (const [text, isDirty] of [
      ['fadd.d f1, f2, f3', true],
      ['flw f1, 0(s0)', true],
      ['fld f1, 0(s0)', true],
      ['fmv.d.x f1, a0', true],
      ['csrrwi zero, frm, 1', true],
      ['csrrs a0, fcsr, zero', false],
      ['fsw f1, 0(s0)', false],
      ['fsd f1, 0(s0)', false],
      ['fmv.x.d a0, f1', false],
      ['fclass.d a0, f1', false],
      ['feq.d a0, f1, f2', false],
      ['flt.d a0, f4, f2', true],
    ] as const) {
      for (const fs of ['initial', 'clean'] as const) {
        const bench = benchWith(fs);
        bench.vcpu.writeFloat(4, CANONICAL_D);
        bench.set('s0', DATA);
        bench.do(text);
        expect(fsOf(bench), text).to.equal(isDirty ? FS.dirty : FS[fs]);
        expect(bench.state('floatReady'), text).to.equal(
          isDirty ? (text.includes('frm') ? FLOAT_READY.dirty : FLOAT_READY.dirty | FLOAT_READY.nearest) : 0,
        );
      }
    }
  });
});

describe('rounding modes', () => {
  it('are those of the instruction, or of frm', () => {
    const third = (frm: bigint, rm: string): bigint => {
      const bench = benchWith();
      bench.setCsr('frm', frm);
      bench.vcpu.writeFloat(2, double(1));
      bench.vcpu.writeFloat(3, double(3));
      bench.do(`fdiv.d f1, f2, f3, ${rm}`);
      return bench.vcpu.readFloat(1) - double(1 / 3);
    };
    expect([third(0n, 'rne'), third(0n, 'rup'), third(3n, 'rne')]).to.deep.equal([0n, 1n, 0n]);
    expect([third(3n, 'dyn'), third(2n, 'dyn'), third(4n, 'rmm')]).to.deep.equal([1n, 0n, 0n]);
  });

  it('are illegal when reserved, in the instruction and in frm', () => {
    for (const [word, frm] of [
      [0x0231_50d3, 0n],
      [0x0231_60d3, 0n],
      [0x0231_70d3, 5n],
      [0x0231_70d3, 7n],
    ] as const) {
      const bench = benchWith();
      bench.setCsr('frm', frm);
      bench.memory.writeU32(CODE, word);
      bench.vcpu.execute(word);
      expect(bench.machineTrap).to.include({ cause: 2n, tval: BigInt(word) });
    }
  });
});

describe('floating-point registers', () => {
  it('hold singles in a box, and read as NaN what is in none', () => {
    const bench = benchWith();
    bench.vcpu.writeFloat(2, single(1.5));
    bench.vcpu.writeFloat(3, single(2) & 0xffff_ffffn);
    bench.do('fadd.s f1, f2, f2');
    expect(bench.vcpu.readFloat(1)).to.equal(single(3));
    bench.do('fadd.s f1, f2, f3');
    expect(bench.vcpu.readFloat(1)).to.equal(CANONICAL);
    bench.do('fmv.x.w a0, f3');
    expect(bench.get('a0')).to.equal(0x4000_0000n);
    bench.do('fsgnj.s f1, f3, f3');
    expect(bench.vcpu.readFloat(1)).to.equal(CANONICAL);
  });

  it('are loaded and stored, from RAM and from devices', () => {
    const bench = benchWith();
    bench.set('s0', DATA);
    bench.vcpu.writeFloat(1, double(-2.5));
    bench.do('fsd f1, 0(s0)');
    bench.do('fld f2, 0(s0)');
    bench.do('flw f3, 4(s0)');
    expect([bench.vcpu.readFloat(2), bench.vcpu.readFloat(3)]).to.deep.equal([
      double(-2.5),
      BOX | (double(-2.5) >> 32n),
    ]);
    bench.set('s0', DEVICE);
    expect(bench.do('flw f4, 0(s0)')).to.equal('mmio-read');
    bench.vcpu.completeMmioRead(0x3f80_0000);
    expect(bench.do('fld f5, 0(s0)')).to.equal('mmio-read');
    bench.vcpu.completeMmioRead(0, 0x3ff0_0000);
    expect([bench.vcpu.readFloat(4), bench.vcpu.readFloat(5)]).to.deep.equal([single(1), double(1)]);
    expect(bench.do('fsw f4, 0(s0)')).to.equal('mmio-write');
    expect(bench.vcpu.slowPath.exit).to.include({ size: 4, value: 0x3f80_0000, valueHigh: 0 });
  });
});

describe('floating-point instructions', () => {
  const toF: readonly (readonly [text: string, result: (format: (value: number) => bigint) => bigint])[] = [
    ['fmadd', (of) => of(11)],
    ['fmsub', (of) => of(1)],
    ['fnmsub', (of) => of(-1)],
    ['fnmadd', (of) => of(-11)],
  ];
  for (const [suffix, of] of [
    ['s', single],
    ['d', double],
  ] as const) {
    const run = (text: string, a: number, b: number): HartBench => {
      const bench = benchWith();
      bench.vcpu.writeFloat(2, of(a));
      bench.vcpu.writeFloat(3, of(b));
      bench.vcpu.writeFloat(4, of(5));
      bench.do(text);
      return bench;
    };

    it(`compute into f registers: .${suffix}`, () => {
      for (const [name, result] of toF) {
        expect(run(`${name}.${suffix} f1, f2, f3, f4`, 2, 3).vcpu.readFloat(1), name).to.equal(result(of));
      }
      for (const [name, result] of [
        ['fadd', 5],
        ['fsub', -1],
        ['fmul', 6],
        ['fdiv', 2 / 3],
        ['fmin', 2],
        ['fmax', 3],
        ['fsgnj', 2],
        ['fsgnjn', -2],
        ['fsgnjx', 2],
      ] as const) {
        expect(run(`${name}.${suffix} f1, f2, f3`, 2, 3).vcpu.readFloat(1), name).to.equal(of(result));
      }
      expect(run(`fsgnjx.${suffix} f1, f2, f3`, -2, -3).vcpu.readFloat(1)).to.equal(of(2));
      expect(run(`fsqrt.${suffix} f1, f2`, 6.25, 0).vcpu.readFloat(1)).to.equal(of(2.5));
    });

    it(`compare, classify and convert to integers: .${suffix}`, () => {
      for (const [text, a, b, result] of [
        [`feq.${suffix} a0, f2, f3`, 2, 2, 1n],
        [`flt.${suffix} a0, f2, f3`, 2, 3, 1n],
        [`fle.${suffix} a0, f2, f3`, 3, 2, 0n],
        [`fclass.${suffix} a0, f2`, -0, 0, 8n],
        [`fcvt.w.${suffix} a0, f2, rtz`, -2.5, 0, 0xffff_ffff_ffff_fffen],
        [`fcvt.wu.${suffix} a0, f2`, 2 ** 31, 0, 0xffff_ffff_8000_0000n],
        [`fcvt.l.${suffix} a0, f2`, -(2 ** 40), 0, BigInt.asUintN(64, -(1n << 40n))],
        [`fcvt.lu.${suffix} a0, f2`, 2 ** 63, 0, 1n << 63n],
      ] as const) {
        expect(run(text, a, b).get('a0'), text).to.equal(result);
      }
    });

    it(`convert from integers, of which the low word counts for the 32-bit ones: .${suffix}`, () => {
      for (const [name, result] of [
        [`fcvt.${suffix}.w`, -1],
        [`fcvt.${suffix}.wu`, 2 ** 32 - 1],
        [`fcvt.${suffix}.l`, 2 ** 32 - 1],
        [`fcvt.${suffix}.lu`, 2 ** 32 - 1],
      ] as const) {
        const bench = benchWith();
        bench.set('a0', 0xffff_ffffn);
        bench.do(`${name} f1, a0`);
        expect(bench.vcpu.readFloat(1), name).to.equal(of(result));
      }
    });
  }

  it('move bits and convert between the formats', () => {
    const bench = benchWith();
    bench.set('a0', 0xffff_0000_bf80_0000n);
    bench.do('fmv.w.x f1, a0');
    bench.do('fmv.d.x f2, a0');
    bench.do('fcvt.d.s f3, f1');
    bench.do('fcvt.s.d f4, f3');
    expect([1, 2, 3, 4].map((i) => bench.vcpu.readFloat(i))).to.deep.equal([
      single(-1),
      0xffff_0000_bf80_0000n,
      double(-1),
      single(-1),
    ]);
    bench.do('fmv.x.d a1, f2');
    bench.do('fmv.x.w a2, f1');
    expect([bench.get('a1'), bench.get('a2')]).to.deep.equal([0xffff_0000_bf80_0000n, 0xffff_ffff_bf80_0000n]);
  });

  it('gather flags in fcsr', () => {
    const bench = benchWith();
    bench.vcpu.writeFloat(2, double(1));
    bench.vcpu.writeFloat(3, double(3));
    bench.do('fdiv.d f1, f2, f3');
    expect(bench.csr('fflags')).to.equal(1n);
    bench.do('fdiv.d f1, f2, f0');
    expect(bench.csr('fflags')).to.equal(9n);
    bench.do('fsqrt.d f1, f1');
    expect(bench.csr('fcsr')).to.equal(9n);
    bench.do('csrrwi a0, fflags, 0');
    expect([bench.get('a0'), bench.csr('fcsr')]).to.deep.equal([9n, 0n]);
  });
});
