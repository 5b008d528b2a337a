/** Tests of the virtio block device: each request, any framing, what a medium refuses, and a driver gone wild. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../../base/index.js';
import { CheckedRam, TestLine } from '../device-test-kit.js';
import { type BlockStorage, MemoryStorage, SECTOR_BYTES } from './block-storage.js';
import { VIRTIO_BLK_F, VIRTIO_BLK_S, VIRTIO_BLK_T, VirtioBlk } from './virtio-blk.js';
import { VIRTIO_F_INDIRECT_DESC_LOW, VIRTIO_MMIO, VIRTIO_STATUS } from './virtio-mmio.js';
import { DESCRIPTOR, DriverQueue, VirtioDriver } from './virtio-test-driver.js';

const RAM = 0x8000_0000;
const HEADER = RAM + 0x1000;
const STATUS = RAM + 0x1800;
const DATA = RAM + 0x2000;
const SECTORS = 64;
const { OK, IOERR, UNSUPP } = VIRTIO_BLK_S;
const { IN, OUT, FLUSH, GET_ID } = VIRTIO_BLK_T;
/** What a status byte holds before the device writes it. */
const UNTOUCHED = 0xee;

/** Passes on to a storage in memory, counts flushes, and fails when it is told to. */
class TestStorage implements BlockStorage {
  readonly sectors = SECTORS;
  readonly bytes = Uint8Array.from({ length: SECTORS * SECTOR_BYTES }, (_, i) => (i >> 9) + i);
  readonly #memory = new MemoryStorage(this.bytes);
  readOnly = false;
  flushes = 0;
  /** Calls that still succeed. */
  lasts = Number.POSITIVE_INFINITY;

  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean {
    return this.lasts-- > 0 && this.#memory.read(sector, target, offset, bytes);
  }

  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean {
    return this.lasts-- > 0 && this.#memory.write(sector, source, offset, bytes);
  }

  flush(): boolean {
    this.flushes++;
    return this.lasts-- > 0;
  }

  content(sector: number, bytes: number): number[] {
    const target = new Uint8Array(bytes);
    this.#memory.read(sector, target, 0, bytes);
    return [...target];
  }
}

interface Piece {
  readonly gpa: number;
  readonly length: number;
  readonly write?: boolean;
}

class Setup {
  readonly clock = new VirtualClock();
  readonly line = new TestLine();
  readonly ram = new CheckedRam(RAM, 0x2_0000);
  readonly storage = new TestStorage();
  readonly queue = new DriverQueue(this.ram, RAM, 16);
  readonly blk: VirtioBlk;
  readonly driver: VirtioDriver;

  constructor(readOnly = false, featuresLow = VIRTIO_F_INDIRECT_DESC_LOW | VIRTIO_BLK_F.FLUSH) {
    this.storage.readOnly = readOnly;
    const { clock, line, ram, storage } = this;
    this.blk = new VirtioBlk({ clock, line, ram, storage, id: 'disk-0' });
    this.driver = new VirtioDriver(this.blk, [featuresLow, 1]);
    this.driver.start(this.queue);
  }

  header(type: number, sector = 0): void {
    this.ram.pokeU32(HEADER, type);
    this.ram.pokeU32(HEADER + 8, sector % 2 ** 32);
    this.ram.pokeU32(HEADER + 12, Math.floor(sector / 2 ** 32));
    this.ram.poke(STATUS, Uint8Array.of(UNTOUCHED));
  }

  /** Offers one chain of descriptors from `first` on. */
  offer(pieces: readonly Piece[], first = 0): void {
    pieces.forEach(({ gpa, length, write }, i) => {
      const next = i === pieces.length - 1 ? 0 : DESCRIPTOR.next;
      this.queue.describe(first + i, gpa, length, next | (write === true ? DESCRIPTOR.write : 0), first + i + 1);
    });
    this.queue.offer(first);
  }

  /** A request framed as every driver does it; answers its status. */
  request(type: number, sector: number, data: readonly Piece[]): number {
    this.header(type, sector);
    this.offer([{ gpa: HEADER, length: 16 }, ...data, { gpa: STATUS, length: 1, write: true }]);
    this.driver.notify(0);
    return this.status;
  }

  in(sector: number, length: number): number {
    return this.request(IN, sector, [{ gpa: DATA, length, write: true }]);
  }

  out(sector: number, length: number): number {
    return this.request(OUT, sector, [{ gpa: DATA, length }]);
  }

  get status(): number {
    return this.ram.peek(STATUS, 1)[0];
  }

  /** Bytes of the last completed request, as the device counts them. */
  get written(): number {
    return this.queue.usedElement(this.queue.usedIndex - 1)[1];
  }

