/** Tests of what a machine's configuration puts on its board: virtio devices, firmware's information, what cannot be. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { MemoryStorage } from '../devices/virtio/block-storage.js';
import { VmmError } from '../errors.js';
import { characterAcquisition, urbAcquisition } from './acquisition.js';
import { createVcpu } from './create-vcpu.js';
import { firmwareInfo } from './firmware-info.js';
import { createMachine } from './machine.js';
import { planMemory } from './memory-plan.js';
import { bench, PASS, program } from './test-support.js';

/** Prints the low byte of every transport's device id, as letters from @ on. */
const PROBE = `
  li s0, 0x10001000
  li s1, 8
  li s2, 0x10000000
next: lw a0, 8(s0)
  addi a0, a0, 64
  sb a0, 0(s2)
wait: lbu a1, 5(s2)
  andi a1, a1, 32
  beqz a1, wait
  li a2, 0x1000
  add s0, s0, a2
  addi s1, s1, -1
  bnez s1, next
  ${PASS}
end: j end`;

describe('the devices of a board', () => {
  it('stand behind the transports in their order: drives, network, entropy; the others are empty', () => {
    const drives = [new MemoryStorage(new Uint8Array(512)), new MemoryStorage(new Uint8Array(1024))];
    const { clock, scheduler, machine, text } = bench(program(PROBE), {
      seed: 'x',
      devices: { drives, network: {}, rng: true },
    });
    scheduler.runUntil(1e9);
    clock.advanceTo(clock.now() + 1e9);
    expect(machine.end?.kind).to.equal('pass');
    expect(text()).to.equal('BBAD@@@@');
    expect(machine.exits.snapshot().regions.map(({ region }) => region)).to.include.members([
      'drive0',
      'drive1',
      'network',
      'rng',
      'virtio7',
    ]);
  });

  it('come after a paravirtual acquisition device', () => {
    const { clock, scheduler, text } = bench(program(PROBE), {
      acquisition: { kind: 'virtio-console', baudRate: 9600 },
      devices: { drives: [new MemoryStorage(new Uint8Array(512))] },
    });
    scheduler.runUntil(1e9);
    clock.advanceTo(clock.now() + 1e9);
    expect(text()).to.equal('CB@@@@@@');
  });

  it('come after a paravirtual USB device, whose accesses count as acquisition', () => {
    const { clock, scheduler, machine, text } = bench(program(PROBE), {
      acquisition: { kind: 'virtio-usb' },
      devices: { drives: [new MemoryStorage(new Uint8Array(512))] },
    });
    scheduler.runUntil(1e9);
    clock.advanceTo(clock.now() + 1e9);
    // Device id 0x5255.
    expect(text()).to.equal(`${String.fromCharCode(0x55 + 64)}B@@@@@@`);
    expect(machine.exits.of('acquisition')).to.equal(1);
    expect(urbAcquisition(machine).inFlight).to.equal(0);
    expect(() => characterAcquisition(machine)).to.throw(VmmError, /without a character port/);
  });

  it('leave the transports to others where a USB device is a ring in memory', () => {
    const { clock, scheduler, machine, text } = bench(program(PROBE), {
      acquisition: { kind: 'urb-ring', queueSize: 16 },
      devices: { drives: [new MemoryStorage(new Uint8Array(512))] },
    });
    const gpa = machine.plan.urbRing?.gpa ?? 0;
    expect(gpa % 0x1000).to.equal(0);
    expect(machine.memory.readU32(gpa)).to.equal(0x5255_5652);
    expect(machine.memory.readU32(gpa + 8)).to.equal(16);
    scheduler.runUntil(1e9);
    clock.advanceTo(clock.now() + 1e9);
    expect(text()).to.equal('B@@@@@@@');
    expect(() => characterAcquisition(machine)).to.throw(VmmError, /without a character port/);
  });

  it('are no USB port where characters pass', () => {
    const { machine } = bench(program(PROBE), { acquisition: { kind: 'ns16550a', baudRate: 9600 } });
    expect(characterAcquisition(machine).kind).to.equal('ns16550a');
    expect(() => urbAcquisition(machine)).to.throw(VmmError, /without a USB port/);
  });

  it('are refused when there are too many, or an entropy device has no seed', () => {
    const image = program('nop');
    const drives = Array.from({ length: 9 }, () => new MemoryStorage(new Uint8Array(512)));
    const build = (devices: object) => () =>
      createMachine({ name: 'm', engine: 'interpreter', image, clock: new VirtualClock(), devices });
    expect(build({ drives })).to.throw(VmmError, /8 places for virtio devices, not 9/);
    expect(build({ rng: true })).to.throw(VmmError, /needs a seed/);
  });
});

describe('the memory of a 64-bit guest', () => {
  const image = { ...program('nop'), xlen: 64, nextPc: 0x8020_0000 } as const;

  it('has a tree with room for firmware to add to, and a page that tells firmware what comes next', () => {
    const plan = planMemory({ name: 'm', image, ramBytes: 0x200_0000 });
    expect(plan.xlen).to.equal(64);
    expect(plan.treeGpa).to.equal(BOARD.ram.base + 0x200_0000 - 0x1_0000);
    expect(plan.firmwareInfoGpa).to.equal(plan.treeGpa - 0x1000);
    const words = new BigUint64Array(firmwareInfo(0x8020_0000).buffer);
    expect([...words]).to.deep.equal([0x4942534fn, 2n, 0x8020_0000n, 1n, 0n, 0n]);
  });

  it('may be 2 GiB', () => {
    expect(planMemory({ name: 'm', image, ramBytes: 2 ** 31 }).treeGpa).to.equal(2 ** 32 - 0x1_0000);
  });

  it('is of the width that the configuration says when the image does not', () => {
    expect(planMemory({ name: 'm', image: program('nop') }).xlen).to.equal(32);
    expect(planMemory({ name: 'm', image: program('nop'), xlen: 64 }).xlen).to.equal(64);
  });

  it('has the same seed for the guest in every run', () => {
    const tree = (seed: string) => planMemory({ name: 'm', image, seed }).tree;
    expect(tree('a')).to.deep.equal(tree('a'));
    expect(tree('a')).not.to.deep.equal(tree('b'));
  });
});

describe('createVcpu', () => {
  it('refuses S mode without an S mode', () => {
    const options = { host: { readTime: () => 0 }, hypercalls: 'supervisor', engine: 'interpreter', xlen: 32 } as const;
    const { memory } = bench(program('nop')).machine;
    expect(() => createVcpu({ ...options, memory })).to.throw(VmmError, /no S mode/);
    const vcpu = createVcpu({ ...options, memory, hypercalls: 'none' });
    expect(() => vcpu.reset(0x8000_0000, 0, 0, 1)).to.throw(VmmError, /no S mode/);
  });
});
