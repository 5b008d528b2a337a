/** Tests of machines on the host's clock; none asserts an upper bound of real time. */

import { expect } from 'chai';
import { VirtualClock, WallClock } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import { VmmError } from '../errors.js';
import { characterAcquisition } from './acquisition.js';
import { createMachine, type Machine } from './machine.js';
import type { MachineConfig } from './machine-config.js';
import { PASS, program } from './test-support.js';
import { WallRunner } from './wall-runner.js';

const FOREVER_NS = 60e9;

/** Sleeps until mtime has passed `ticks`, by the timer interrupt, then passes. */
const sleeper = (ticks: number): string => `
  la t0, handler
  csrw mtvec, t0
  li t0, 0x2004000
  li t1, ${ticks}
  sw t1, 0(t0)
  sw x0, 4(t0)
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
sleep:
  wfi
  j sleep
  .align 2
handler:
  csrr s2, time
  ${PASS}
  j handler`;

describe('WallRunner', () => {
  let clock: WallClock;
  let runner: WallRunner;

  function add(image: GuestImage, config: Partial<MachineConfig> = {}): Machine {
    const machine = createMachine({ name: 'm', engine: 'interpreter', ramBytes: 0x10_0000, image, clock, ...config });
    runner.add(machine);
    return machine;
  }

  beforeEach(() => {
    clock = new WallClock();
    runner = new WallRunner(clock);
  });

  it('wakes a sleeping guest by its timer, not before the time has come', async () => {
    const machine = add(program(sleeper(100_000)));
    expect(await runner.run(FOREVER_NS)).to.deep.equal({ kind: 'ended' });
    expect(Number(machine.core.vcpu.readRegister(18))).to.be.at.least(100_000);
    expect(clock.now()).to.be.at.least(10_000_000);
  });

  it('lets the event loop run while guests spin, and stops when aborted', async () => {
    const machine = add(program('loop: j loop'));
    const abort = new AbortController();
    setImmediate(() => setImmediate(() => abort.abort()));
    expect(await runner.run(FOREVER_NS, abort.signal)).to.deep.equal({ kind: 'aborted' });
    expect(machine.instret).to.be.above(0);
  });

  it('stops a sleep when aborted', async () => {
    add(program('loop: wfi\nj loop'));
    const abort = new AbortController();
    setImmediate(() => abort.abort());
    expect(await runner.run(FOREVER_NS, abort.signal)).to.deep.equal({ kind: 'aborted' });
  });

  it('comes back at the target although every guest sleeps', async () => {
    add(program('loop: wfi\nj loop'));
    expect(await runner.run(5_000_000)).to.deep.equal({ kind: 'target' });
    expect(clock.now()).to.be.at.least(5_000_000);
  });

  it('wakes a guest for data that arrive from the event loop', async () => {
    const receiver = `
      li t0, 0x4000001
      li t1, 1
      sb t1, 0(t0)
      li t0, 0xc000100
      sw t1, 0(t0)
      li t0, 0xc002008
      sw t1, 0(t0)
      li t0, 0x800
      csrw mie, t0
      wfi
      li t0, 0x4000000
      lbu s4, 0(t0)
      ${PASS}
    hang: j hang`;
    const machine = add(program(receiver), { acquisition: { kind: 'ns16550a', baudRate: 9_600 } });
    setImmediate(() => characterAcquisition(machine).frontend.receive(0x5a, 0));
    expect(await runner.run(FOREVER_NS)).to.deep.equal({ kind: 'ended' });
    expect(machine.core.vcpu.readRegister(20)).to.equal(0x5an);
  });

  it('runs several guests side by side', async () => {
    const count = 'li t0, 200000\nloop: addi t0, t0, -1\nbnez t0, loop';
    const machines = [1, 2, 3].map((i) => add(program(`${count}\n${PASS}\nhang: j hang`), { name: `m${i}` }));
    machines.push(add(program(sleeper(10_000)), { name: 'sleeper' }));
    expect(await runner.run(FOREVER_NS)).to.deep.equal({ kind: 'ended' });
    expect(machines.map((machine) => machine.end?.kind)).to.deep.equal(['pass', 'pass', 'pass', 'pass']);
  });

  it('stops a guest at its limit of instructions', async () => {
    const machine = add(program('loop: j loop'), { limits: { instructions: 70_000 } });
    expect(await runner.run(FOREVER_NS)).to.include({ kind: 'limit', machine: 'm' });
    expect(machine.instret).to.equal(70_000);
  });

  it('refuses a machine of virtual time', () => {
    const machine = createMachine({
      name: 'v',
      engine: 'interpreter',
      ramBytes: 0x10_0000,
      image: program('nop'),
      clock: new VirtualClock(),
    });
    expect(() => runner.add(machine)).to.throw(VmmError, /wall clock/);
  });
});
