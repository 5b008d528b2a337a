/** Tests of stops for a debugger: at a count of instructions, at a breakpoint, in virtual and in wall time. */

import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import { createMachine } from './machine.js';
import { bench, PASS, program } from './test-support.js';
import { WallRunner } from './wall-runner.js';

const LOOP = `li t0, 1000\nloop: addi t0, t0, -1\nbnez t0, loop\n${PASS}\nend: j end`;
const AT_LOOP = 0x8000_0004n;

describe('a machine that a debugger stops', () => {
  it('stops in virtual time exactly at the instruction it is told, once', () => {
    const { machine, scheduler } = bench(program(LOOP));
    let paused = 0;
    machine.core.onPause = () => {
      paused++;
      scheduler.stop();
    };
    machine.core.pauseInstret = 5;
    expect(scheduler.runUntil(1e6)).to.deep.equal({ kind: 'stopped' });
    expect([machine.instret, paused]).to.deep.equal([5, 1]);
    expect(scheduler.runUntil(1e6)).to.deep.equal({ kind: 'ended' });
    expect([machine.end?.kind, paused]).to.deep.equal(['pass', 1]);
  });

  it('stops in virtual time before each breakpoint, and does the same as without any', () => {
    const { machine, scheduler } = bench(program(LOOP));
    const counts: number[] = [];
    machine.core.onPause = () => {
      counts.push(machine.instret);
      if (counts.length === 3) machine.core.vcpu.setBreakpoints([]);
      scheduler.stop();
    };
    machine.core.vcpu.setBreakpoints([AT_LOOP]);
    for (let i = 0; i < 3; i++) expect(scheduler.runUntil(1e9).kind).to.equal('stopped');
    expect(scheduler.runUntil(1e9).kind).to.equal('ended');
    expect(counts).to.deep.equal([1, 3, 5]);
    const plain = bench(program(LOOP));
    plain.scheduler.runUntil(1e9);
    expect(machine.seal()).to.deep.equal(plain.machine.seal());
  });

  it('stops in wall time at both', async () => {
    const clock = new WallClock();
    const machine = createMachine({
      name: 'm',
      engine: 'interpreter',
      ramBytes: 0x10_0000,
      image: program(LOOP),
      clock,
    });
    const runner = new WallRunner(clock);
    runner.add(machine);
    const counts: number[] = [];
    machine.core.onPause = () => {
      counts.push(machine.instret);
      runner.stop();
    };
    machine.core.pauseInstret = 7;
    expect(await runner.run(clock.now() + 60e9)).to.deep.equal({ kind: 'stopped' });
    machine.core.vcpu.setBreakpoints([AT_LOOP]);
    expect(await runner.run(clock.now() + 60e9)).to.deep.equal({ kind: 'stopped' });
    machine.core.vcpu.setBreakpoints([]);
    expect(await runner.run(clock.now() + 60e9)).to.deep.equal({ kind: 'ended' });
    expect(counts).to.deep.equal([7, 7]);
  });

  it('lets somebody stop a guest that waits', async () => {
    const clock = new WallClock();
    const machine = createMachine({ name: 'm', engine: 'interpreter', image: program('end: wfi\nj end'), clock });
    const runner = new WallRunner(clock);
    runner.add(machine);
    setImmediate(() => setImmediate(() => runner.stop()));
    expect(await runner.run(clock.now() + 60e9)).to.deep.equal({ kind: 'stopped' });
  });
});
