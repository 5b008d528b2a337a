/** Tests of the URB ring: its area, polling, doorbells, what a guest may break. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { CheckedRam } from './device-test-kit.js';
import { NIGHTLY } from './fuzz/fuzz-kit.js';
import { URB_RING, UrbRing, urbRingBytes } from './urb-ring.js';
import { KeptUrbs, TEST_PLUG, UrbTestDriver } from './urb-test-kit.js';
import { DriverQueue } from './virtio/virtio-test-driver.js';

const RAM = 0x8000_0000;
const AREA = RAM + 0x1_0000;
const SIZE = 16;
const ROUNDS = NIGHTLY ? 1000 : 100;

/** The driver's view of a queue whose parts lie where the rig put them. */
class RingQueue extends DriverQueue {
  override readonly descriptors: number;
  override readonly available: number;
  override readonly used: number;

  constructor(ram: CheckedRam) {
    super(ram, AREA, SIZE);
    this.descriptors = AREA + ram.readU32(AREA + URB_RING.descOffset);
    this.available = AREA + ram.readU32(AREA + URB_RING.availOffset);
    this.used = AREA + ram.readU32(AREA + URB_RING.usedOffset);
  }
}

function setup() {
  const clock = new VirtualClock();
  const ram = new CheckedRam(RAM, 0x4_0000);
  let bells = 0;
  const ring = new UrbRing({ clock, ram, base: AREA, queueSize: SIZE, doorbell: () => bells++ });
  ring.initialise();
  const backend = new KeptUrbs();
  ring.attach(backend);
  const queue = new RingQueue(ram);
  const driver = new UrbTestDriver(ram, queue, RAM, 8);
  const ready = (value: number): void => ram.pokeU32(AREA + URB_RING.ready, value);
  return { clock, ram, ring, backend, queue, driver, ready, bells: () => bells };
}

describe('UrbRing', () => {
  it('lays its area out as the guest expects it', () => {
    const { ram } = setup();
    const words = [0, 4, 8, 12, 16, 20].map((offset) => ram.readU32(AREA + offset));
    expect(words).to.deep.equal([0x5255_5652, 1, SIZE, 0x200, 0x200 + 16 * SIZE, 0x200 + 18 * SIZE + 8]);
    expect(urbRingBytes(SIZE)).to.be.at.least(words[5] + 6 + 8 * SIZE);
  });

  it('refuses an area or a size that cannot be', () => {
    const ram = new CheckedRam(RAM, 0x1000);
    const build = (base: number, queueSize: number) => () =>
      new UrbRing({ clock: new VirtualClock(), ram, base, queueSize, doorbell: () => {} });
    expect(build(RAM, 12)).to.throw(VmmError, /power of two/);
    expect(build(RAM, 2)).to.throw(VmmError, /at least 4/);
    expect(build(RAM, 2048)).to.throw(VmmError, /at most 1024/);
    expect(build(RAM + 0xf00, 16)).to.throw(VmmError, /lie in RAM/);
  });

  it('takes requests when polled, once the guest is ready, and asks for no kick', () => {
    const { ring, driver, ready, backend, queue, bells } = setup();
    ring.plugged(TEST_PLUG);
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    expect(ring.poll()).to.equal(0);
    ready(1);
    expect(ring.poll()).to.equal(1);
    expect(ring.poll()).to.equal(0);
    const before = bells();
    backend.complete(ring, 0, [1, 2]);
    ring.flush();
    expect(driver.returns()[0]).to.deep.include({ seqnum: 1, status: 0, data: [1, 2] });
    expect(bells() - before).to.equal(1);
    expect(queue.quiet).to.equal(true);
  });

  it('rings for plugging behind the fields', () => {
    const { ram, ring, bells } = setup();
    const fields = (): number[] => [0, 4, 8, 12].map((offset) => ram.readU32(AREA + URB_RING.connected + offset));
    ring.plugged(TEST_PLUG);
    expect(fields()).to.deep.equal([1, 2, 0x1_0003, 1]);
    ring.plugged(undefined);
    expect(fields()).to.deep.equal([0, 0, 0, 2]);
    expect(bells()).to.equal(2);
  });

  it('does not ring where the guest wants none', () => {
    const { ram, ring, driver, ready, backend, queue, bells } = setup();
    ring.plugged(TEST_PLUG);
    ram.pokeU16(queue.available, 1);
    ready(1);
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    ring.poll();
    backend.complete(ring);
    ring.flush();
    expect(driver.returns().length).to.equal(1);
    expect(bells()).to.equal(1);
  });

  it('forgets the URBs of a guest that begins anew', () => {
    const { ram, ring, driver, ready, backend, queue } = setup();
    ring.plugged(TEST_PLUG);
    ready(1);
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    ring.poll();
    ready(0);
    ring.poll();
    expect(backend.cancelled.length).to.equal(1);
    queue.restart();
    ready(1);
    ring.poll();
    const { writes } = ram;
    backend.complete(ring, -2);
    ring.flush();
    expect([ram.writes, ring.inFlight, ring.fault]).to.deep.equal([writes, 0, '']);
  });

  it('stands still for good when the guest breaks it, and touches its memory no more', () => {
    const { ram, ring, driver, ready, backend, queue, bells } = setup();
    ring.plugged(TEST_PLUG);
    ready(1);
    driver.offer({ seqnum: 1, direction: 1, ep: 1, length: 4 });
    ring.poll();
    ram.pokeU16(queue.available + 2, 999);
    ring.poll();
    expect(ring.fault).to.match(/broke its URB ring: 998 chains are available/);
    const [writes, rung] = [ram.writes, bells()];
    backend.complete(ring);
    ring.flush();
    ring.plugged(undefined);
    expect([ring.poll(), ram.writes, bells()]).to.deep.equal([0, writes, rung]);
  });

  it(`bears ${(1000 * ROUNDS).toLocaleString('en')} random changes to its area`, function () {
    this.timeout(60_000);
    const random = createRandom('urb ring');
    let submitted = 0;
    let faults = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const { clock, ram, ring, backend, driver, ready } = setup();
      ring.plugged(TEST_PLUG);
      ready(1);
      for (let i = 0; i < 1000; i++) {
        const choice = random.below(16);
        if (choice === 0) ram.pokeU16(AREA + 2 * random.below(urbRingBytes(SIZE) / 2), random.below(0x1_0000));
        else if (choice < 4) ram.pokeU16(RAM + 2 * random.below(0x4000), random.below(64));
        else if (choice < 8)
          driver.offer({ seqnum: i % 16, direction: random.below(2), ep: random.below(4), length: random.below(64) });
        else if (choice < 10 && backend.waiting.length > 0)
          backend.complete(ring, 0, [1, 2, 3].slice(0, Math.min(3, backend.waiting[0].length)));
        else if (choice === 10) ring.plugged(random.below(4) === 0 ? undefined : TEST_PLUG);
        else if (choice === 11 && random.below(16) === 0) ready(random.below(2));
        else if (choice === 12) clock.advanceTo(clock.now() + 1);
        else ring.poll();
      }
      submitted += backend.submitted;
      if (ring.fault !== '') faults++;
      expect(ring.inFlight).to.be.at.most(64);
    }
    expect(submitted, 'URBs').to.be.above(1000);
    expect(faults, 'rounds that ended in a fault').to.be.within(ROUNDS / 10, ROUNDS);
  });
});
