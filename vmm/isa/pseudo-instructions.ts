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
  sltz: one((rd, rs) => ['slt', rd, rs, 'x0']),
  sgtz: one((rd, rs) => ['slt', rd, 'x0', rs]),
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
  frcsr: one((rd) => ['csrrs', rd, 'fcsr', 'x0']),
  fscsr: one((rs) => ['csrrw', 'x0', 'fcsr', rs]),
  frrm: one((rd) => ['csrrs', rd, 'frm', 'x0']),
  fsrm: one((rs) => ['csrrw', 'x0', 'frm', rs]),
  frflags: one((rd) => ['csrrs', rd, 'fflags', 'x0']),
  fsflags: one((rs) => ['csrrw', 'x0', 'fflags', rs]),
  ...floatShorthands('s'),
  ...floatShorthands('d'),
};

const PSEUDO_32: Readonly<Record<string, Expansion>> = {
  li: loadImmediate,
  la: (rd, symbol) => [
    ['lui', rd, `%hi(${symbol})`],
    ['addi', rd, rd, `%lo(${symbol})`],
  ],
};

const PSEUDO_64: Readonly<Record<string, Expansion>> = {
  'sext.w': one((rd, rs) => ['addiw', rd, rs, '0']),
  'zext.w': one((rd, rs) => ['add.uw', rd, rs, 'x0']),
  negw: one((rd, rs) => ['subw', rd, 'x0', rs]),
  li: (rd, text) => {
    const value = parseInteger(text);
    if (value === undefined) throw new Error(`"${text}" is no number`);
    return loadLongImmediate(rd, BigInt.asIntN(64, value));
  },
  la: (rd, symbol) => [
    ['auipc', rd, `%pcrel_hi(${symbol})`],
    ['addi', rd, rd, `%pcrel_lo(${symbol})`],
  ],
};

function floatShorthands(width: 's' | 'd'): Readonly<Record<string, Expansion>> {
  return {
    [`fmv.${width}`]: one((rd, rs) => [`fsgnj.${width}`, rd, rs, rs]),
    [`fneg.${width}`]: one((rd, rs) => [`fsgnjn.${width}`, rd, rs, rs]),
    [`fabs.${width}`]: one((rd, rs) => [`fsgnjx.${width}`, rd, rs, rs]),
    [`fgt.${width}`]: one((rd, a, b) => [`flt.${width}`, rd, b, a]),
    [`fge.${width}`]: one((rd, a, b) => [`fle.${width}`, rd, b, a]),
  };
}

/** The integer that `text` writes in decimal, or in hexadecimal, octal or binary after its prefix, with or without a sign. */
export function parseInteger(text: string): bigint | undefined {
  const [, sign, digits] = /^(-?)(\d+|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

function loadImmediate(rd: string, text: string): readonly Statement[] {
  const value = Number(text.startsWith('-') ? -Number(text.slice(1)) : text) | 0;
  const low = (value << 20) >> 20;
  if (low === value) return [['addi', rd, 'x0', String(value)]];
  const upper: Statement = ['lui', rd, String(((value - low) >>> 12) & 0xfffff)];
  return low === 0 ? [upper] : [upper, ['addi', rd, rd, String(low)]];
}

/** Loads from the top 32 bits down, twelve bits at a time, and shifts over zeros instead of adding them. */
function loadLongImmediate(rd: string, value: bigint): readonly Statement[] {
  const low = BigInt.asIntN(12, value);
  const rest = BigInt.asIntN(64, value - low);
  if (value === BigInt.asIntN(32, value)) {
    if (rest === 0n) return [['addi', rd, 'x0', String(low)]];
    const upper: Statement = ['lui', rd, String((rest >> 12n) & 0xfffffn)];
    return low === 0n ? [upper] : [upper, ['addiw', rd, rd, String(low)]];
  }
  let shift = 12n;
  while (((rest >> shift) & 1n) === 0n) shift++;
  const shifted: readonly Statement[] = [...loadLongImmediate(rd, rest >> shift), ['slli', rd, rd, String(shift)]];
  return low === 0n ? shifted : [...shifted, ['addi', rd, rd, String(low)]];
}

/** What the statement stands for at this register width; itself when it is no shorthand. */
export function expandPseudo(statement: Statement, xlen: 32 | 64): readonly Statement[] {
  const [mnemonic, ...operands] = statement;
  // `jal target` is short for the form that names the link register.
  if (mnemonic === 'jal' && operands.length === 1) return [['jal', 'ra', ...operands]];
  // Without operands, or without an address space, it fences them all.
  if (mnemonic === 'sfence.vma' && operands.length < 2) return [[mnemonic, operands[0] ?? 'x0', 'x0']];
  const ofWidth = xlen === 32 ? PSEUDO_32 : PSEUDO_64;
  if (Object.hasOwn(ofWidth, mnemonic)) return ofWidth[mnemonic](...operands);
  return Object.hasOwn(PSEUDO, mnemonic) ? PSEUDO[mnemonic](...operands) : [statement];
}
