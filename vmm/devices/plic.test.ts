/** Tests of the PLIC, the last one against a model that says the same in the plainest words. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { randomAccess, TestLine } from './device-test-kit.js';
import { PLIC, PLIC_SOURCES, Plic } from './plic.js';

const CLAIM = PLIC.context + PLIC.claim;
const THRESHOLD = PLIC.context + PLIC.threshold;

class Setup {
  readonly outputs = [new TestLine(), new TestLine()];
  readonly plic = new Plic({ outputs: this.outputs });

  priority(source: number, priority: number): void {
    this.plic.write(PLIC.priority + 4 * source, 4, priority);
  }

  enable(source: number, context = 0): void {
    const offset = PLIC.enable + context * PLIC.enableStride + 4 * (source >> 5);
    this.plic.write(offset, 4, this.plic.read(offset, 4) | (1 << (source & 31)));
  }

  arm(source: number, priority = 1): void {
    this.priority(source, priority);
    this.enable(source);
  }

  claim(context = 0): number {
    return this.plic.read(CLAIM + context * PLIC.contextStride, 4);
  }

  complete(source: number, context = 0): void {
    this.plic.write(CLAIM + context * PLIC.contextStride, 4, source);
  }

  isPending(source: number): boolean {
    return ((this.plic.read(PLIC.pending + 4 * (source >> 5), 4) >>> (source & 31)) & 1) === 1;
  }
}

describe('Plic', () => {
  it('passes an enabled source to its output, and takes it back at the claim', () => {
    const s = new Setup();
    s.arm(10);
    s.plic.line(10).set(true);
    expect(s.outputs.map((o) => o.level)).to.deep.equal([true, false]);
    expect(s.claim()).to.equal(10);
    expect(s.outputs[0].level).to.equal(false);
    expect(s.claim()).to.equal(0);
  });

  it('does not pass a source that is not enabled or has priority 0, but shows it pending', () => {
    const s = new Setup();
    s.priority(3, 1);
    s.enable(4);
    s.plic.line(3).set(true);
    s.plic.line(4).set(true);
    expect(s.outputs[0].level).to.equal(false);
    expect(s.isPending(3) && s.isPending(4)).to.equal(true);
    expect(s.claim()).to.equal(0);
  });

  it('claims the highest priority first and the lowest number among equals', () => {
    const s = new Setup();
    for (const [source, priority] of [
      [40, 3],
      [2, 3],
      [95, 7],
      [64, 7],
      [1, 1],
    ]) {
      s.arm(source, priority);
      s.plic.line(source).set(true);
    }
    expect([s.claim(), s.claim(), s.claim(), s.claim(), s.claim(), s.claim()]).to.deep.equal([64, 95, 2, 40, 1, 0]);
  });

  it('masks priorities up to the threshold at the output, not at the claim', () => {
    const s = new Setup();
    s.arm(5, 3);
    s.plic.line(5).set(true);
    s.plic.write(THRESHOLD, 4, 3);
    expect(s.outputs[0].level).to.equal(false);
    s.plic.write(THRESHOLD, 4, 2);
    expect(s.outputs[0].level).to.equal(true);
    s.plic.write(THRESHOLD, 4, 7);
    expect(s.claim()).to.equal(5);
  });

  it('passes a level again at completion while it is high, and only then', () => {
    const s = new Setup();
    s.arm(7);
    s.plic.line(7).set(true);
    s.claim();
    s.plic.line(7).set(false);
    s.plic.line(7).set(true);
    expect(s.isPending(7)).to.equal(false);
    s.complete(7);
    expect(s.isPending(7)).to.equal(true);
    s.claim();
    s.plic.line(7).set(false);
    s.complete(7);
    expect(s.isPending(7)).to.equal(false);
    expect(s.outputs[0].level).to.equal(false);
  });

  it('keeps a request that has passed although its line falls', () => {
    const s = new Setup();
    s.arm(7);
    s.plic.line(7).set(true);
    s.plic.line(7).set(false);
    expect(s.claim()).to.equal(7);
  });

  it('ignores a completion of a source that is not enabled, or does not exist', () => {
    const s = new Setup();
    s.arm(7);
    s.plic.line(7).set(true);
    s.claim();
    s.plic.write(PLIC.enable, 4, 0);
    s.complete(7);
    s.complete(0);
    s.complete(96);
    s.complete(0xffff_ffff);
    s.enable(7);
    expect(s.isPending(7)).to.equal(false);
    s.complete(7);
    expect(s.isPending(7)).to.equal(true);
  });

  it('gives a source enabled for two contexts to the first that claims it', () => {
    const s = new Setup();
    s.arm(33, 2);
    s.enable(33, 1);
    s.plic.line(33).set(true);
    expect(s.outputs.map((o) => o.level)).to.deep.equal([true, true]);
    expect(s.claim(1)).to.equal(33);
    expect(s.claim(0)).to.equal(0);
    expect(s.outputs.map((o) => o.level)).to.deep.equal([false, false]);
  });

  it('has no source 0 and none above 95', () => {
    const s = new Setup();
    s.plic.write(PLIC.priority, 4, 7);
    s.plic.write(PLIC.priority + 4 * 96, 4, 7);
    s.plic.write(PLIC.enable, 4, 0xffff_ffff);
    s.plic.write(PLIC.enable + 12, 4, 0xffff_ffff);
    expect(s.plic.read(PLIC.priority, 4)).to.equal(0);
    expect(s.plic.read(PLIC.priority + 4 * 96, 4)).to.equal(0);
    expect(s.plic.read(PLIC.enable, 4)).to.equal(0xffff_fffe);
    expect(s.plic.read(PLIC.enable + 12, 4)).to.equal(0);
    for (const source of [0, 96, -1, 1.5]) expect(() => s.plic.line(source)).to.throw(VmmError, 'sources 1 to 95');
  });

  it('keeps three bits of priorities and thresholds', () => {
    const s = new Setup();
    s.priority(1, 0xffff_fffd);
    s.plic.write(THRESHOLD, 4, 0xc);
    expect(s.plic.read(PLIC.priority + 4, 4)).to.equal(5);
    expect(s.plic.read(THRESHOLD, 4)).to.equal(4);
  });

  describe('for hart 0 in S mode, at the addresses that Linux uses', () => {
    const [PRIORITY_10, ENABLE_S, THRESHOLD_S, CLAIM_S] = [0x28, 0x2080, 0x20_1000, 0x20_1004];

    /** As OpenSBI leaves the PLIC (nothing enabled, everything masked) and Linux sets it up for its UART. */
    function boot(): Setup {
      const s = new Setup();
      for (const [offset, value] of [
        [0x2000, 0],
        [ENABLE_S, 0],
        [0x20_0000, 0xffff_ffff],
        [THRESHOLD_S, 0xffff_ffff],
        [THRESHOLD_S, 0],
        [PRIORITY_10, 1],
        [ENABLE_S, 1 << 10],
      ])
        s.plic.write(offset, 4, value);
      return s;
    }

    it('raises the S output alone, and serves claim and completion', () => {
      const s = boot();
      s.plic.line(10).set(true);
      expect(s.outputs.map((o) => o.level)).to.deep.equal([false, true]);
      expect(s.plic.read(0x1000, 4)).to.equal(1 << 10);
      expect(s.plic.read(CLAIM_S, 4)).to.equal(10);
      expect([s.outputs[1].level, s.plic.read(0x1000, 4), s.plic.read(CLAIM_S, 4)]).to.deep.equal([false, 0, 0]);
      s.plic.write(CLAIM_S, 4, 10);
      expect(s.outputs[1].level, 'the line is still high').to.equal(true);
      s.plic.read(CLAIM_S, 4);
      s.plic.line(10).set(false);
      s.plic.write(CLAIM_S, 4, 10);
      expect(s.outputs[1].level).to.equal(false);
    });

    it('masks and unmasks by the enable bit, which the other context does not share', () => {
      const s = boot();
      s.plic.write(ENABLE_S, 4, 0);
      s.plic.line(10).set(true);
      expect(s.outputs.map((o) => o.level)).to.deep.equal([false, false]);
      expect([s.plic.read(0x2000, 4), s.plic.read(ENABLE_S, 4)]).to.deep.equal([0, 0]);
      s.plic.write(ENABLE_S, 4, 1 << 10);
      expect(s.outputs.map((o) => o.level)).to.deep.equal([false, true]);
      expect(s.plic.read(0x2000, 4)).to.equal(0);
    });

    it('enables every word of its 95 sources', () => {
      const s = boot();
      for (const word of [0, 1, 2]) s.plic.write(ENABLE_S + 4 * word, 4, 0xffff_ffff);
      expect([0, 1, 2, 3].map((word) => s.plic.read(ENABLE_S + 4 * word, 4))).to.deep.equal([
        0xffff_fffe, 0xffff_ffff, 0xffff_ffff, 0,
      ]);
      for (const source of [1, 31, 32, 63, 64, 95]) {
        s.priority(source, 1);
        s.plic.line(source).set(true);
        expect(s.plic.read(CLAIM_S, 4)).to.equal(source);
      }
    });

    it('masks by its own threshold', () => {
      const s = boot();
      s.plic.write(THRESHOLD_S, 4, 1);
      s.plic.line(10).set(true);
      expect(s.outputs[1].level).to.equal(false);
      s.plic.write(THRESHOLD_S, 4, 0);
      expect([s.outputs[1].level, s.plic.read(0x20_0000, 4)]).to.deep.equal([true, 7]);
    });

    it('completes a source that was disabled while it was served only once it is enabled again', () => {
      const s = boot();
      s.plic.line(10).set(true);
      s.plic.read(CLAIM_S, 4);
      s.plic.write(ENABLE_S, 4, 0);
      s.plic.write(CLAIM_S, 4, 10);
      s.plic.write(ENABLE_S, 4, 1 << 10);
      expect(s.outputs[1].level).to.equal(false);
      s.plic.write(CLAIM_S, 4, 10);
      expect(s.outputs[1].level).to.equal(true);
    });

    it('has no third context', () => {
      const s = boot();
      s.plic.write(0x2100, 4, 0xffff_ffff);
      s.plic.write(0x20_2000, 4, 5);
      s.plic.line(10).set(true);
      expect([s.plic.read(0x2100, 4), s.plic.read(0x20_2000, 4), s.plic.read(0x20_2004, 4)]).to.deep.equal([0, 0, 0]);
      expect(s.outputs[1].level).to.equal(true);
    });
  });

  it('agrees with a plain model through 100,000 random operations', () => {
    const random = createRandom('plic');
    const s = new Setup();
    const model = new PlainPlic();
    for (let i = 0; i < 100_000; i++) {
      const source = 1 + random.below(random.below(2) === 0 ? 8 : PLIC_SOURCES);
      const context = random.below(2);
      switch (random.below(7)) {
        case 0:
          model.priority[source] = random.below(8);
          s.priority(source, model.priority[source]);
          break;
        case 1:
          model.enabled[context].add(source);
          s.enable(source, context);
          break;
        case 2:
          model.threshold[context] = random.below(4);
          s.plic.write(THRESHOLD + context * PLIC.contextStride, 4, model.threshold[context]);
          break;
        case 3:
          expect(s.claim(context)).to.equal(model.claim(context));
          break;
        case 4:
          model.complete(context, source);
          s.complete(source, context);
          break;
        default: {
          const level = random.below(2) === 1;
          model.setLevel(source, level);
          s.plic.line(source).set(level);
        }
      }
      for (const c of [0, 1]) expect(s.outputs[c].level, `output ${c} after ${i}`).to.equal(model.output(c));
    }
  });

  it('bears 100,000 random accesses', () => {
    const random = createRandom('plic accesses');
    const s = new Setup();
    const favourites = [4, 40, PLIC.pending, PLIC.enable, PLIC.enable + 4, PLIC.enable + 0x80, THRESHOLD, CLAIM];
    for (let i = 0; i < 100_000; i++) {
      randomAccess(random, s.plic, 0x60_0000, favourites);
      s.plic.line(1 + random.below(PLIC_SOURCES)).set(random.below(2) === 0);
    }
    expect(s.outputs[0].rises).to.be.above(10);
  });
});

