/** Makes a program that two executions disagree on smaller, for as long as they still do. */

import { type Difference, firstDifference, type Side } from './compare.js';
import { buildImage, type ProgramImage } from './image-builder.js';
import type { GeneratedProgram } from './program-generator.js';

/** Executes an image somewhere. */
export type Execute = (image: ProgramImage) => Promise<Side>;

const NOP = 0x0001;

async function compareAlone(
  program: GeneratedProgram,
  expected: Execute,
  actual: Execute,
): Promise<Difference | undefined> {
  const image = buildImage(program.xlen, [program]);
  return firstDifference(image, await expected(image), await actual(image));
}

function withoutAtom(program: GeneratedProgram, index: number): GeneratedProgram {
  const code = program.code.slice();
  const view = new DataView(code.buffer);
  const end = program.atoms[index + 1] ?? program.end;
  for (let at = program.atoms[index]; at < Math.min(end, program.end); at += 2) {
    // Functions are left by what follows their last atom.
    view.setUint16(at, NOP, true);
  }
  return { ...program, code };
}

/**
 * The difference that `program` shows when it runs alone in its slot, with as many atoms as possible replaced by `nop`;
 * undefined when it needs the programs before it. Takes two executions an atom.
 */
export async function shrink(
  program: GeneratedProgram,
  expected: Execute,
  actual: Execute,
): Promise<Difference | undefined> {
  let smallest = await compareAlone(program, expected, actual);
  if (smallest === undefined) return undefined;
  for (let index = program.atoms.length - 2; index >= 0; index--) {
    const candidate = withoutAtom(smallest.program, index);
    try {
      smallest = (await compareAlone(candidate, expected, actual)) ?? smallest;
    } catch {
      // Without this atom it does not end: keep it.
    }
  }
  return smallest;
}
