/** Tests of shared memory between guests: what a doorbell makes visible, what a flood may cost, what a hostile guest can do. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { CheckedRam } from './device-test-kit.js';
import {
  BYTES_A_TURN,
  DOORBELLS_A_TURN,
  joinSharedMemory,
  RING_INTERVAL_NS,
  SHARED_MEMORY,
  SHARED_MEMORY_MAGIC,
  SharedMemory,
  sharedMemoryBytes,
  sharedMemoryLayout,
} from './shared-memory.js';

const SHAPE = { sectionBytes: 0x4000, ringEntries: 64 };
const BASE = 0x8000_0000;
const { output, input } = sharedMemoryLayout(SHAPE);
const RING = 0x200;

/** A guest by hand, and its end of the memory. */
class Peer {
  readonly ram = new CheckedRam(BASE, sharedMemoryBytes(SHAPE));
  readonly device: SharedMemory;
  /** Times at which it was interrupted. */
  readonly interrupts: number[] = [];
  #head = 0;

  constructor(clock: VirtualClock, id: number) {
    const interrupt = (): void => void this.interrupts.push(clock.now());
    this.device = new SharedMemory({ ...SHAPE, clock, ram: this.ram, base: BASE, id, peer: 1 - id, interrupt });
    this.device.initialise();
  }

  accept(mask: number): void {
    this.ram.pokeU32(BASE + SHARED_MEMORY.accept, mask);
    this.device.poll();
  }

