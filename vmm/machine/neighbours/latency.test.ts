/** Tests of interrupt latency beside a neighbour: never above the bound that the image and the costs of exits give. */

import { expect } from 'chai';
import { CodeView } from '../../analysis/code-view.js';
import { latencyBound } from '../../analysis/latency-bound.js';
import { NIGHTLY } from '../../devices/fuzz/fuzz-kit.js';
import { CSR } from '../../isa/csr-numbers.js';
import { replayJournal } from '../../journal/replay.js';
import { ENGINE_NAMES } from '../create-vcpu.js';
import { KeptJournal } from '../test-support.js';
import { COSTS, guestBytes, guestImage, neighbours } from './neighbours-bench.js';

const TIMER = 7;
/** The period is 53.3 us, which no other one of the guests divides. */
const RATE = 18_750;
/** Interrupts in each of the four modes. */
const INTERRUPTS = NIGHTLY ? 2_500_000 : 4_000;
const PIECE_NS = 50e6;
/** Beside a neighbour that crashes, both are started anew after so long, each time with another seed. */
const CRASH_NS = 50e6;

describe('the timer interrupt of a real-time guest', function () {
  this.timeout(3_600_000);
  const sampler = guestImage('rt-sampler');
  const load = guestImage('gp-load');
  const bound = latencyBound({
    image: guestBytes('rt-sampler'),
    name: 'rt-sampler.elf',
    interrupt: TIMER,
    ahead: [11],
    costs: COSTS,
  });

  const start = (neighbour: string, engine: (typeof ENGINE_NAMES)[number] = 'interpreter') =>
    neighbours(
      { image: sampler, bootargs: `rate=${RATE} counters=50 busy=1` },
      { image: load, bootargs: neighbour },
      engine,
      false,
    );

  /** Number and longest wait of the timer interrupts of one bench, run on until there are `most` or `untilNs` is reached. */
  const measure = (neighbour: string, most: number, untilNs: number) => {
    const { victim, runTo } = start(neighbour);
    let count = 0;
    let maxNs = 0;
    for (let ns = PIECE_NS; count < most && ns <= untilNs; ns += PIECE_NS) {
      runTo(ns);
      const latency = victim.interrupts?.of('timer');
      count = latency?.count ?? 0;
      maxNs = latency?.maxNs ?? Number.POSITIVE_INFINITY;
    }
    return { count, maxNs };
  };

  for (const mode of ['idle', 'spin', 'flood', 'crash']) {
    it(`stays within its bound for ${INTERRUPTS} interrupts beside a neighbour in mode ${mode}`, () => {
      let count = 0;
      let maxNs = 0;
      for (let seed = 1; count < INTERRUPTS; seed++) {
        const untilNs = mode === 'crash' ? CRASH_NS : Number.POSITIVE_INFINITY;
        const piece = measure(`mode=${mode} within=20 seed=${seed}`, INTERRUPTS, untilNs);
        expect(piece.count).to.be.greaterThan(0);
        count += piece.count;
        maxNs = Math.max(maxNs, piece.maxNs);
      }
      console.log(`      ${mode}: at most ${maxNs} of ${bound.ns} ns in ${count} interrupts`);
      expect(maxNs).to.be.at.most(bound.ns).and.greaterThan(0);
    });
  }

  it('waits for no exit that the bound does not know: with interrupts off, only marked instructions leave the guest', () => {
    const marked = new Set(new CodeView(guestBytes('rt-sampler'), 'rt-sampler.elf').addresses('rt_exit_').values());
    let masked = 0;
    const strangers: string[] = [];
    const onExit = (): void => {
      const { vcpu } = bench.victim.core;
      const isOff = ((vcpu.readCsr(CSR.mstatus) ?? 0n) & 8n) === 0n;
      if (!isOff || bench.victim.interrupts?.of('timer')?.count === 0) return;
      masked++;
      const behind = Number(vcpu.readPc());
      if (!marked.has(behind - 2) && !marked.has(behind - 4)) strangers.push(behind.toString(16));
    };
    const bench = neighbours(
      { image: sampler, bootargs: `rate=${RATE} counters=5 busy=1`, onExit },
      { image: load, bootargs: 'mode=load' },
      'interpreter',
    );
    bench.runTo(50e6);
    expect(masked).to.be.greaterThan(1_000);
    expect(strangers).to.deep.equal([]);
  });

  it('is measured alike by both engines', () => {
    const [one, other] = ENGINE_NAMES.map((engine) => {
      const { victim, runTo } = start('mode=flood', engine);
      runTo(20e6);
      return victim.interrupts?.of('timer');
    });
    expect(one?.count).to.be.greaterThan(300);
    expect(one).to.deep.equal(other);
  });

  it('costs the guest nothing when it is measured: both journals replay to the same end', () => {
    const journals = [new KeptJournal(), new KeptJournal()] as const;
    const bench = neighbours(
      { image: sampler, bootargs: `rate=${RATE}`, journal: journals[0] },
      { image: load, bootargs: 'mode=flood', journal: journals[1] },
      'interpreter',
    );
    bench.runTo(20e6);
    bench.victim.seal();
    bench.neighbour.seal();
    expect(replayJournal({ image: sampler, engine: 'translator' }, journals[0].chunks).identical).to.equal(true);
    expect(replayJournal({ image: load, engine: 'translator' }, journals[1].chunks).identical).to.equal(true);
  });
});