class PlainPlic {
  readonly priority: number[] = new Array(96).fill(0);
  readonly enabled = [new Set<number>(), new Set<number>()];
  readonly threshold = [0, 0];
  readonly #level = new Set<number>();
  readonly #pending = new Set<number>();
  readonly #claimed = new Set<number>();

  setLevel(source: number, level: boolean): void {
    if (!level) this.#level.delete(source);
    else this.#level.add(source);
    this.#pass(source);
  }

  claim(context: number): number {
    const best = this.#candidates(context)[0] ?? 0;
    this.#pending.delete(best);
    if (best !== 0) this.#claimed.add(best);
    return best;
  }

  complete(context: number, source: number): void {
    if (!this.enabled[context].has(source)) return;
    this.#claimed.delete(source);
    this.#pass(source);
  }

  output(context: number): boolean {
    return this.#candidates(context).some((source) => this.priority[source] > this.threshold[context]);
  }

  #pass(source: number): void {
    if (this.#level.has(source) && !this.#claimed.has(source)) this.#pending.add(source);
  }

  #candidates(context: number): number[] {
    return [...this.#pending]
      .filter((source) => this.enabled[context].has(source) && this.priority[source] > 0)
      .sort((a, b) => this.priority[b] - this.priority[a] || a - b);
  }
}
