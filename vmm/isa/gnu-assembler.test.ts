/** Every row of the instruction table against the GNU assembler: the same text must make the same bits. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { assemble } from './assembler.js';
import { CSR } from './csr-numbers.js';
import { createDecodedInstruction, Decoder } from './decoder.js';
import { encodeInstruction } from './encoder.js';
import { FORMATS, type Format, RM_SHIFT } from './format.js';
import { type Instruction, selectInstructions } from './instruction-table.js';
import { EVERY_EXTENSION, operandsOf, randomWord } from './test-support.js';

const TOOLS = ['riscv64-unknown-elf-as', 'riscv64-unknown-elf-objcopy'] as const;
const missing = TOOLS.find((tool) => spawnSync(tool, ['--version']).status !== 0);
const title = missing ? ` (pending: ${missing} is not installed; Debian: binutils-riscv64-unknown-elf)` : '';

const SAMPLES = 20;
const FLAGS = {
  32: ['-march=rv32gc_zba_zbb', '-mabi=ilp32d'],
  64: ['-march=rv64gc_zba_zbb', '-mabi=lp64d'],
} as const;

interface Sample {
  readonly row: Instruction;
  readonly text: string;
  readonly ours: number;
}

/** The bytes that the GNU assembler makes of the text, without relaxation. */
function gnuAssemble(text: string, xlen: 32 | 64): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'gnu-assembler-'));
  try {
    const [source, object, binary] = ['a.s', 'a.o', 'a.bin'].map((name) => join(folder, name));
    writeFileSync(source, `.option norelax\n${text}\n`);
    for (const [tool, args] of [
      [TOOLS[0], [...FLAGS[xlen], '-o', object, source]],
      [TOOLS[1], ['-O', 'binary', '-j', '.text', object, binary]],
    ] as const) {
      const done = spawnSync(tool, args, { encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`${tool} failed:\n${done.stderr}`);
    }
    return readFileSync(binary);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The GNU assembler wants the stack pointer named where it is implied, and says `.` where ours says an address. */
function gnuOperands(row: Instruction, operands: readonly string[]): string[] {
  const slots = FORMATS[row.format].syntax.split(',');
  const texts = operands.map((operand, i) => (slots[i] === 'target' ? `. + (${operand})` : operand));
  if (row.name === 'c.addi16sp') return ['sp', ...texts];
  return row.name === 'c.addi4spn' ? [texts[0], 'sp', texts[1]] : texts;
}

/** Samples of a row, but no compressed hints, and no rounding mode of exact conversions, which it refuses to read. */
function samplesOf(row: Instruction, xlen: 32 | 64, decoder: Decoder): Sample[] {
  const random = createRandom(`${row.name} ${xlen}`);
  const format: Format = FORMATS[row.format];
  const fields = createDecodedInstruction();
  const samples: Sample[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    let word = randomWord(row, random);
    if (format.rm === 0) word = (word & ~(7 << RM_SHIFT)) >>> 0;
    if (decoder.find(word) !== row) continue;
    decoder.decode(word, fields);
    const isHint = (format.rd?.width === 5 && fields.rd === 0) || (format.imm !== undefined && fields.imm === 0);
    if (row.length === 2 && isHint) continue;
    const operands = operandsOf(row, fields);
    const ours = encodeInstruction(row, operands, { xlen, address: 0, evaluate: Number });
    samples.push({ row, ours, text: `${row.name} ${gnuOperands(row, operands).join(', ')}` });
  }
  return samples;
}

describe(`assembler and the GNU assembler${title}`, () => {
  for (const xlen of [32, 64] as const) {
    it(`make the same bits of every instruction of RV${xlen}`, function () {
      if (missing) this.skip();
      const rows = selectInstructions(xlen, EVERY_EXTENSION);
      const decoder = new Decoder(rows);
      const samples = rows.flatMap((row) => samplesOf(row, xlen, decoder));
      expect(new Set(samples.map(({ row }) => row)).size).to.equal(rows.length);
      const lines = samples.map(({ row, text }) => `.option ${row.length === 2 ? 'rvc' : 'norvc'}\n${text}`);
      const bytes = gnuAssemble(lines.join('\n'), xlen);
      let at = 0;
      for (const { row, text, ours } of samples) {
        // What no operand says, such as the sets of a fence, it may choose otherwise.
        const compared = row.format === 'none' ? row.mask : -1;
        const theirs = row.length === 2 ? bytes.readUInt16LE(at) : bytes.readInt32LE(at);
        expect((ours & compared) >>> 0, text).to.equal((theirs & compared) >>> 0);
        at += row.length;
      }
      expect(at).to.equal(bytes.length);
    });
  }

  it('give the CSRs the same numbers', function () {
    if (missing) this.skip();
    const text = Object.keys(CSR).map((name) => `csrr a0, ${name}`);
    expect(Buffer.from(assemble(text.join('\n')).bytes).toString('hex')).to.equal(
      gnuAssemble(['.option norvc', ...text].join('\n'), 32).toString('hex'),
    );
  });

  it('make the same of shorthands and names of registers', function () {
    if (missing) this.skip();
    const text = `
      sext.w a0, a1
      zext.w a0, a1
      negw t0, s11
      sltz a0, a1
      sgtz a0, a1
      fmv.s fa0, ft11
      fneg.d fs0, fs11
      fabs.s ft0, fa7
      fgt.d a0, fs2, ft8
      fge.s a0, fs1, fa1
      frcsr a0
      fscsr a0
      frrm a0
      fsrm a0
      frflags a0
      fsflags a0
      sfence.vma
      sfence.vma a0
      sfence.vma a0, a1
      fadd.d fa0, fa1, fa2
      fcvt.w.d a0, fa0, rtz`;
    expect(Buffer.from(assemble(text, 0, 64).bytes).toString('hex')).to.equal(
      gnuAssemble(`.option norvc\n${text}`, 64).toString('hex'),
    );
  });
});
