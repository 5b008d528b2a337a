/** Tests of the bus: what it refuses to map, and what an access finds. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { Bus } from './bus.js';
import type { MmioDevice } from './mmio-device.js';

class Register implements MmioDevice {
  readonly log: string[] = [];

  constructor(readonly value: number) {}

  read(offset: number, size: number): number {
    this.log.push(`r${offset}/${size}`);
    return this.value;
  }

  write(offset: number, size: number, value: number): void {
    this.log.push(`w${offset}/${size}=${value}`);
  }
}

function region(name: string, base: number, length: number, value = 0) {
  return { name, base, length, device: new Register(value) };
}

function refusal(action: () => void): VmmError {
  try {
    action();
  } catch (error) {
    if (error instanceof VmmError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('Bus', () => {
  it('passes an access to the device with the offset from its base', () => {
    const bus = new Bus();
    const uart = region('uart', 0x1000_0000, 0x100, 0x60);
    bus.map(uart);
    expect(bus.read(0x1000_0005, 1)).to.equal(0x60);
    expect(bus.write(0x1000_00fc, 4, 0xffff_ffff)).to.equal(true);
    expect(uart.device.log).to.deep.equal(['r5/1', 'w252/4=4294967295']);
  });

  it('misses outside every region and at an access that leaves its region', () => {
    const bus = new Bus();
    bus.map(region('a', 0x1000, 0x10));
    bus.map(region('b', 0x1010, 0x10));
    for (const [gpa, size] of [
      [0xfff, 1],
      [0x1020, 1],
      [0xffe, 4],
      [0x100e, 4],
      [0x101e, 4],
      [0, 4],
      [0xffff_ffff, 1],
    ]) {
      expect(bus.lookup(gpa, size), gpa.toString(16)).to.equal(-1);
      expect(bus.read(gpa, size)).to.equal(-1);
      expect(bus.write(gpa, size, 1)).to.equal(false);
    }
  });

  it('misses everything while nothing is mapped', () => {
    expect(new Bus().lookup(0, 1)).to.equal(-1);
  });

  it('rejects an overlapping range and names both regions', () => {
    const bus = new Bus();
    bus.map(region('plic', 0x1000, 0x1000));
    for (const [base, length] of [
      [0x1fff, 1],
      [0x0fff, 2],
      [0x1000, 0x1000],
      [0x0000, 0x8000],
      [0x1800, 4],
    ]) {
      const error = refusal(() => bus.map(region('uart', base, length)));
      expect(error.code).to.equal('VMM_CONFIG');
      expect(error.message).to.contain("'plic'").and.to.contain("'uart'");
    }
    expect(bus.regions).to.have.length(1);
  });

  it('accepts ranges that touch', () => {
    const bus = new Bus();
    bus.map(region('middle', 0x1000, 0x1000, 2));
    bus.map(region('after', 0x2000, 0x1000, 3));
    bus.map(region('before', 0x0000, 0x1000, 1));
    expect([bus.read(0xffc, 4), bus.read(0x1000, 4), bus.read(0x1ffc, 4), bus.read(0x2000, 4)]).to.deep.equal([
      1, 2, 2, 3,
    ]);
  });

  it('keeps a reserved range free of devices', () => {
    const bus = new Bus();
    bus.reserve({ name: 'ram', base: 0x8000_0000, length: 0x1000 });
    expect(bus.lookup(0x8000_0000, 4)).to.equal(-1);
    expect(refusal(() => bus.map(region('uart', 0x8000_0ff0, 0x100))).message).to.contain("'ram'");
  });

  it('rejects zero length, addresses that are none and ranges beyond the address space', () => {
    for (const [base, length] of [
      [0x1000, 0],
      [0x1000, -4],
      [0x1000, 1.5],
      [-1, 4],
      [Number.NaN, 4],
      [Number.MAX_SAFE_INTEGER, 2],
      [2 ** 60, 4],
      [0, Number.POSITIVE_INFINITY],
    ]) {
      const error = refusal(() => new Bus().map(region('odd', base, length)));
      expect(error.code).to.equal('VMM_CONFIG');
      expect(error.message).to.contain("'odd'");
    }
  });

  it('finds the same region as a linear search, whatever was found before', () => {
    const random = createRandom('bus');
    const bus = new Bus();
    const regions = Array.from({ length: 40 }, (_, i) =>
      region(`r${i}`, i * 0x1000 + random.below(0x400), 1 + random.below(0xc00), i),
    );
    for (const r of [...regions].sort(() => random.below(3) - 1)) bus.map(r);
    for (let i = 0; i < 20_000; i++) {
      const gpa = random.below(42 * 0x1000);
      const size = [1, 2, 4][random.below(3)];
      const expected = regions.find((r) => gpa >= r.base && gpa + size <= r.base + r.length);
      const index = bus.lookup(gpa, size);
      expect(index < 0 ? undefined : bus.device(index)).to.equal(expected?.device);
      if (index >= 0) expect(bus.base(index)).to.equal(expected?.base);
    }
  });
});
