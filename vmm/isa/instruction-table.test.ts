/** The instruction table is consistent in itself: numbers, names, masks, and at most one meaning for any bits. */

import { expect } from 'chai';
import { INSTRUCTIONS, type Instruction, RV32IMAC, selectInstructions } from './instruction-table.js';
import { EVERY_EXTENSION } from './test-support.js';

/** Whether some word matches both rows. */
function overlap(a: Instruction, b: Instruction): boolean {
  const common = a.mask & b.mask;
  return (a.match & common) === (b.match & common);
}

describe('instruction table', () => {
  it('numbers the 32-bit instructions without gaps, one name to a number', () => {
    const names = new Map<number, string>();
    for (const { id, name } of INSTRUCTIONS.filter((row) => row.length === 4)) {
      expect(names.get(id) ?? name).to.equal(name);
      names.set(id, name);
    }
    expect(new Set(names.values()).size).to.equal(names.size);
    expect([...names.keys()].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: names.size }, (_, i) => i + 1));
    expect(names.size).to.be.below(320);
  });

  it('keeps the numbers that engines know', () => {
    const known = {
      lui: 1,
      mul: 38,
      fence: 46,
      'amomaxu.w': 68,
      lwu: 69,
      sret: 97,
      flw: 131,
      fld: 161,
      'fcvt.d.s': 192,
    };
    for (const [name, id] of Object.entries(known)) {
      expect(INSTRUCTIONS.find((row) => row.name === name)?.id, name).to.equal(id);
    }
  });

  it('numbers D as F and 30 more', () => {
    const double = (name: string): string =>
      name
        .replace('.s', '.d')
        .replace(/^fmv\.(w|x)\.(w|x)$/, (text) => text.replace('w', 'd'))
        .replace(/^f([ls])w$/, 'f$1d');
    for (const { id, name } of INSTRUCTIONS.filter((row) => row.extension === 'F')) {
      expect(INSTRUCTIONS.find((row) => row.id === id + 30)?.name).to.equal(double(name));
    }
  });

  it('is selected as a whole by the extensions that the tests name', () => {
    expect(EVERY_EXTENSION).to.deep.equal(new Set(INSTRUCTIONS.map((row) => row.extension)));
  });

  it('has no match bit outside the mask', () => {
    for (const row of INSTRUCTIONS) expect(row.match & ~row.mask, row.name).to.equal(0);
  });

  for (const xlen of [32, 64] as const) {
    const rows = selectInstructions(xlen, EVERY_EXTENSION);

    it(`has no name twice on RV${xlen}`, () => {
      expect(new Set(rows.map((row) => row.name)).size).to.equal(rows.length);
    });

    it(`gives no bits two meanings on RV${xlen}, but for a compressed row that comes before a more general one`, () => {
      for (const [index, earlier] of rows.entries()) {
        for (const later of rows.slice(index + 1)) {
          if (earlier.length !== later.length || !overlap(earlier, later)) continue;
          const message = `${earlier.name} and ${later.name}`;
          expect(earlier.length, message).to.equal(2);
          expect(earlier.mask & later.mask, message).to.equal(later.mask);
          expect(earlier.mask, message).to.not.equal(later.mask);
        }
      }
    });
  }

  it('leaves out what the extensions or the width do not have', () => {
    const names = selectInstructions(64, new Set(['I', 'C'])).map((row) => row.name);
    expect(names).to.include.members(['add', 'c.add', 'ld', 'c.ld', 'slli']);
    expect(names).to.not.include('mul');
    expect(names).to.not.include('c.jal');
    expect(names).to.not.include('c.fld');
    expect(selectInstructions(32, RV32IMAC)).to.have.lengthOf(68 + 27);
  });
});