  get needsReset(): boolean {
    return (this.driver.read(VIRTIO_MMIO.Status) & VIRTIO_STATUS.DEVICE_NEEDS_RESET) !== 0;
  }
}

describe('VirtioBlk configuration', () => {
  it('is device 2 with one queue of 128', () => {
    const { driver } = new Setup();
    expect(driver.read(VIRTIO_MMIO.DeviceID)).to.equal(2);
    driver.write(VIRTIO_MMIO.QueueSel, 0);
    expect(driver.read(VIRTIO_MMIO.QueueNumMax)).to.equal(128);
    driver.write(VIRTIO_MMIO.QueueSel, 1);
    expect(driver.read(VIRTIO_MMIO.QueueNumMax)).to.equal(0);
  });

  it('tells capacity, segments and block size in accesses of any size, and 0 elsewhere', () => {
    const { blk } = new Setup();
    const at = (offset: number, size: number): number => blk.read(VIRTIO_MMIO.Config + offset, size);
    expect([at(0, 4), at(4, 4), at(12, 4), at(20, 4)]).to.deep.equal([SECTORS, 0, 126, 512]);
    expect([at(20, 1), at(21, 1), at(21, 2), at(12, 2)]).to.deep.equal([0, 2, 2, 126]);
    expect([at(8, 4), at(32, 1), at(59, 4), at(60, 4), at(0xef0, 4)]).to.deep.equal([0, 0, 0, 0, 0]);
    blk.write(VIRTIO_MMIO.Config, 4, 99);
    expect(at(0, 4)).to.equal(SECTORS);
  });

  it('tells a capacity beyond 32 bits', () => {
    const storage = { ...new TestStorage(), sectors: 3 * 2 ** 32 + 5 } as unknown as BlockStorage;
    const { clock, line, ram } = new Setup();
    const blk = new VirtioBlk({ clock, line, ram, storage, id: '' });
    expect([blk.read(VIRTIO_MMIO.Config, 4), blk.read(VIRTIO_MMIO.Config + 4, 4)]).to.deep.equal([5, 3]);
  });

  it('offers RO exactly for a storage that is read-only', () => {
    for (const readOnly of [false, true]) {
      const features = new Setup(readOnly).driver.read(VIRTIO_MMIO.DeviceFeatures);
      expect((features & VIRTIO_BLK_F.RO) !== 0).to.equal(readOnly);
      for (const bit of [VIRTIO_BLK_F.SEG_MAX, VIRTIO_BLK_F.BLK_SIZE, VIRTIO_BLK_F.FLUSH, VIRTIO_F_INDIRECT_DESC_LOW])
        expect(features & bit).to.be.above(0);
    }
  });
});

