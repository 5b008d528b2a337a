/** The decoder against the instruction table, encodings known from elsewhere, and every possible halfword. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { createDecodedInstruction, type DecodedInstruction, Decoder } from './decoder.js';
import { INSTRUCTIONS, RV32IMAC, selectInstructions } from './instruction-table.js';

const decoder = new Decoder(selectInstructions(32, RV32IMAC));

function decode(word: number): DecodedInstruction {
  const decoded = createDecodedInstruction();
  decoder.decode(word, decoded);
  return decoded;
}

const idOf = (name: string): number => INSTRUCTIONS.find((row) => row.name === name)?.id ?? -1;

describe('Decoder', () => {
  /** Words as binutils disassembles them. */
  const known: readonly (readonly [word: number, name: string, rd: number, rs1: number, rs2: number, imm: number])[] = [
    [0x800005b7, 'lui', 11, 0, 0, 0x80000000 | 0],
    [0xff010113, 'addi', 2, 2, 0, -16],
    [0x40a58633, 'sub', 12, 11, 10, 0],
    [0xfe5ff06f, 'jal', 0, 0, 0, -28],
    [0x00008067, 'jalr', 0, 1, 0, 0],
    [0xfeb51ee3, 'bne', 0, 10, 11, -4],
    [0x7eb57fe3, 'bgeu', 0, 10, 11, 4094],
    [0x00112623, 'sw', 0, 2, 1, 12],
    [0xfe112e23, 'sw', 0, 2, 1, -4],
    [0x01f51513, 'slli', 10, 10, 0, 31],
    [0x30529073, 'csrrw', 0, 5, 0, 0x305],
    [0xf1402573, 'csrrs', 10, 0, 0, 0xf14],
    [0x0ab5252f, 'amoswap.w', 10, 10, 11, 0],
    [0x1005252f, 'lr.w', 10, 10, 0, 0],
    [0x1141, 'addi', 2, 2, 0, -16],
    [0x7139, 'addi', 2, 2, 0, -64],
    [0x0068, 'addi', 10, 2, 0, 12],
    [0x4f98, 'lw', 14, 15, 0, 24],
    [0xc606, 'sw', 0, 2, 1, 12],
    [0x40b2, 'lw', 1, 2, 0, 12],
    [0x8082, 'jalr', 0, 1, 0, 0],
    [0xbfc5, 'jal', 0, 0, 0, -16],
    [0x3fd1, 'jal', 1, 0, 0, -44],
    [0xd3fd, 'beq', 0, 15, 0, -26],
    [0x67c1, 'lui', 15, 0, 0, 0x10000],
    [0x852e, 'add', 10, 0, 11, 0],
    [0x8dfd, 'and', 11, 11, 15, 0],
    [0x9002, 'ebreak', 0, 0, 0, 0],
  ];
  for (const [word, name, rd, rs1, rs2, imm] of known) {
    it(`reads 0x${(word >>> 0).toString(16)} as ${name}`, () => {
      const { length, ...fields } = decode(word);
      expect(fields).to.deep.equal({ id: idOf(name), rd, rs1, rs2, rs3: 0, rm: 0, imm });
      expect(length).to.equal((word & 3) === 3 ? 4 : 2);
    });
  }

  it('answers every halfword and 200,000 random words without throwing, with operands in range', () => {
    const random = createRandom('words');
    const check = (word: number): void => {
      const { id, length, rd, rs1, rs2, imm } = decode(word);
      const inRange = [rd, rs1, rs2].every((register) => register >= 0 && register < 32) && imm === (imm | 0);
      if (!inRange || id < 0 || id > 191 || (length !== 2 && length !== 4)) throw new Error(`0x${word.toString(16)}`);
    };
    for (let word = 0; word < 0x1_0000; word++) check(word);
    for (let i = 0; i < 200_000; i++) check(random.uint32());
  });

  it('finds exactly the row whose bits match, whatever the operands', () => {
    const random = createRandom('operands');
    const rows = selectInstructions(32, RV32IMAC);
    for (const [index, row] of rows.entries()) {
      for (let i = 0; i < 50; i++) {
        const word = row.match | (random.uint32() & ~row.mask & (row.length === 2 ? 0xffff : -1));
        const found = decoder.find(word);
        if (row.nonZero.length === 0) expect(found, row.name).to.not.equal(undefined);
        // An earlier row may take the word away, as c.addi16sp does from c.lui; a later one may not.
        if (found !== undefined && found !== row) expect(rows.indexOf(found), row.name).to.be.below(index);
        if (row.length === 4) expect(found?.name).to.equal(row.name);
      }
    }
  });

  it('counts the legal halfwords of RV32C without F and D', () => {
    let legal = 0;
    for (let word = 0; word < 0x1_0000; word++) {
      if ((word & 3) !== 3 && decode(word).id !== 0) legal++;
    }
    expect(legal).to.equal(LEGAL_HALFWORDS);
  });
});

/** Worked out by hand from table 16.5 to 16.7, quadrant by quadrant. */
const QUADRANT_0 = 2048 - 8 + 2048 + 2048;
const QUADRANT_1 = 2048 + 2048 + 2048 + (63 + 31 * 63) + (256 + 256 + 512 + 256) + 3 * 2048;
const QUADRANT_2 = 1024 + (2048 - 64) + (31 + 32 * 31) + (1 + 31 + 32 * 31) + 2048;
const LEGAL_HALFWORDS = QUADRANT_0 + QUADRANT_1 + QUADRANT_2;
