import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { lockMemory, placeThread } from './host-scheduling.js';
import { type LinuxCalls, linuxCalls, NO_CALLS } from './linux-calls.js';

/** A kernel that refuses everything with one error number. */
function refusing(errno: number): LinuxCalls {
  return { ...NO_CALLS, errno: () => errno };
}

describe('placing the threads of a cell', () => {
  it('asks for the cores as a bit set, and for the priority', () => {
    const asked: unknown[] = [];
    const calls: LinuxCalls = {
      ...refusing(0),
      setAffinity: (threadId, mask) => {
        asked.push([threadId, mask[0], mask[1]]);
        return 0;
      },
      setScheduler: (...args) => {
        asked.push(args);
        return 0;
      },
    };
    const grants = placeThread(77, { cores: [1, 9], priority: 20 }, calls);
    expect(asked).to.deep.equal([
      [77, 2, 2],
      [77, 1, 20],
    ]);
    expect(grants.map(({ granted }) => granted)).to.deep.equal([true, true]);
  });

  it('asks for nothing when nothing is wished', () => {
    expect(placeThread(0, {}, refusing(1))).to.deep.equal([]);
  });

  it('says what was refused, and what would help', () => {
    const [cores, priority] = placeThread(0, { cores: [63], priority: 5 }, refusing(1));
    expect(cores.granted).to.equal(false);
    expect(priority).to.deep.include({ what: 'priority', granted: false });
    expect(priority.sentence).to.match(/EPERM.*rtprio 5/);
    expect(lockMemory(new Uint8Array(4096), refusing(12)).sentence).to.match(/ENOMEM.*memlock/);
  });

  it('does without on a system that has no such calls', () => {
    for (const { granted } of placeThread(0, { cores: [0], priority: 1 }, NO_CALLS)) expect(granted).to.equal(false);
  });

  it('pins the calling thread for real, where the host is Linux', function () {
    const calls = linuxCalls();
    if (calls === NO_CALLS) {
      console.log('      skipped: not Linux, or koffi has no native part here');
      this.skip();
    }
    const allowed = () => /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1];
    const before = allowed();
    const first = Number(before?.split(/[-,]/)[0]);
    try {
      expect(placeThread(0, { cores: [first] }, calls)).to.deep.equal([
        { what: 'cores', granted: true, sentence: `on core ${first}` },
      ]);
      expect(allowed()).to.equal(String(first));
    } finally {
      const all = Array.from({ length: 64 }, (_, core) => core);
      placeThread(0, { cores: all }, calls);
    }
    expect(placeThread(0, { cores: [1023] }, calls)[0].granted).to.equal(false);
  });

  it('locks guest memory for real, where the limit permits', function () {
    const calls = linuxCalls();
    if (calls === NO_CALLS) {
      console.log('      skipped: not Linux, or koffi has no native part here');
      this.skip();
    }
    const locked = () => Number(/VmLck:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    const before = locked();
    const memory = new Uint8Array(new SharedArrayBuffer(1 << 20));
    const grant = lockMemory(memory, calls);
    if (grant.granted) expect(locked() - before).to.be.at.least(1024);
    else expect(grant.sentence).to.include('memlock');
  });
});
