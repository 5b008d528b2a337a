/**
 * Random programs on every engine and on QEMU: the same registers, memory and traps at the end. `RIGVISOR_SEED=17` runs
 * that one program alone; `RIGVISOR_NIGHTLY=1` runs 100,000 of them for each engine.
 */

import { expect } from 'chai';
import { createRandom, WallClock } from '../../base/index.js';
import { EngineVcpu } from '../vcpu/engine-vcpu.js';
import { firstDifference, type Side } from './compare.js';
import { type Engine, randomSlices, runOnEngine, type Slicing } from './engine-runner.js';
import { buildImage, type ProgramImage } from './image-builder.js';
import { generateProgram } from './program-generator.js';
import { qemuIsMissing, runOnQemu } from './qemu-oracle.js';
import { type Execute, shrink } from './shrink.js';

interface Contender extends Engine {
  /** How many programs it runs in CI and nightly. */
  readonly programs: { readonly ci: number; readonly nightly: number };
}

const MOST = { ci: 2000, nightly: 100_000 };

/** Every engine that is compared with QEMU. The first one of a width is the reference of the others. */
const ENGINES: readonly Contender[] = ([32, 64] as const).flatMap((xlen) => [
  contender('interpreter', xlen, undefined, MOST),
  contender('translator', xlen, 7, MOST),
  // Everything that is jumped to twice: slow, because it is compiled for next to nothing.
  contender('eager translator', xlen, 2, { ci: 300, nightly: 20_000 }),
]);

function contender(
  name: string,
  xlen: 32 | 64,
  threshold: number | undefined,
  programs: Contender['programs'],
): Contender {
  const translation = threshold === undefined ? { translates: false } : { translates: true, threshold };
  return {
    name,
    xlen,
    programs,
    create: ({ memory, host }) => new EngineVcpu({ ...translation, xlen, memory, host, hypercalls: 'none' }),
  };
}

const nightly = process.env.RIGVISOR_NIGHTLY === '1';
const onlySeed = process.env.RIGVISOR_SEED;
const SLICED_PROGRAMS = nightly ? 5000 : 200;
const BATCH = 500;
const QEMU_LIMIT_MS = 120_000;

/** First seed and count of each batch. */
function batches(programs: number): (readonly [first: number, count: number])[] {
  if (onlySeed !== undefined) return [[Number(onlySeed), 1]];
  return Array.from({ length: Math.ceil(programs / BATCH) }, (_, i) => [
    i * BATCH,
    Math.min(BATCH, programs - i * BATCH),
  ]);
}

function imageOf(xlen: 32 | 64, first: number, count: number): ProgramImage {
  return buildImage(
    xlen,
    Array.from({ length: count }, (_, i) => generateProgram(xlen, first + i, i)),
  );
}

const clock = new WallClock();
const onQemu: Execute = async (image) => ({
  name: 'QEMU',
  isQemu: true,
  ram: await runOnQemu(image, clock, QEMU_LIMIT_MS),
});
const onEngine =
  (engine: Engine, slicing?: Slicing): Execute =>
  async (image) => ({ name: engine.name, isQemu: false, ram: runOnEngine(image, engine, slicing).ram });

/** Fails with the smallest program that shows the difference. */
async function expectSame(image: ProgramImage, expected: Side, actual: Side, a: Execute, b: Execute): Promise<void> {
  const found = firstDifference(image, expected, actual);
  if (found === undefined) return;
  const smaller = await shrink(found.program, a, b);
  expect.fail((smaller ?? found).text);
}

function describeAgainstQemu(engine: Contender): void {
  const programs = nightly ? engine.programs.nightly : engine.programs.ci;
  it(`ends ${programs} programs as QEMU does`, async function () {
    const missing = qemuIsMissing(engine.xlen);
    if (missing !== undefined) {
      console.log(`      ${missing} Install it (Debian: qemu-system-misc) to compare with it.`);
      this.skip();
    }
    const all = batches(programs);
    console.log(
      `      RV${engine.xlen} programs of seeds ${all[0][0]} to ${all[0][0] + (onlySeed ? 0 : programs - 1)}`,
    );
    for (const [first, count] of all) {
      const image = imageOf(engine.xlen, first, count);
      const execute = onEngine(engine);
      await expectSame(image, await onQemu(image), await execute(image), onQemu, execute);
    }
  }).timeout(nightly ? 7_200_000 : 300_000);
}

function describeSliced(engine: Engine, reference: Engine): void {
  it(`retires ${SLICED_PROGRAMS} programs like the ${reference.name}, stopped anywhere`, async () => {
    for (const [first, count] of batches(SLICED_PROGRAMS)) {
      const image = imageOf(engine.xlen, first, count);
      const slicing = randomSlices(createRandom(`slices ${first}`));
      const expected = runOnEngine(image, reference);
      const actual = runOnEngine(image, engine, slicing);
      const sides = [
        { name: reference.name, isQemu: false, ...expected },
        { name: `${engine.name}, sliced`, isQemu: false, ...actual },
      ] as const;
      await expectSame(image, sides[0], sides[1], onEngine(reference), onEngine(engine, slicing));
      const different = expected.instret.findIndex((instret, i) => instret !== actual.instret[i]);
      expect(different, `retired instructions after program ${image.programs[different]?.seed}`).to.equal(-1);
    }
  }).timeout(nightly ? 3_600_000 : 120_000);
}

for (const engine of ENGINES) {
  describe(`differential: RV${engine.xlen} ${engine.name}`, () => {
    const reference = ENGINES.find(({ xlen }) => xlen === engine.xlen) ?? engine;
    describeAgainstQemu(engine);
    describeSliced(engine, reference);
  });
}
