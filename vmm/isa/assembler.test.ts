/** The assembler against known encodings, the decoder, and its own error messages. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { assemble } from './assembler.js';
import { createDecodedInstruction, Decoder } from './decoder.js';
import { encodeInstruction } from './encoder.js';
import { RV64GC, selectInstructions } from './instruction-table.js';
import { EVERY_EXTENSION, operandsOf, randomWord } from './test-support.js';

const words = (text: string, origin?: number, xlen?: 32 | 64): string[] => {
  const { bytes } = assemble(text, origin, xlen);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) =>
    view
      .getUint32(4 * i, true)
      .toString(16)
      .padStart(8, '0'),
  );
};

describe('assemble', () => {
  it('encodes each kind of operand', () => {
    expect(words('addi sp, sp, -16\nsw ra, 12(sp)\nlui a1, 0x80000\nsub a2, a1, a0')).to.deep.equal([
      'ff010113',
      '00112623',
      '800005b7',
      '40a58633',
    ]);
    expect(words('csrw mtvec, t0\ncsrr a0, mhartid\ncsrwi pmpaddr15, 3\ncsrr a0, 0x7c0')).to.deep.equal([
      '30529073',
      'f1402573',
      '3bf1d073',
      '7c002573',
    ]);
    expect(words('lr.w a0, (a0)\nsc.w a0, a1, (a2)\njalr ra, 4(t0)\nret')).to.deep.equal([
      '1005252f',
      '18b6252f',
      '004280e7',
      '00008067',
    ]);
  });

  it('resolves labels in both directions and names them', () => {
    const program = assemble('start: j end\nmiddle: nop\nend: bne a0, a1, middle\n', 0x1000);
    expect([...program.symbols]).to.deep.equal([
      ['start', 0x1000],
      ['middle', 0x1004],
      ['end', 0x1008],
    ]);
    expect(words('start: j end\nmiddle: nop\nend: bne a0, a1, middle')).to.deep.equal([
      '0080006f',
      '00000013',
      'feb51ee3',
    ]);
  });

  it('loads any constant and address', () => {
    expect(
      words('li a0, -1\nli a0, 0x12345678\nli a0, 0xfffff800\nli a0, 0x80000000\nli a0, 0x12345fff'),
    ).to.deep.equal(['fff00513', '12345537', '67850513', '80000513', '80000537', '12346537', 'fff50513']);
    expect(words('la a0, there\nthere: nop')).to.deep.equal(['80000537', '00850513', '00000013']);
  });

  it('lays out data', () => {
    const { bytes } = assemble('.byte 1, -1\n.align 2\n.half 0x1234\n.space 2\n.word here, here + 4\nhere:', 0x100);
    expect([...bytes]).to.deep.equal([1, 255, 0, 0, 0x34, 0x12, 0, 0, 0x10, 1, 0, 0, 0x14, 1, 0, 0]);
  });

  it('ignores comments, blank lines and case', () => {
    expect(words('# nothing\n\n  ADD A0, a1, A2 # sum')).to.deep.equal(['00c58533']);
  });

  it('quotes the line that it cannot assemble', () => {
    for (const [text, message] of [
      ['addi a0, a0, 2048', /"addi a0, a0, 2048": immediate 2048 does not fit/],
      ['addi a0, a0', /takes 3 operands/],
      ['addi a0, q0, 1', /"q0" is no register/],
      ['frobnicate a0', /there is no instruction "frobnicate"/],
      ['j nowhere', /"nowhere" has no value/],
      ['c.lw a0, 4(t0)', /register or number 5 does not fit/],
      ['c.lw a0, 2(a1)', /immediate 2 does not fit/],
      ['lw a0, a1', /offset\(register\)/],
      ['csrwi mtvec, 32', /number 32 does not fit/],
    ] as const) {
      expect(() => assemble(text), text).to.throw(message);
    }
  });
});

describe('assemble for RV64', () => {
  it('takes the rows of its width', () => {
    expect(words('slli a0, a0, 63\nrev8 a0, a0\nc.addiw a0, 1\nc.nop', 0, 64)).to.deep.equal([
      '03f51513',
      '6b855513',
      '00012505',
    ]);
    expect(words('rev8 a0, a0')).to.deep.equal(['69855513']);
    expect(() => assemble('slli a0, a0, 32')).to.throw(/immediate 32 does not fit/);
    expect(() => assemble('ld a0, 0(a0)')).to.throw(/"ld a0, 0\(a0\)": there is no instruction "ld"/);
    expect(() => assemble('c.jal 0', 0, 64)).to.throw(/there is no instruction "c.jal"/);
  });

  it('tells floating-point registers and rounding modes from others', () => {
    expect(words('fadd.s fa0, ft1, f3\nfadd.s fa0, ft1, f3, rtz\nfcvt.d.w fa0, a0', 0, 64)).to.deep.equal([
      '0030f553',
      '00309553',
      'd2050553',
    ]);
    expect(() => assemble('fadd.s fa0, a1, fa2', 0, 64)).to.throw(/"a1" is no floating-point register/);
    expect(() => assemble('add a0, fa1, a2', 0, 64)).to.throw(/"fa1" is no register/);
    expect(() => assemble('fadd.s fa0, fa1, fa2, up', 0, 64)).to.throw(/"up" is no rounding mode/);
    expect(() => assemble('feq.s a0, fa1, fa2, rne', 0, 64)).to.throw(/takes 3 operands/);
  });

  it('loads any constant of 64 bits', () => {
    const random = createRandom('constants');
    const edges = [0n, 1n, 11n, 12n, 31n, 32n, 33n, 52n, 53n, 63n].flatMap((bit) =>
      [-2n, -1n, 0n, 1n].map((d) => (1n << bit) + d),
    );
    const values = [...edges, ...edges.map((value) => -value)];
    for (let i = 0; i < 500; i++) {
      const bits = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
      values.push(BigInt.asIntN(1 + random.below(64), bits) << BigInt(random.below(40)));
    }
    for (const value of values) {
      const { bytes } = assemble(`li a0, ${value}`, 0, 64);
      expect(loadedConstant(bytes), String(value)).to.equal(BigInt.asIntN(64, value));
      expect(bytes.length / 4, String(value)).to.be.at.most(8);
    }
    expect(words('li a0, 0x80000000', 0, 64)).to.deep.equal(['00100513', '01f51513']);
    expect(words('li a0, -0x80000000\nli a0, 0x7fffffff', 0, 64)).to.deep.equal(['80000537', '80000537', 'fff5051b']);
    expect(() => assemble('li a0, there', 0, 64)).to.throw(/"there" is no number/);
  });

  it('loads addresses relative to the pc, in both directions', () => {
    expect(words('la a0, there\nthere: nop', 0x8000_0000, 64)).to.deep.equal(['00000517', '00850513', '00000013']);
    expect(words('there: .space 2048\nla a0, there', 0x20_0000_0000, 64).slice(-2)).to.deep.equal([
      '00000517',
      '80050513',
    ]);
    expect(words('there: .space 4096\nla a0, there', 0x20_0000_0000, 64).slice(-2)).to.deep.equal([
      'fffff517',
      '00050513',
    ]);
    expect(() => assemble('la a0, 0', 0x20_0000_0000, 64)).to.throw(/a distance of -137438953472 bytes does not fit/);
  });

  it('does not wrap a jump around the address space', () => {
    expect(() => assemble('j 0', 0xffff_fffc, 64)).to.throw(/does not fit/);
    expect(words('j 0', 0xffff_fffc)).to.deep.equal(['0040006f']);
  });

  it('lays out double words exactly', () => {
    const { bytes } = assemble('.dword 0x123456789abcdef1, -1, here + 8\nhere:', 0x10_0000_0000, 64);
    const view = new DataView(bytes.buffer);
    expect([0, 8, 16].map((at) => view.getBigUint64(at, true))).to.deep.equal([
      0x123456789abcdef1n,
      0xffffffffffffffffn,
      0x1000000020n,
    ]);
  });
});

/** What a0 holds after the instructions that `li` makes. */
function loadedConstant(bytes: Uint8Array): bigint {
  const decoder = new Decoder(selectInstructions(64, RV64GC));
  const fields = createDecodedInstruction();
  const view = new DataView(bytes.buffer);
  let a0 = 0n;
  for (let at = 0; at < bytes.length; at += 4) {
    const word = view.getUint32(at, true);
    decoder.decode(word, fields);
    const imm = BigInt(fields.imm);
    const name = decoder.find(word)?.name;
    if (name === 'lui') a0 = imm;
    else if (name === 'addi') a0 = BigInt.asIntN(64, (fields.rs1 === 0 ? 0n : a0) + imm);
    else if (name === 'addiw') a0 = BigInt.asIntN(32, a0 + imm);
    else if (name === 'slli') a0 = BigInt.asIntN(64, a0 << imm);
    else throw new Error(`li made ${name}`);
  }
  return a0;
}

for (const xlen of [32, 64] as const) {
  describe(`assembler and decoder of RV${xlen}`, () => {
    const rows = selectInstructions(xlen, EVERY_EXTENSION);
    const decoder = new Decoder(rows);
    const random = createRandom('round trip');
    const decoded = createDecodedInstruction();

    for (const row of rows) {
      it(`agree on ${row.name}`, () => {
        let count = 0;
        for (let i = 0; i < 100; i++) {
          const word = randomWord(row, random);
          if (decoder.find(word) !== row) continue;
          count++;
          decoder.decode(word, decoded);
          expect(decoded.id).to.equal(row.id);
          const operands = operandsOf(row, decoded);
          const encoded = encodeInstruction(row, operands, { xlen, address: 0, evaluate: Number });
          expect(encoded.toString(16), operands.join()).to.equal(word.toString(16));
        }
        expect(count).to.be.greaterThan(0);
      });
    }
  });
}
