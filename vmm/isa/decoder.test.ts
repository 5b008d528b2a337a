/** The decoder against the instruction table, encodings known from elsewhere, and every possible halfword. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { createDecodedInstruction, type DecodedInstruction, Decoder } from './decoder.js';
import { INSTRUCTIONS, RV32IMAC, RV64GC, selectInstructions } from './instruction-table.js';

const decoder = new Decoder(selectInstructions(32, RV32IMAC));

const decoder64 = new Decoder(selectInstructions(64, RV64GC));

function decode(word: number, by = decoder): DecodedInstruction {
  const decoded = createDecodedInstruction();
  by.decode(word, decoded);
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

  it('reads the third source and the rounding mode, also a reserved one', () => {
    const fmaddD = { id: idOf('fmadd.d'), length: 4, rd: 10, rs1: 11, rs2: 12, rs3: 13, rm: 7, imm: 0 };
    expect(decode(0x6ac5f543, decoder64)).to.deep.equal(fmaddD);
    for (let rm = 0; rm < 8; rm++) {
      expect(decode(0x6ac58543 | (rm << 12), decoder64)).to.deep.equal({ ...fmaddD, rm });
    }
    expect(decode(0x20b50553, decoder64)).to.include({ id: idOf('fsgnj.s'), rs3: 0, rm: 0 });
  });

  it('reads on RV64 what differs from RV32', () => {
    for (const [word, name, fields] of [
      [0x03f51513, 'slli', { rd: 10, rs1: 10, imm: 63 }],
      [0x43f55513, 'srai', { rd: 10, rs1: 10, imm: 63 }],
      [0x00813083, 'ld', { rd: 1, rs1: 2, imm: 8 }],
      [0x00113423, 'sd', { rs1: 2, rs2: 1, imm: 8 }],
      [0x60a2, 'ld', { rd: 1, rs1: 2, imm: 8 }],
      [0xe406, 'sd', { rs1: 2, rs2: 1, imm: 8 }],
      [0x2505, 'addiw', { rd: 10, rs1: 10, imm: 1 }],
      [0x15fd, 'addi', { rd: 11, rs1: 11, imm: -1 }],
      [0x9d2d, 'addw', { rd: 10, rs1: 10, rs2: 11 }],
      [0x8330000f, 'fence', {}],
      [0x0100000f, 'fence', {}],
    ] as const) {
      expect(decode(word, decoder64), name).to.deep.include({ id: idOf(name), ...fields });
    }
    expect(decode(0x02051513, decoder64).imm).to.equal(32);
    for (const word of [0x02051513, 0x00813083, 0x00113423, 0x60a2, 0xe406, 0x9d2d, 0x6ac5f543, 0x10200073]) {
      expect(decode(word).id, word.toString(16)).to.equal(0);
    }
  });

  for (const [name, by] of [
    ['RV32IMAC', decoder],
    ['RV64GC', decoder64],
  ] as const) {
    it(`answers every halfword and 200,000 random words without throwing, with operands in range: ${name}`, () => {
      const random = createRandom('words');
      const check = (word: number): void => {
        const { id, length, rd, rs1, rs2, rs3, rm, imm } = decode(word, by);
        const areRegisters = [rd, rs1, rs2, rs3].every((register) => register >= 0 && register < 32);
        const inRange = areRegisters && rm >= 0 && rm < 8 && imm === (imm | 0);
        if (!inRange || id < 0 || id >= 320 || (length !== 2 && length !== 4))
          throw new Error(`0x${word.toString(16)}`);
      };
      for (let word = 0; word < 0x1_0000; word++) check(word);
      for (let i = 0; i < 200_000; i++) check(random.uint32());
    });
  }

  it('finds exactly the row whose bits match, whatever the operands', () => {
    const random = createRandom('operands');
    for (const [rows, by] of [
      [selectInstructions(32, RV32IMAC), decoder],
      [selectInstructions(64, RV64GC), decoder64],
    ] as const) {
      for (const [index, row] of rows.entries()) {
        for (let i = 0; i < 50; i++) {
          const word = row.match | (random.uint32() & ~row.mask & (row.length === 2 ? 0xffff : -1));
          const found = by.find(word);
          if (row.nonZero.length === 0) expect(found, row.name).to.not.equal(undefined);
          // An earlier row may take the word away, as c.addi16sp does from c.lui; a later one may not.
          if (found !== undefined && found !== row) expect(rows.indexOf(found), row.name).to.be.below(index);
          if (row.length === 4) expect(found?.name).to.equal(row.name);
        }
      }
    }
  });

  it('counts the legal halfwords of RV32C without F and D, and of RV64C with D', () => {
    const count = (by: Decoder): number => {
      let legal = 0;
      for (let word = 0; word < 0x1_0000; word++) {
        if ((word & 3) !== 3 && decode(word, by).id !== 0) legal++;
      }
      return legal;
    };
    expect(count(decoder)).to.equal(LEGAL_HALFWORDS_32);
    expect(count(decoder64)).to.equal(LEGAL_HALFWORDS_64);
  });
});

/** Worked out by hand from table 16.5 to 16.7, quadrant by quadrant. */
const JUMPS = 3 * 2048;
const C_LUI = 63 + 31 * 63;
const C_MOVES = 31 + 32 * 31 + (1 + 31 + 32 * 31);
const QUADRANT_0 = 2048 - 8 + 2048 + 2048;
const QUADRANT_1 = 2048 + 2048 + 2048 + C_LUI + (256 + 256 + 512 + 256) + JUMPS;
const QUADRANT_2 = 1024 + (2048 - 64) + C_MOVES + 2048;
const LEGAL_HALFWORDS_32 = QUADRANT_0 + QUADRANT_1 + QUADRANT_2;
const WIDE_QUADRANT_0 = 2048 - 8 + 6 * 2048;
const WIDE_QUADRANT_1 = 2048 + (2048 - 64) + 2048 + C_LUI + (3 * 512 + 256 + 128) + JUMPS;
const WIDE_QUADRANT_2 = 2048 + 2048 + 2 * (2048 - 64) + C_MOVES + 3 * 2048;
const LEGAL_HALFWORDS_64 = WIDE_QUADRANT_0 + WIDE_QUADRANT_1 + WIDE_QUADRANT_2;
