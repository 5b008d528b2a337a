/** The assembler against known encodings, the decoder, and its own error messages. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { assemble, encodeInstruction } from './assembler.js';
import { createDecodedInstruction, type DecodedInstruction, Decoder } from './decoder.js';
import { FORMATS, type Format } from './format.js';
import { type Instruction, RV32IMAC, selectInstructions } from './instruction-table.js';

const words = (text: string): string[] => {
  const { bytes } = assemble(text);
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

/** An operand text for each slot of the row's syntax, from its decoded fields. */
function operandsOf(format: Format, fields: DecodedInstruction): string[] {
  const slots = format.syntax === '' ? [] : format.syntax.split(',');
  return slots.map((slot) => {
    switch (slot) {
      case 'rd':
      case 'rs1':
      case 'rs2':
        return `x${fields[slot]}`;
      case 'upper':
        return String(fields.imm >> 12);
      case 'zimm':
        return String(fields.rs1);
      case '(rs1)':
        return `(x${fields.rs1})`;
      case 'imm(rs1)':
        return `${fields.imm}(x${fields.rs1})`;
      default:
        return String(fields.imm);
    }
  });
}

describe('assembler and decoder', () => {
  const rows = selectInstructions(32, RV32IMAC);
  const decoder = new Decoder(rows);
  const random = createRandom('round trip');
  const decoded = createDecodedInstruction();

  /** Bits that are operands: the rest of an unmasked word, such as a fence's sets, has no syntax here. */
  const randomWord = (row: Instruction): number =>
    row.format === 'none' ? row.match : row.match | (random.uint32() & ~row.mask & (row.length === 2 ? 0xffff : -1));

  for (const row of rows) {
    it(`agree on ${row.name}`, () => {
      for (let i = 0; i < 100; i++) {
        let word = randomWord(row);
        if (row.format === 'amo' || row.format === 'lr') word &= ~(3 << 25);
        if (decoder.find(word) !== row) continue;
        decoder.decode(word, decoded);
        const text = operandsOf(FORMATS[row.format], decoded);
        expect(encodeInstruction(row, text, Number, 0).toString(16), text.join()).to.equal((word >>> 0).toString(16));
      }
    });
  }
});
