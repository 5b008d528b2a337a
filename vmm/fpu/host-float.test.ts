/** SoftFloat against the arithmetic of the host's processor, bits and flags, over seeded operands of every kind. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import { FFLAGS, type FloatWidth, formatOf, isNan, magnitudeOf } from './float-format.js';
import { operand, random64 } from './operand-test-source.js';
import { SoftFloat } from './soft-float.js';

const nightly = process.env.RIGVISOR_NIGHTLY === '1';
const VECTORS = nightly ? 2_000_000 : 20_000;
const BLOCK = 20_000;
const SOURCE = fileURLToPath(new URL('../../../vmm/fpu/host-float.c', import.meta.url));
const QUESTION_BYTES = 32;
const ANSWER_BYTES = 16;

interface Question {
  readonly a: bigint;
  readonly b: bigint;
  readonly c: bigint;
  readonly width: FloatWidth;
  readonly rm: number;
}

interface Operation {
  readonly name: string;
  readonly takes: 'floats' | 'integer';
  /** Width of the floating-point result, or what else it is. */
  readonly gives: 'same' | 'other' | 'integer';
  readonly run: (fpu: SoftFloat, question: Question) => bigint;
}

function otherWidth(width: FloatWidth): FloatWidth {
  return width === 32 ? 64 : 32;
}

function floats(name: string, run: Operation['run'], gives: Operation['gives'] = 'same'): Operation {
  return { name, takes: 'floats', gives, run };
}

function fromInt(name: string, intWidth: FloatWidth, isSigned: boolean): Operation {
  return {
    name,
    takes: 'integer',
    gives: 'same',
    run: (fpu, { a, width, rm }) => fpu.fromInt(a, intWidth, isSigned, width, rm),
  };
}

function toInt(name: string, intWidth: FloatWidth, isSigned: boolean): Operation {
  return floats(
    name,
    (fpu, { a, width, rm }) => BigInt.asUintN(64, fpu.toInt(a, width, intWidth, isSigned, rm)),
    'integer',
  );
}

/** In the order of their numbers in host-float.c. */
const OPERATIONS: readonly Operation[] = [
  floats('add', (fpu, { a, b, width, rm }) => fpu.add(a, b, width, rm)),
  floats('sub', (fpu, { a, b, width, rm }) => fpu.sub(a, b, width, rm)),
  floats('mul', (fpu, { a, b, width, rm }) => fpu.mul(a, b, width, rm)),
  floats('div', (fpu, { a, b, width, rm }) => fpu.div(a, b, width, rm)),
  floats('sqrt', (fpu, { a, width, rm }) => fpu.sqrt(a, width, rm)),
  floats('fusedMultiplyAdd', (fpu, { a, b, c, width, rm }) => fpu.fusedMultiplyAdd(a, b, c, width, rm)),
  fromInt('fromInt of int32', 32, true),
  fromInt('fromInt of uint32', 32, false),
  fromInt('fromInt of int64', 64, true),
  fromInt('fromInt of uint64', 64, false),
  toInt('toInt to int32', 32, true),
  toInt('toInt to uint32', 32, false),
  toInt('toInt to int64', 64, true),
  toInt('toInt to uint64', 64, false),
  floats('convert', (fpu, { a, width, rm }) => fpu.convert(a, width, otherWidth(width), rm), 'other'),
  floats('eq', (fpu, { a, b, width }) => BigInt(fpu.eq(a, b, width)), 'integer'),
  floats('lt', (fpu, { a, b, width }) => BigInt(fpu.lt(a, b, width)), 'integer'),
  floats('le', (fpu, { a, b, width }) => BigInt(fpu.le(a, b, width)), 'integer'),
];

function ask(random: Random, operation: Operation, width: FloatWidth): Question {
  const rm = random.below(4);
  if (operation.takes === 'integer') {
    return { a: random64(random) >> BigInt(random.below(64)), b: 0n, c: 0n, width, rm };
  }
  const { infinity } = formatOf(width);
  const a = operand(random, width, random.below(2) === 0 ? infinity >> 1n : random64(random) & (infinity >> 1n));
  const b = operand(random, width, a);
  // The addend lies where it meets the product; where that is out of range, anywhere.
  const c = operand(random, width, random.below(4) === 0 ? a : new SoftFloat().mul(a, b, width, 0));
  return { a, b, c, width, rm };
}

