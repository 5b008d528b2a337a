/** Assembly shorthands and the instructions they stand for (Unprivileged specification 20191213, chapter 25). */

/** An instruction as text: mnemonic and operands. */
export type Statement = readonly [mnemonic: string, ...operands: string[]];

type Expansion = (...operands: string[]) => readonly Statement[];

const one =
  (build: (...operands: string[]) => Statement): Expansion =>
  (...operands) => [build(...operands)];

const PSEUDO: Readonly<Record<string, Expansion>> = {
  nop: one(() => ['addi', 'x0', 'x0', '0']),
  mv: one((rd, rs) => ['addi', rd, rs, '0']),
  not: one((rd, rs) => ['xori', rd, rs, '-1']),
  neg: one((rd, rs) => ['sub', rd, 'x0', rs]),
  seqz: one((rd, rs) => ['sltiu', rd, rs, '1']),
  snez: one((rd, rs) => ['sltu', rd, 'x0', rs]),
  beqz: one((rs, target) => ['beq', rs, 'x0', target]),
  bnez: one((rs, target) => ['bne', rs, 'x0', target]),
  bltz: one((rs, target) => ['blt', rs, 'x0', target]),
  bgez: one((rs, target) => ['bge', rs, 'x0', target]),
  blez: one((rs, target) => ['bge', 'x0', rs, target]),
  bgtz: one((rs, target) => ['blt', 'x0', rs, target]),
  bgt: one((a, b, target) => ['blt', b, a, target]),
  ble: one((a, b, target) => ['bge', b, a, target]),
  bgtu: one((a, b, target) => ['bltu', b, a, target]),
  bleu: one((a, b, target) => ['bgeu', b, a, target]),
  j: one((target) => ['jal', 'x0', target]),
  call: one((target) => ['jal', 'ra', target]),
  jr: one((rs) => ['jalr', 'x0', `0(${rs})`]),
  ret: one(() => ['jalr', 'x0', '0(ra)']),
  csrr: one((rd, csr) => ['csrrs', rd, csr, 'x0']),
  csrw: one((csr, rs) => ['csrrw', 'x0', csr, rs]),
  csrs: one((csr, rs) => ['csrrs', 'x0', csr, rs]),
  csrc: one((csr, rs) => ['csrrc', 'x0', csr, rs]),
  csrwi: one((csr, value) => ['csrrwi', 'x0', csr, value]),
  csrsi: one((csr, value) => ['csrrsi', 'x0', csr, value]),
  csrci: one((csr, value) => ['csrrci', 'x0', csr, value]),
  li: loadImmediate,
  la: (rd, symbol) => [
    ['lui', rd, `%hi(${symbol})`],
    ['addi', rd, rd, `%lo(${symbol})`],
  ],
};

function loadImmediate(rd: string, text: string): readonly Statement[] {
  const value = Number(text.startsWith('-') ? -Number(text.slice(1)) : text) | 0;
  const low = (value << 20) >> 20;
  if (low === value) return [['addi', rd, 'x0', String(value)]];
  const upper: Statement = ['lui', rd, String(((value - low) >>> 12) & 0xfffff)];
  return low === 0 ? [upper] : [upper, ['addi', rd, rd, String(low)]];
}

/** What the statement stands for; itself when it is no shorthand. */
export function expandPseudo(statement: Statement): readonly Statement[] {
  const [mnemonic, ...operands] = statement;
  // `jal target` is short for the form that names the link register.
  if (mnemonic === 'jal' && operands.length === 1) return [['jal', 'ra', ...operands]];
  return Object.hasOwn(PSEUDO, mnemonic) ? PSEUDO[mnemonic](...operands) : [statement];
}