  ring(offset: number, length: number, vector: number): void {
    const at = BASE + RING + 16 * (this.#head & 63);
    this.ram.pokeU32(at, offset);
    this.ram.pokeU32(at + 4, length);
    this.ram.pokeU32(at + 8, vector);
    this.#head++;
    this.ram.pokeU32(BASE + SHARED_MEMORY.bellHead, this.#head);
  }

  word(offset: number): number {
    return this.ram.readU32(BASE + offset);
  }
}

describe('shared memory', () => {
  let clock: VirtualClock;
  let one: Peer;
  let other: Peer;

  beforeEach(() => {
    clock = new VirtualClock();
    one = new Peer(clock, 0);
    other = new Peer(clock, 1);
    joinSharedMemory(one.device, other.device);
  });

  const settle = (): void => {
    while (one.device.poll());
    clock.advanceTo(clock.now() + RING_INTERVAL_NS);
  };

  it('tells the guest who it is and where its parts lie', () => {
    expect(other.word(SHARED_MEMORY.magic)).to.equal(SHARED_MEMORY_MAGIC);
    expect([other.word(SHARED_MEMORY.id), other.word(SHARED_MEMORY.peer)]).to.deep.equal([1, 0]);
    expect(other.word(SHARED_MEMORY.inputOffset)).to.equal(input);
  });

  it('has carried what a doorbell names when it interrupts the peer, and nothing else', () => {
    other.accept(1 << 3);
    one.ram.poke(
      BASE + output,
      Uint8Array.from({ length: 64 }, (_, i) => i + 1),
    );
    one.ring(8, 16, 3);
    settle();
    expect(other.interrupts).to.have.length(1);
    expect([...other.ram.peek(BASE + input, 32)]).to.deep.equal(
      Array.from({ length: 32 }, (_, i) => (i >= 8 && i < 24 ? i + 1 : 0)),
    );
    expect(other.word(SHARED_MEMORY.rung + 12)).to.equal(1);
    expect(one.word(SHARED_MEMORY.bellTail)).to.equal(1);
  });

  it('lets doorbells wait where what carries them has no room, and loses none of them', () => {
    const carried: number[] = [];
    let rung = 0;
    let room = -1;
    one.device.connect({
      carry: (_, __, offset, length) => carried.push(offset, length),
      ring: () => rung++,
      room: () => room,
    });
    one.ring(0, 100, 1);
    one.ring(100, 4, 1);
    expect(one.device.poll()).to.equal(true);
    expect([one.word(SHARED_MEMORY.bellTail), carried.length, rung]).to.deep.equal([0, 0, 0]);
    room = 60;
    expect(one.device.poll()).to.equal(true);
    expect([carried, rung]).to.deep.equal([[0, 60], 0]);
    settle();
    expect([carried, rung]).to.deep.equal([[0, 60, 60, 40, 100, 4], 2]);
    expect(one.word(SHARED_MEMORY.bellTail)).to.equal(2);
  });

  it('touches no byte of a guest that accepts nothing', () => {
    const before = other.ram.writes;
    one.ram.poke(BASE + output, new Uint8Array(64).fill(7));
    for (let i = 0; i < 32; i++) one.ring(0, 64, i & 15);
    settle();
    expect([other.ram.writes, other.interrupts.length]).to.deep.equal([before, 0]);
  });

  it('interrupts for accepted vectors alone', () => {
    other.accept(1 << 1);
    one.ring(0, 4, 2);
    settle();
    expect(other.interrupts).to.deep.equal([]);
    one.ring(0, 4, 1);
    settle();
    expect(other.interrupts).to.have.length(1);
  });

  it('coalesces doorbells and counts every one of them', () => {
    other.accept(0xffff);
    for (let i = 0; i < 60; i++) one.ring(0, 0, 1);
    settle();
    expect(other.interrupts).to.have.length(1);
    expect(other.word(SHARED_MEMORY.rung + 4)).to.equal(60);
  });

  it('carries a bounded amount a turn', () => {
    other.accept(0xffff);
    one.ram.poke(BASE + output, new Uint8Array(SHAPE.sectionBytes).fill(9));
    one.ring(0, 3 * BYTES_A_TURN, 0);
    expect(one.device.poll()).to.equal(true);
    expect(other.ram.peek(BASE + input + BYTES_A_TURN, 1)[0]).to.equal(0);
    expect([one.device.poll(), one.device.poll()]).to.deep.equal([true, false]);
    expect(other.ram.peek(BASE + input + 3 * BYTES_A_TURN - 1, 2)).to.deep.equal(Uint8Array.of(9, 0));
    for (let i = 0; i < 20; i++) one.ring(0, 1, 0);
    one.device.poll();
    expect(one.word(SHARED_MEMORY.bellTail)).to.equal(1 + DOORBELLS_A_TURN);
  });

  it('leaves time between two interrupts, however often the peer rings', () => {
    other.accept(0xffff);
    for (let ns = 0; ns < 10 * RING_INTERVAL_NS; ns += 1_000) {
      clock.advanceTo(ns);
      one.ring(0, 0, 0);
      one.device.poll();
    }
    expect(other.interrupts.length).to.be.within(9, 10);
    other.interrupts.reduce((before, now) => {
      expect(now - before).to.be.at.least(RING_INTERVAL_NS);
      return now;
    });
  });

  for (const [what, spoil] of [
    ['an index beyond the ring', () => one.ram.pokeU32(BASE + SHARED_MEMORY.bellHead, 65)],
    ['an offset outside the section', () => one.ring(0x4001, 0, 0)],
    ['a length outside the section', () => one.ring(0x3fff, 2, 0)],
    ['a length that wraps', () => one.ring(16, 0xffff_fff8, 0)],
    ['a vector that does not exist', () => one.ring(0, 4, 16)],
  ] as const)
    it(`stops the output of a guest that writes ${what}, and leaves its peer alone`, () => {
      other.accept(0xffff);
      const before = other.ram.writes;
      spoil();
      settle();
      expect(one.device.fault).to.match(/^the guest wrote an impossible doorbell: /);
      expect([other.ram.writes, other.interrupts.length, other.device.fault]).to.deep.equal([before, 0, '']);
      one.accept(1);
      other.ring(0, 4, 0);
      other.device.poll();
      clock.advanceTo(clock.now() + 1);
      expect(one.interrupts, 'its input goes on').to.have.length(1);
    });

  it('stays in its area whatever both guests write', () => {
    const random = createRandom('shared-memory');
    for (let round = 0; round < 2_000; round++) {
      for (const peer of [one, other])
        for (let i = 0; i < 4; i++)
          peer.ram.pokeU32(BASE + 4 * random.below(0x180), random.below(2) * random.below(0x5000));
      one.device.poll();
      other.device.poll();
      clock.advanceTo(clock.now() + random.below(20_000));
    }
  });

  it('refuses sizes that cannot be', () => {
    const ram = new CheckedRam(BASE, 0x1000);
    const make = (change: object) => (): SharedMemory =>
      new SharedMemory({ ...SHAPE, clock, ram, base: BASE, id: 0, peer: 1, interrupt: () => {}, ...change });
    expect(make({})).to.throw(VmmError, '64-byte aligned and lie in RAM');
    expect(make({ ringEntries: 3 })).to.throw(VmmError, 'power of two');
    expect(make({ sectionBytes: 100 })).to.throw(VmmError, 'power of two');
  });
});
