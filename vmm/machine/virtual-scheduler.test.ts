/** Tests of co-scheduling with machines that only count time. */

import { expect } from 'chai';
import { Timer, VirtualClock } from '../../base/index.js';
import { VmmError } from '../errors.js';
import type { MachineEnd } from './machine-end.js';
import { type CoScheduled, VirtualScheduler } from './virtual-scheduler.js';

/** A machine whose instruction takes `stepNs`; it notes how far each slice went. */
class FakeMachine implements CoScheduled {
  localNs = 0;
  activity: 'running' | 'idle' | 'ended' = 'running';
  end: MachineEnd | undefined;
  readonly slices: number[] = [];
  #isCut = false;
  #momentNs = (): number => 0;
  #woken = (): void => {};

  constructor(
    readonly name: string,
    readonly stepNs: number,
    readonly onStep: (machine: FakeMachine) => void = () => {},
  ) {}

  join(momentNs: () => number, woken: () => void): void {
    this.#momentNs = momentNs;
    this.#woken = woken;
  }

  cutSlice(): void {
    this.#isCut = true;
  }

  wake(): void {
    this.activity = 'running';
    this.localNs = Math.max(this.localNs, this.#momentNs());
    this.#woken();
  }

  runSlice(limitNs: number): void {
    this.#isCut = false;
    while (this.localNs < limitNs && this.activity === 'running' && !this.#isCut) {
      this.localNs += this.stepNs;
      this.onStep(this);
    }
    this.slices.push(this.localNs);
  }
}

describe('VirtualScheduler', () => {
  let clock: VirtualClock;
  let scheduler: VirtualScheduler;

  beforeEach(() => {
    clock = new VirtualClock();
    scheduler = new VirtualScheduler(clock, { quantumNs: 100 });
  });

  it('stops every machine at the target, and the clock with them', () => {
    const machines = [new FakeMachine('a', 10), new FakeMachine('b', 7)];
    for (const machine of machines) scheduler.add(machine);
    expect(scheduler.runUntil(1_000)).to.deep.equal({ kind: 'target' });
    expect(clock.now()).to.equal(1_000);
    expect(machines.map((machine) => machine.localNs)).to.deep.equal([1_000, 1_001]);
  });

  it('never lets one run further ahead than the quantum and one instruction', () => {
    let widest = 0;
    const spread = (): void => {
      widest = Math.max(widest, Math.abs(a.localNs - b.localNs));
    };
    const a = new FakeMachine('a', 3, spread);
    const b = new FakeMachine('b', 11, spread);
    scheduler.add(a);
    scheduler.add(b);
    scheduler.runUntil(10_000);
    expect(widest).to.be.above(50);
    expect(widest).to.be.at.most(111);
  });

  it('runs a machine alone in one slice up to the next event', () => {
    const machine = new FakeMachine('a', 10);
    scheduler.add(machine);
    const fired: number[] = [];
    const timer = new Timer(() => fired.push(machine.localNs));
    clock.schedule(timer, 5_005);
    scheduler.runUntil(20_000);
    expect(machine.slices).to.deep.equal([5_010, 20_000]);
    expect(fired).to.deep.equal([5_010]);
  });

  it('processes an event when no running machine is behind it', () => {
    const a = new FakeMachine('a', 10);
    const b = new FakeMachine('b', 10);
    scheduler.add(a);
    scheduler.add(b);
    let seen: number[] = [];
    clock.schedule(
      new Timer(() => {
        seen = [clock.now(), a.localNs, b.localNs];
      }),
      777,
    );
    scheduler.runUntil(2_000);
    expect(seen).to.deep.equal([777, 780, 780]);
  });

  it('jumps to the next event when every machine waits, and ends at the target when there is none', () => {
    const machine = new FakeMachine('a', 10, (self) => {
      self.activity = 'idle';
    });
    scheduler.add(machine);
    clock.schedule(new Timer(() => machine.wake()), 1e12);
    expect(scheduler.runUntil(1e15)).to.deep.equal({ kind: 'target' });
    expect(machine.slices).to.deep.equal([10, 1e12 + 10]);
    expect(clock.now()).to.equal(1e15);
  });

  it('wakes a waiting machine at the local time of the one that woke it, and ends that one’s slice', () => {
    const b = new FakeMachine('b', 10, (self) => {
      if (self.localNs === 10) self.activity = 'idle';
    });
    const a = new FakeMachine('a', 10, (self) => {
      if (self.localNs === 5_000) b.wake();
    });
    scheduler.add(b);
    scheduler.add(a);
    scheduler.runUntil(6_000);
    expect(a.slices[0]).to.equal(5_000);
    expect(b.slices.slice(0, 2)).to.deep.equal([10, 5_100]);
  });

  it('returns when every machine has ended, and names the one that reached a limit', () => {
    const a = new FakeMachine('a', 10, (self) => {
      if (self.localNs < 500) return;
      self.end = { kind: 'limit', code: 0, sentence: 'a is over', instret: 0, atNs: 0 };
      self.activity = 'ended';
    });
    const b = new FakeMachine('b', 10, (self) => {
      if (self.localNs >= 900) self.activity = 'ended';
    });
    scheduler.add(a);
    scheduler.add(b);
    expect(scheduler.runUntil(5_000)).to.deep.equal({ kind: 'limit', machine: 'a', sentence: 'a is over' });
    expect(scheduler.runUntil(5_000)).to.deep.equal({ kind: 'ended' });
  });

  it('stops when asked to from an event, and goes on when run again', () => {
    const machine = new FakeMachine('a', 10);
    scheduler.add(machine);
    clock.schedule(new Timer(() => scheduler.stop()), 300);
    expect(scheduler.runUntil(5_000)).to.deep.equal({ kind: 'stopped' });
    expect(machine.localNs).to.equal(300);
    expect(scheduler.runUntil(5_000)).to.deep.equal({ kind: 'target' });
  });

  it('refuses a quantum that is no time', () => {
    expect(() => new VirtualScheduler(clock, { quantumNs: 0 })).to.throw(VmmError);
  });
});