describe('VirtioBlk requests', () => {
  it('read sectors within the notification, with one interrupt', () => {
    const s = new Setup();
    expect(s.in(3, 1024)).to.equal(OK);
    expect([...s.ram.peek(DATA, 1024)]).to.deep.equal(s.storage.content(3, 1024));
    expect([s.written, s.queue.usedIndex, s.line.rises]).to.deep.equal([1025, 1, 1]);
  });

  it('write sectors', () => {
    const s = new Setup();
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => i * 3);
    s.ram.poke(DATA, bytes);
    expect(s.out(62, 1024)).to.equal(OK);
    expect(s.storage.content(62, 1024)).to.deep.equal([...bytes]);
    expect(s.written).to.equal(1);
  });

  it('pass through slices of 64 KiB', () => {
    const s = new Setup();
    const ram = new CheckedRam(RAM, 0x8_0000);
    const storage = new MemoryStorage(new Uint8Array(0), { sectors: 512 });
    const driver = new VirtioDriver(new VirtioBlk({ clock: s.clock, line: s.line, ram, storage, id: '' }));
    const queue = new DriverQueue(ram, RAM, 8);
    driver.start(queue);
    const bytes = Uint8Array.from({ length: 150_016 }, (_, i) => i ^ (i >> 8));
    ram.poke(DATA, bytes);
    for (const [type, gpa, flags] of [
      [OUT, DATA, 0],
      [IN, DATA + 0x3_0000, DESCRIPTOR.write],
    ]) {
      ram.pokeU32(HEADER, type);
      ram.pokeU32(HEADER + 8, 7);
      queue.describe(0, HEADER, 16, DESCRIPTOR.next, 1);
      queue.describe(1, gpa, bytes.length, flags | DESCRIPTOR.next, 2);
      queue.describe(2, STATUS, 1, DESCRIPTOR.write);
      queue.offer(0);
      driver.notify(0);
    }
    expect(queue.usedIndex).to.equal(2);
    expect(Buffer.compare(ram.peek(DATA + 0x3_0000, bytes.length), bytes)).to.equal(0);
  });

  it('flush the storage', () => {
    const s = new Setup();
    expect(s.request(FLUSH, 0, [])).to.equal(OK);
    expect(s.storage.flushes).to.equal(1);
    s.storage.lasts = 0;
    expect(s.request(FLUSH, 0, [])).to.equal(IOERR);
  });

  it('flush after each write for a driver that did not take FLUSH', () => {
    const cached = new Setup();
    cached.out(0, 512);
    expect(cached.storage.flushes).to.equal(0);
    const through = new Setup(false, 0);
    expect(through.out(0, 512)).to.equal(OK);
    expect(through.storage.flushes).to.equal(1);
    through.storage.lasts = 1;
    expect(through.out(0, 512)).to.equal(IOERR);
  });

  it('tell the serial number, padded with zeroes, as far as there is room', () => {
    const s = new Setup();
    const text = (length: number): string => String.fromCharCode(...s.ram.peek(DATA, length));
    expect(s.request(GET_ID, 0, [{ gpa: DATA, length: 20, write: true }])).to.equal(OK);
    expect(text(20)).to.equal(`disk-0${'\0'.repeat(14)}`);
    expect(s.written).to.equal(21);
    s.ram.bytes.fill(0x2e, 0x2000, 0x2020);
    expect(s.request(GET_ID, 0, [{ gpa: DATA, length: 4, write: true }])).to.equal(OK);
    expect(text(6)).to.equal('disk..');
    const { clock, line, ram, storage } = s;
    expect(() => new VirtioBlk({ clock, line, ram, storage, id: 'x'.repeat(50) })).to.not.throw();
  });

  it('are UNSUPP when they are unknown', () => {
    const s = new Setup();
    for (const type of [2, 3, 10, 11, 13, 14, 0x8000_0000, 0xffff_ffff])
      expect(s.request(type, 0, [{ gpa: DATA, length: 512, write: true }]), `type ${type}`).to.equal(UNSUPP);
    expect(s.needsReset).to.equal(false);
  });

  it('are done in the order of the ring, with one interrupt for all', () => {
    const s = new Setup();
    s.header(IN, 1);
    s.offer([
      { gpa: HEADER, length: 16 },
      { gpa: DATA, length: 512, write: true },
      { gpa: STATUS, length: 1, write: true },
    ]);
    s.offer(
      [
        { gpa: HEADER, length: 16 },
        { gpa: DATA + 512, length: 512, write: true },
        { gpa: STATUS, length: 1, write: true },
      ],
      4,
    );
    s.driver.notify(0);
    expect([s.queue.usedElement(0)[0], s.queue.usedElement(1)[0], s.line.rises]).to.deep.equal([0, 4, 1]);
  });

  it('may be framed in any way', () => {
    const random = createRandom('framing');
    for (let i = 0; i < 200; i++) {
      const s = new Setup();
      const isIn = random.below(2) === 0;
      const bytes = Uint8Array.from({ length: 1024 }, () => random.below(256));
      s.header(isIn ? IN : OUT, 5);
      // One run of readable and one of writable bytes in RAM, cut anywhere; empty pieces are legal, too.
      const readable = RAM + 0x4000;
      const writable = RAM + 0x6000;
      s.ram.poke(readable, s.ram.peek(HEADER, 16));
      if (!isIn) s.ram.poke(readable + 16, bytes);
      s.ram.poke(writable + (isIn ? 1024 : 0), Uint8Array.of(UNTOUCHED));
      const pieces = [
        ...cut(readable, isIn ? 16 : 1040, 1 + random.below(7), random, false),
        ...cut(writable, isIn ? 1025 : 1, 1 + random.below(7), random, true),
      ];
      s.offer(pieces);
      s.driver.notify(0);
      expect(s.blk.fault).to.equal('');
      expect(s.ram.peek(writable + (isIn ? 1024 : 0), 1)[0]).to.equal(OK);
      expect(s.storage.content(5, 1024)).to.deep.equal([...(isIn ? s.ram.peek(writable, 1024) : bytes)]);
    }
  });

  it('may come by an indirect table', () => {
    const s = new Setup();
    const table = RAM + 0x8000;
    s.header(IN, 2);
    s.queue.describeAt(table, HEADER, 16, DESCRIPTOR.next, 1);
    s.queue.describeAt(table + 16, DATA, 512, DESCRIPTOR.next | DESCRIPTOR.write, 2);
    s.queue.describeAt(table + 32, STATUS, 1, DESCRIPTOR.write);
    s.queue.describe(0, table, 48, DESCRIPTOR.indirect);
    s.queue.offer(0);
    s.driver.notify(0);
    expect(s.status).to.equal(OK);
    expect([...s.ram.peek(DATA, 512)]).to.deep.equal(s.storage.content(2, 512));
  });
});

