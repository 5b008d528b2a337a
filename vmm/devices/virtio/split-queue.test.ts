/** Tests of the split virtqueue: good chains, and every way in which a ring can be wrong. */

import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { CheckedRam } from '../device-test-kit.js';
import { QUEUE, SplitQueue } from './split-queue.js';
import { DESCRIPTOR, DriverQueue } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const RAM_BYTES = 0x1_0000;
const BUFFER = RAM + 0x4000;
const TABLE = RAM + 0x3000;
const SIZE = 8;

class Setup {
  readonly ram = new CheckedRam(RAM, RAM_BYTES);
  readonly driver = new DriverQueue(this.ram, RAM + 0x1000, SIZE);
  readonly queue = new SplitQueue(this.ram, 16);

  constructor(indirect = true) {
    this.queue.size = SIZE;
    this.queue.descriptorArea = this.driver.descriptors;
    this.queue.driverArea = this.driver.available;
    this.queue.deviceArea = this.driver.used;
    this.queue.indirectDescriptors = indirect;
    expect(this.queue.enable()).to.equal(true);
  }

  /** The loaded chain: readable buffers, then writable ones. */
  get chain(): { readable: number[][]; writable: number[][] } {
    const { queue } = this;
    const all = Array.from({ length: queue.segmentCount }, (_, i) => [
      queue.segmentGpa[i] - RAM,
      queue.segmentLength[i],
    ]);
    return { readable: all.slice(0, queue.writableFrom), writable: all.slice(queue.writableFrom) };
  }
}

