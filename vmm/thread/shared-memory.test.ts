import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import type { SectionLink } from '../devices/section-link.js';
import { SHARED_MEMORY_REGION } from '../machine/create-shared-memory.js';
import { ENGINE_NAMES } from '../machine/create-vcpu.js';
import { INTERRUPT_NAMES } from '../machine/interrupt-log.js';
import { shippedGuest, ThreadedGuest } from './thread-test-kit.js';

const RUNS = process.env.RIGVISOR_NIGHTLY === '1' ? 200 : 2;
const BLOCKS = 8;
const BLOCK_CHANNEL = 0;
/** How blocks lie in the sampler's section (guests/sdk/block-exchange.h). */
const BLOCK = { slots: 16, slotBytes: 256, crc: 12, header: 16, vector: 1 };

/** Looks at blocks on their way: how many there were, and how many were no whole block even there. */
class Sent {
  blocks = 0;
  bad = 0;
  readonly #section = Buffer.alloc(0x4000);

  constructor(private readonly peer: SectionLink) {}

  readonly link: SectionLink = {
    carry: (bytes, from, offset, length) => {
      this.#section.set(bytes.subarray(from, from + length), offset);
      this.peer.carry(bytes, from, offset, length);
    },
    ring: (vector) => {
      if (vector === BLOCK.vector && !this.#isWhole(++this.blocks)) this.bad++;
      this.peer.ring(vector);
    },
  };

  #isWhole(sequence: number): boolean {
    const at = (sequence % BLOCK.slots) * BLOCK.slotBytes;
    const slot = this.#section.subarray(at, at + BLOCK.slotBytes);
    const samples = slot.subarray(BLOCK.header, BLOCK.header + 2 * slot.readUInt32LE(8));
    return crc32(samples, crc32(slot.subarray(0, BLOCK.crc))) === slot.readUInt32LE(BLOCK.crc);
  }
}

describe('two guests in threads that share memory', function () {
  this.timeout(60_000 + RUNS * 20_000);

  const pair = (doorbell: 'register' | 'ring', neighbour: string, engine: (typeof ENGINE_NAMES)[number]) => {
    const clock = new WallClock();
    const sampler = new ThreadedGuest({
      clock,
      engine,
      image: shippedGuest('rt-sampler'),
      bootargs: 'rate=2000 block=32 counters=20',
      reportRing: doorbell === 'ring',
      sharedMemory: { id: 0, peer: 1, doorbell },
      measuredInterrupts: INTERRUPT_NAMES.timer | INTERRUPT_NAMES.sharedMemory,
    });
    const load = new ThreadedGuest({
      clock,
      engine,
      image: shippedGuest('gp-load'),
      bootargs: `${neighbour} report=20`,
      reportRing: doorbell === 'ring',
      sharedMemory: { id: 1, peer: 0, doorbell },
    });
    const [one, other] = [sampler.thread.sharedMemory, load.thread.sharedMemory];
    if (one === undefined || other === undefined) return expect.fail('they share nothing');
    const sent = new Sent(other.link);
    one.connect(sent.link);
    other.connect(one.link);
    return { sampler, load, sent };
  };
  type Pair = ReturnType<typeof pair>;

  const start = async ({ sampler, load }: Pair): Promise<void> => {
    await Promise.all([sampler.thread.ready(), load.thread.ready()]);
    sampler.thread.run();
    load.thread.run();
  };
  const blocksOf = ({ sampler }: Pair): number =>
    sampler.reports.filter((record) => record[0] === BLOCK_CHANNEL).length;
  /** Blocks, good, bad, missed: the first fields of the load's last counters. */
  const taken = ({ load }: Pair): number[] => {
    const record = load.reports.at(-1);
    if (record === undefined) return [0, 0, 0, 0];
    const view = new DataView(record.buffer, record.byteOffset + record.length - 40);
    return [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  };
  const expectIdentical = (guest: ThreadedGuest, where: string): void => {
    for (const name of ENGINE_NAMES) {
      const { divergence, identical } = guest.replay(name);
      expect(divergence?.sentence, where).to.equal(undefined);
      expect(identical, where).to.equal(true);
    }
  };

  for (const doorbell of ['register', 'ring'] as const)
    it(`carries blocks whole and replays both exactly, with doorbells by ${doorbell}, ${RUNS} runs`, async () => {
      for (let run = 0; run < RUNS; run++) {
        const engine = ENGINE_NAMES[run % ENGINE_NAMES.length];
        const both = pair(doorbell, run % 2 === 0 ? 'mode=idle' : 'mode=load', engine);
        await start(both);
        await both.sampler.until(() => taken(both)[1] >= BLOCKS, `${BLOCKS} good blocks`, [both.load]);
        const { sampler, load } = both;
        await Promise.all([sampler.seal(), load.seal()]);
        // A host that stops the sampler for long makes it write into a block that it is still sending: bad from the start.
        expect(taken(both)[2], 'bad blocks').to.be.at.most(both.sent.bad);
        expect(both.sent.blocks, 'blocks on their way').to.be.at.least(taken(both)[0]);
        expectIdentical(sampler, `the sampler, ${engine}`);
        expectIdentical(load, `the load, ${engine}`);
        const exits = sampler.thread.exits.of(SHARED_MEMORY_REGION);
        if (doorbell === 'ring') expect(exits).to.equal(0);
        else expect(exits).to.be.at.least(BLOCKS);
      }
    });

  it('measures what interrupts wait, from the instant that the timer was set for, in the thread of the vCPU', async () => {
    for (const doorbell of ['register', 'ring'] as const) {
      const both = pair(doorbell, 'mode=idle', 'interpreter');
      await start(both);
      await both.sampler.until(() => taken(both)[1] >= BLOCKS, `${BLOCKS} good blocks`, [both.load]);
      expect(both.sampler.thread.interrupts, 'before it is sealed').to.equal(undefined);
      const runNs = both.sampler.clock.now();
      await Promise.all([both.sampler.seal(), both.load.seal()]);
      const { interrupts } = both.sampler.thread;
      for (const name of ['timer', 'sharedMemory'] as const) {
        const measured = interrupts?.of(name);
        expect(measured?.count, name).to.be.at.least(name === 'timer' ? 32 * BLOCKS - 32 : 1);
        expect(measured?.samples.length, name).to.equal(measured?.count);
        for (const ns of measured?.samples ?? []) expect(ns, name).to.be.within(0, runNs);
      }
      expect(interrupts?.of('external')).to.equal(undefined);
      expect(both.load.thread.interrupts, 'of a guest that is not measured').to.equal(undefined);
    }
  });

  for (const doorbell of ['register', 'ring'] as const)
    it(`goes on beside a neighbour that floods or crashes, and replays it, with doorbells by ${doorbell}`, async () => {
      for (const neighbour of ['mode=flood', 'mode=crash seed=5 within=2', 'mode=crash seed=3 within=2']) {
        const both = pair(doorbell, neighbour, 'interpreter');
        await start(both);
        await both.sampler.until(() => blocksOf(both) >= 3, 'three blocks', [both.load]);
        await Promise.all([both.sampler.seal(), both.load.seal()]);
        expectIdentical(both.sampler, neighbour);
        expectIdentical(both.load, neighbour);
      }
    });
});