function encode(questions: readonly Question[], operation: number): Buffer {
  const bytes = Buffer.alloc(questions.length * QUESTION_BYTES);
  questions.forEach(({ a, b, c, width, rm }, i) => {
    const at = i * QUESTION_BYTES;
    bytes.writeBigUInt64LE(a, at);
    bytes.writeBigUInt64LE(b, at + 8);
    bytes.writeBigUInt64LE(c, at + 16);
    bytes.writeUInt32LE(operation + (width === 64 ? 32 : 0), at + 24);
    bytes.writeUInt32LE(rm, at + 28);
  });
  return bytes;
}

/** What RISC-V makes of the host's answer: NaNs are canonical, and ∞ × 0 + quiet NaN is invalid. */
function expected(operation: Operation, question: Question, bits: bigint, flags: bigint): string {
  const width = operation.gives === 'other' ? otherWidth(question.width) : question.width;
  const format = formatOf(width);
  const isResultNan = operation.gives !== 'integer' && isNan(format, bits);
  const a = magnitudeOf(format, question.a);
  const b = magnitudeOf(format, question.b);
  const isInvalid =
    operation.name === 'fusedMultiplyAdd' &&
    ((a === 0n && b === format.infinity) || (b === 0n && a === format.infinity));
  const value = isResultNan ? format.canonicalNan : bits;
  return `${value.toString(16)} flags ${isInvalid ? FFLAGS.NV : flags}`;
}

const hasGcc = spawnSync('gcc', ['--version']).error === undefined;
const missing =
  process.arch !== 'x64'
    ? 'needs an x86-64 host, which detects tininess after rounding as RISC-V does'
    : hasGcc
      ? undefined
      : 'gcc is not installed';

describe(`SoftFloat against the host's processor${missing === undefined ? '' : ` (pending: ${missing})`}`, () => {
  let folder: string;
  let program: string;
  const fpu = new SoftFloat();

  before(function () {
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-fpu-'));
    program = join(folder, 'host-float');
    const options = ['-O0', '-frounding-math', '-fsignaling-nans', '-fno-builtin', '-ffp-contract=off'];
    const { status, stderr } = spawnSync('gcc', [...options, SOURCE, '-o', program, '-lm'], { encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
  });

  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function compare(number: number, questions: readonly Question[]): void {
    const input = encode(questions, number);
    const { stdout, status } = spawnSync(program, { input, maxBuffer: 2 * BLOCK * ANSWER_BYTES });
    expect([status, stdout.length]).to.deep.equal([0, questions.length * ANSWER_BYTES]);
    const operation = OPERATIONS[number];
    questions.forEach((question, i) => {
      const bits = stdout.readBigUInt64LE(i * ANSWER_BYTES);
      const flags = stdout.readBigUInt64LE(i * ANSWER_BYTES + 8);
      fpu.flags = 0;
      const result = `${operation.run(fpu, question).toString(16)} flags ${fpu.flags}`;
      const host = expected(operation, question, bits, flags);
      if (result === host) return;
      const operands = [question.a, question.b, question.c].map((value) => value.toString(16)).join(', ');
      expect.fail(`${operation.name}(${operands}) rm ${question.rm}: ${result}, but the host says ${host}`);
    });
  }

  OPERATIONS.forEach((operation, number) => {
    for (const width of [32, 64] as const) {
      it(`gives the bits and flags of ${operation.name} in binary${width}`, function () {
        this.timeout(nightly ? 600_000 : 20_000);
        const random = createRandom(`${operation.name}/${width}`);
        const count = Math.ceil(VECTORS / OPERATIONS.length / 2);
        for (let done = 0; done < count; done += BLOCK) {
          const questions = Array.from({ length: Math.min(BLOCK, count - done) }, () => ask(random, operation, width));
          compare(number, questions);
        }
      });
    }
  });
});
