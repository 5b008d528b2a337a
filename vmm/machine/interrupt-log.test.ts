/** Tests of interrupt latency as the machine measures it: from the device's event to the handler's first instruction. */

import { expect } from 'chai';
import { GuestMemory } from '../cpu/guest-memory.js';
import { STATE } from '../cpu/state-layout.js';
import { ENGINE_NAMES } from './create-vcpu.js';
import { INTERRUPT_NAMES, InterruptLog } from './interrupt-log.js';
import { bench, PASS, program } from './test-support.js';

/** One timer interrupt at `ticks`, before which the guest does `work`. */
const guest = (ticks: number, work: string): string => `
  la t0, handler
  csrw mtvec, t0
  li t0, 0x2004000
  li t1, ${ticks}
  sw t1, 0(t0)
  sw x0, 4(t0)
  li t0, 0x80
  csrw mie, t0
  ${work}
  .align 2
handler:
  ${PASS}
  j handler`;

const SLEEP = 'csrsi mstatus, 8\nsleep:\n  wfi\n  j sleep';
/** 1,000 instructions, of 10 ns each, with interrupts off. */
const MASKED = 'li t2, 500\nloop:\n  addi t2, t2, -1\n  bnez t2, loop\n  csrsi mstatus, 8\nend:\n  j end';

describe('interrupt latency', () => {
  for (const engine of ENGINE_NAMES) {
    const measure = (text: string, measuredInterrupts: number = INTERRUPT_NAMES.timer) => {
      const { machine, scheduler } = bench(program(text), { engine, measuredInterrupts });
      scheduler.runUntil(1_000_000);
      expect(machine.end?.kind).to.equal('pass');
      return machine.interrupts;
    };

    it(`is nothing for a guest that sleeps until the event, with the ${engine}`, () => {
      expect(measure(guest(100, SLEEP))?.of('timer')).to.include({ count: 1, maxNs: 0 });
    });

    it(`is the time for which interrupts are off, with the ${engine}`, () => {
      // The event is at 5 us; interrupts come on again after 12 and 1,000 instructions and the one that turns them on.
      const latency = measure(guest(50, MASKED))?.of('timer');
      expect(latency?.count).to.equal(1);
      expect(latency?.maxNs).to.equal(10 * (latency?.maxInstret ?? 0) - 5_000);
      expect(latency?.maxNs).to.be.within(5_000, 5_300);
      expect([...(latency?.samples ?? [])]).to.deep.equal([latency?.maxNs]);
    });
  }

  it('is not kept of interrupts that nobody asked for', () => {
    const { machine } = bench(program(guest(100, SLEEP)));
    expect(machine.interrupts).to.equal(undefined);
    const other = bench(program(guest(100, SLEEP)), { measuredInterrupts: INTERRUPT_NAMES.external }).machine;
    expect(other.interrupts?.of('timer')).to.equal(undefined);
    expect(other.interrupts?.of('external')).to.include({ count: 0 });
  });

  it('starts when the guest first enables the interrupt', () => {
    const late = guest(1, `csrw mie, zero\n${MASKED.replace('csrsi', 'csrw mie, t0\n  csrsi')}`);
    const { machine, scheduler } = bench(program(late), { measuredInterrupts: INTERRUPT_NAMES.timer });
    scheduler.runUntil(1_000_000);
    expect(machine.end?.kind).to.equal('pass');
    expect(machine.interrupts?.of('timer')?.count).to.equal(0);
  });

  it('counts another event of a bit that stays set once the one before has been taken, and tells of all that is measured', () => {
    const memory = new GuestMemory(1 << 20, 0x8000_0000);
    const bit = INTERRUPT_NAMES.timer;
    const number = 31 - Math.clz32(bit);
    new Int32Array(memory.memory.buffer, STATE.mie, 1)[0] = bit;
    const log = new InterruptLog(memory, bit | INTERRUPT_NAMES.external, true);
    log.raised(bit, 100);
    log.raisedAgain(bit, 150);
    log.taken(number, 400, 1);
    log.raisedAgain(bit, 450);
    log.taken(number, 500, 2);
    log.taken(number, 900, 3);
    const { timer, external, doorbell } = log.all();
    expect([...(timer?.samples ?? [])]).to.deep.equal([300, 50]);
    expect(timer).to.include({ count: 2, maxNs: 300, maxInstret: 1 });
    expect(external).to.include({ count: 0 });
    expect(doorbell).to.equal(undefined);
  });
});