describe('SplitQueue', () => {
  it('is empty until the driver offers a chain, and again after it', () => {
    const s = new Setup();
    expect(s.queue.next()).to.equal(QUEUE.empty);
    s.driver.describe(3, BUFFER, 100);
    s.driver.offer(3);
    expect(s.queue.next()).to.equal(QUEUE.chain);
    expect(s.queue.head).to.equal(3);
    expect(s.chain).to.deep.equal({ readable: [[0x4000, 100]], writable: [] });
    expect(s.queue.next()).to.equal(QUEUE.empty);
  });

  it('looks for further chains only when it has used those it saw', () => {
    const s = new Setup();
    for (const head of [1, 2]) {
      s.driver.describe(head, BUFFER, 100);
      s.driver.offer(head);
    }
    expect(s.queue.next()).to.equal(QUEUE.chain);
    s.ram.pokeU16(s.driver.available + 2, 99);
    expect(s.queue.next()).to.equal(QUEUE.chain);
    expect(s.queue.head).to.equal(2);
    expect(s.queue.next()).to.equal(QUEUE.broken);
  });

  it('follows a chain over descriptors in any order, readable before writable', () => {
    const s = new Setup();
    s.driver.describe(7, BUFFER, 1, DESCRIPTOR.next, 0);
    s.driver.describe(0, BUFFER + 16, 2, DESCRIPTOR.next, 5);
    s.driver.describe(5, BUFFER + 32, 3, DESCRIPTOR.next | DESCRIPTOR.write, 2);
    s.driver.describe(2, BUFFER + 48, 4, DESCRIPTOR.write, 1);
    s.driver.offer(7);
    expect(s.queue.next()).to.equal(QUEUE.chain);
    expect(s.chain).to.deep.equal({
      readable: [
        [0x4000, 1],
        [0x4010, 2],
      ],
      writable: [
        [0x4020, 3],
        [0x4030, 4],
      ],
    });
  });

  it('follows an indirect table, also behind direct descriptors', () => {
    const s = new Setup();
    s.driver.describe(0, BUFFER, 1, DESCRIPTOR.next, 1);
    s.driver.describe(1, TABLE, 32, DESCRIPTOR.indirect);
    s.driver.describeAt(TABLE, BUFFER + 1, 2, DESCRIPTOR.next, 1);
    s.driver.describeAt(TABLE + 16, BUFFER + 3, 4, DESCRIPTOR.write);
    s.driver.offer(0);
    expect(s.queue.next()).to.equal(QUEUE.chain);
    expect(s.chain).to.deep.equal({
      readable: [
        [0x4000, 1],
        [0x4001, 2],
      ],
      writable: [[0x4003, 4]],
    });
  });

  it('shows completed chains at publish, in order, round the end of the ring', () => {
    const s = new Setup();
    s.driver.describe(4, BUFFER, 8, DESCRIPTOR.write);
    for (let i = 0; i < 70_000; i++) {
      s.driver.offer(4);
      expect(s.queue.next()).to.equal(QUEUE.chain);
      s.queue.complete(i % 9);
      expect(s.driver.usedIndex).to.equal(i & 0xffff);
      s.queue.publish();
      expect(s.driver.usedElement(i & 0xffff)).to.deep.equal([4, i % 9]);
    }
    expect(s.driver.usedIndex).to.equal(70_000 & 0xffff);
  });

  it('wants an interrupt unless the driver suppresses it', () => {
    const s = new Setup();
    s.driver.describe(0, BUFFER, 8);
    s.driver.offer(0);
    s.queue.next();
    s.queue.complete(0);
    expect(s.queue.publish()).to.equal(true);
    s.ram.pokeU16(s.driver.available, 1);
    expect(s.queue.publish()).to.equal(false);
  });

  it('asks for notifications once, and leaves RAM alone while the queue is being programmed anew', () => {
    const s = new Setup();
    s.queue.publish(true);
    expect(s.driver.quiet).to.equal(true);
    expect([s.queue.listen(), s.queue.listen()]).to.deep.equal([true, false]);
    expect(s.driver.quiet).to.equal(false);
    s.queue.publish(true);
    s.queue.disable();
    s.queue.deviceArea = 0xd;
    expect(s.queue.listen()).to.equal(false);
  });

  it('refuses sizes that are no power of two or too large, and areas misaligned or outside RAM', () => {
    const good = new Setup().queue;
    const { descriptorArea, driverArea, deviceArea } = good;
    const wrong: [string, Partial<SplitQueue>][] = [
      ['size', { size: 0 }],
      ['size', { size: 3 }],
      ['size', { size: 32 }],
      ['size', { size: 0xffff_ffff }],
      ['descriptor area', { descriptorArea: descriptorArea + 8 }],
      ['descriptor area', { descriptorArea: 0 }],
      ['descriptor area', { descriptorArea: RAM + RAM_BYTES - 16 }],
      ['driver area', { driverArea: driverArea + 1 }],
      ['driver area', { driverArea: 2 ** 63 }],
      ['device area', { deviceArea: deviceArea + 2 }],
      ['device area', { deviceArea: RAM + RAM_BYTES - 64 }],
    ];
    for (const [what, fields] of wrong) {
      const queue = new SplitQueue(new CheckedRam(RAM, RAM_BYTES), 16);
      Object.assign(queue, { size: SIZE, descriptorArea, driverArea, deviceArea }, fields);
      expect(queue.enable(), what).to.equal(false);
      expect(queue.fault).to.contain(what);
      expect(queue.next()).to.equal(QUEUE.broken);
    }
  });

  const BROKEN: [string, string, (s: Setup) => void][] = [
    ['a head outside the table', 'outside its table', (s) => s.driver.offer(SIZE)],
    ['a next outside the table', 'outside its table', (s) => s.driver.describe(0, BUFFER, 1, DESCRIPTOR.next, 0xffff)],
    ['a chain that loops', 'never ends', (s) => s.driver.describe(0, BUFFER, 1, DESCRIPTOR.next, 0)],
    ['a buffer outside RAM', 'not RAM', (s) => s.driver.describe(0, 0x1000_0000, 1)],
    ['a buffer that leaves RAM', 'not RAM', (s) => s.driver.describe(0, RAM + RAM_BYTES - 4, 5)],
    ['a buffer beyond 2^53', 'not RAM', (s) => s.driver.describe(0, 2 ** 63, 1)],
    ['an indirect table outside RAM', 'not RAM', (s) => s.driver.describe(0, 0x1000, 16, DESCRIPTOR.indirect)],
    ['an indirect table of odd length', 'bytes long', (s) => s.driver.describe(0, TABLE, 17, DESCRIPTOR.indirect)],
    ['an empty indirect table', 'bytes long', (s) => s.driver.describe(0, TABLE, 0, DESCRIPTOR.indirect)],
    [
      'an indirect table with a successor',
      'where none may be',
      (s) => s.driver.describe(0, TABLE, 16, DESCRIPTOR.indirect | DESCRIPTOR.next, 1),
    ],
    [
      'an indirect table within another',
      'where none may be',
      (s) => {
        s.driver.describe(0, TABLE, 16, DESCRIPTOR.indirect);
        s.driver.describeAt(TABLE, TABLE, 16, DESCRIPTOR.indirect);
      },
    ],
    [
      'an indirect table that loops',
      'never ends',
      (s) => {
        s.driver.describe(0, TABLE, 16, DESCRIPTOR.indirect);
        s.driver.describeAt(TABLE, BUFFER, 1, DESCRIPTOR.next, 0);
      },
    ],
    [
      'a readable buffer behind a writable one',
      'behind a writable',
      (s) => {
        s.driver.describe(0, BUFFER, 1, DESCRIPTOR.write | DESCRIPTOR.next, 1);
        s.driver.describe(1, BUFFER, 1);
      },
    ],
    ['more chains than entries', 'are available', (s) => s.ram.pokeU16(s.driver.available + 2, SIZE + 1)],
  ];
  for (const [what, fault, spoil] of BROKEN) {
    it(`breaks at ${what}, and stays broken until its reset`, () => {
      const s = new Setup();
      spoil(s);
      s.driver.offer(0);
      if (what === 'more chains than entries') spoil(s);
      expect(s.queue.next()).to.equal(QUEUE.broken);
      expect(s.queue.fault).to.contain(fault);
      expect(s.queue.next()).to.equal(QUEUE.broken);
      expect(s.ram.writes).to.equal(0);
      s.queue.reset();
      expect(s.queue.next()).to.equal(QUEUE.empty);
    });
  }

  it('breaks at an indirect table that was not negotiated', () => {
    const s = new Setup(false);
    s.driver.describe(0, TABLE, 16, DESCRIPTOR.indirect);
    s.driver.offer(0);
    expect(s.queue.next()).to.equal(QUEUE.broken);
  });

  it('breaks at a chain over 1 MiB', () => {
    const ram = new CheckedRam(RAM, 4 * 1024 * 1024);
    const driver = new DriverQueue(ram, RAM, SIZE);
    const queue = new SplitQueue(ram, SIZE);
    Object.assign(queue, { descriptorArea: driver.descriptors, driverArea: driver.available, deviceArea: driver.used });
    queue.enable();
    driver.describe(0, RAM, 0x10_0000, DESCRIPTOR.next, 1);
    driver.describe(1, RAM, 1);
    driver.offer(0);
    expect(queue.next()).to.equal(QUEUE.broken);
    expect(queue.fault).to.contain('1 MiB');
  });

  it('never leaves RAM or its tables through 20,000 random rings', () => {
    const random = createRandom('rings');
    const seen = { chain: 0, broken: 0, empty: 0 };
    const s = new Setup();
    const mild = (): number => (random.below(4) === 0 ? random.below(0x2_0000) : 0x4000 + random.below(0x800));
    for (let i = 0; i < 20_000; i++) {
      s.queue.reset();
      Object.assign(s.queue, { size: SIZE, indirectDescriptors: random.below(4) > 0 });
      s.queue.descriptorArea = s.driver.descriptors + (random.below(16) === 0 ? random.below(0x2_0000) : 0);
      s.queue.driverArea = s.driver.available + (random.below(16) === 0 ? random.below(0x2_0000) : 0);
      s.queue.deviceArea = s.driver.used + (random.below(16) === 0 ? random.below(0x2_0000) : 0);
      s.queue.enable();
      for (let d = 0; d < 2 * SIZE; d++) {
        const at = d < SIZE ? s.driver.descriptors + 16 * d : TABLE + 16 * (d - SIZE);
        const flags = random.below(4) === 0 ? random.below(8) : random.below(2) * DESCRIPTOR.next;
        const indirect = (flags & DESCRIPTOR.indirect) !== 0 && random.below(2) === 0;
        const length = indirect ? 16 * (1 + random.below(SIZE)) : random.below(random.below(8) === 0 ? 2 ** 32 : 64);
        s.driver.describeAt(at, indirect ? TABLE : RAM + mild(), length, flags, random.below(SIZE + 1));
      }
      s.ram.pokeU16(s.driver.available + 2, random.below(random.below(8) === 0 ? 0x1_0000 : SIZE));
      for (let a = 0; a < SIZE; a++) s.ram.pokeU16(s.driver.available + 4 + 2 * a, random.below(SIZE + 1));
      drain(s, seen);
    }
    expect(seen.chain).to.be.above(1000);
    expect(seen.broken).to.be.above(1000);
    expect(seen.empty).to.be.above(1000);
  });
});

/** Takes everything from the queue and touches every buffer as a device would. */
function drain(s: Setup, seen: { chain: number; broken: number; empty: number }): void {
  const bytes = new Uint8Array(0x1000);
  for (;;) {
    const found = s.queue.next();
    if (found === QUEUE.chain) seen.chain++;
    else if (found === QUEUE.broken) seen.broken++;
    else seen.empty++;
    if (found !== QUEUE.chain) return;
    expect(s.queue.segmentCount).to.be.within(1, SIZE);
    for (let i = 0; i < s.queue.segmentCount; i++) {
      const length = Math.min(s.queue.segmentLength[i], bytes.length);
      if (length > 0) s.ram.read(s.queue.segmentGpa[i], bytes, 0, length);
    }
    s.queue.complete(1);
    s.queue.publish();
  }
}