describe('VirtioBlk failures', () => {
  it('end as IOERR for sectors that do not exist and data that is no whole number of sectors', () => {
    const s = new Setup();
    for (const [sector, length] of [
      [SECTORS, 512],
      [SECTORS - 1, 1024],
      [2 ** 32, 512],
      [2 ** 53, 512],
      [2 ** 64 - 2048, 512],
      [SECTORS + 1, 0],
      [0, 511],
      [0, 513],
      [0, 1],
    ]) {
      expect(s.in(sector, length), `in ${sector} ${length}`).to.equal(IOERR);
      expect(s.out(sector, length), `out ${sector} ${length}`).to.equal(IOERR);
    }
    expect(s.in(SECTORS, 0)).to.equal(OK);
    expect(s.storage.content(0, SECTORS * SECTOR_BYTES)).to.deep.equal([...s.storage.bytes]);
    expect(s.needsReset).to.equal(false);
  });

  it('of the storage end as IOERR, with no more bytes counted than were written from the start on', () => {
    const s = new Setup();
    s.storage.lasts = 0;
    expect(s.in(0, 512)).to.equal(IOERR);
    expect(s.written).to.equal(0);
    expect(s.out(0, 512)).to.equal(IOERR);
    expect(s.written).to.equal(1);
  });

  it('end as IOERR when a read-only storage is written to', () => {
    const s = new Setup(true);
    expect(s.out(0, 512)).to.equal(IOERR);
    expect(s.in(0, 512)).to.equal(OK);
  });

  for (const [what, pieces, fault] of [
    ['a short header', [{ gpa: HEADER, length: 15 }, statusPiece()], 'header of 15 bytes'],
    ['no header', [statusPiece()], 'header of 0 bytes'],
    ['no status byte', [{ gpa: HEADER, length: 16 }], 'no byte for its status'],
    [
      'an empty status',
      [
        { gpa: HEADER, length: 16 },
        { ...statusPiece(), length: 0 },
      ],
      'no byte for its status',
    ],
    ['wild data', [{ gpa: HEADER, length: 16 }, { gpa: 0x1000, length: 512 }, statusPiece()], 'not RAM'],
  ] as const) {
    it(`ask for a reset at ${what}, after what came before was answered`, () => {
      const s = new Setup();
      s.header(IN, 1);
      s.offer([{ gpa: HEADER, length: 16 }, { gpa: DATA, length: 512, write: true }, statusPiece()], 8);
      s.offer(pieces);
      s.driver.notify(0);
      expect(s.blk.fault).to.contain(fault);
      expect([s.needsReset, s.queue.usedIndex]).to.deep.equal([true, 1]);
      s.queue.restart();
      s.driver.start(s.queue);
      expect(s.in(1, 512)).to.equal(OK);
    });
  }

  it('do not follow from more data than one turn serves: the rest comes a millisecond later', () => {
    const { clock, line } = new Setup();
    const ram = new CheckedRam(RAM, 0x180_0000);
    const storage = new MemoryStorage(new Uint8Array(0), { sectors: 0x8000 });
    const driver = new VirtioDriver(new VirtioBlk({ clock, line, ram, storage, id: '' }));
    const queue = new DriverQueue(ram, RAM, 8);
    driver.start(queue);
    queue.describe(0, HEADER, 16, DESCRIPTOR.next, 1);
    queue.describe(1, RAM + 0x1_0000, 0x100_0000, DESCRIPTOR.next | DESCRIPTOR.write, 2);
    queue.describe(2, STATUS, 1, DESCRIPTOR.write);
    for (let i = 0; i < 5; i++) queue.offer(0);
    driver.notify(0);
    expect(queue.usedIndex).to.equal(2);
    driver.notify(0);
    expect(queue.usedIndex, 'a notification does not shorten the wait').to.equal(2);
    clock.advanceTo(1_000_000);
    expect(queue.usedIndex).to.equal(4);
    clock.advanceTo(2_000_000);
    expect([queue.usedIndex, clock.nextDueNs()]).to.deep.equal([5, Number.POSITIVE_INFINITY]);
  });
});

function statusPiece(): Piece {
  return { gpa: STATUS, length: 1, write: true };
}

/** Cuts [gpa, gpa + length) into `count` pieces at random places. */
function cut(
  gpa: number,
  length: number,
  count: number,
  random: ReturnType<typeof createRandom>,
  write: boolean,
): Piece[] {
  const cuts = Array.from({ length: count - 1 }, () => random.below(length + 1)).sort((a, b) => a - b);
  const edges = [0, ...cuts, length];
  return edges.slice(1).map((edge, i) => ({ gpa: gpa + edges[i], length: edge - edges[i], write }));
}
