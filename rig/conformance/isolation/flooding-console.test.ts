/** A test of a guest that offers its console as much as a queue holds, again and again: its thread still does as it is told. */

import { expect } from 'chai';
import { WallClock } from '../../../base/index.js';
import { BOARD, MachineThread } from '../../../vmm/index.js';
import { sleepMs } from '../../wiring/host-time.js';
import { plugIn } from './port-device.js';
import { Script } from './scripted-guest.js';
import { WILD_RAM_BYTES } from './wild-numbers.js';
import { portConfig } from './wild-script.js';

const QUEUE_SIZE = 64;
const TRANSPORT = BOARD.virtio.base;
const QUEUES_GPA = BOARD.ram.base + 0x8000;
const BUFFER_GPA = BOARD.ram.base + 0x1_0000;
const BUFFER_BYTES = 0x4_0000;
const NOTIFICATIONS = 700;

/** Each chain is the most that a chain may be, 1 MiB, and each notification offers 64 of them. */
function floodingGuest(): Script {
  const script = new Script();
  const write = (register: number, value: number): void => script.word(TRANSPORT + register, value);
  for (const status of [0, 1, 3]) write(0x70, status);
  for (const [select, features] of [
    [1, 1],
    [0, 0],
  ]) {
    write(0x24, select);
    write(0x20, features);
  }
  write(0x70, 11);
  const transmit = QUEUES_GPA + 0x1000;
  [QUEUES_GPA, transmit].forEach((gpa, i) => {
    write(0x30, i);
    write(0x38, QUEUE_SIZE);
    write(0x80, gpa);
    write(0x90, gpa + 0x800);
    write(0xa0, gpa + 0xa00);
    write(0x44, 1);
  });
  write(0x70, 15);
  for (let i = 0; i < 4; i++) {
    script.word(transmit + 16 * i, BUFFER_GPA);
    script.word(transmit + 16 * i + 8, BUFFER_BYTES);
    script.word(transmit + 16 * i + 12, i < 3 ? 1 | ((i + 1) << 16) : 0);
  }
  for (let n = 1; n <= NOTIFICATIONS; n++) {
    script.half(transmit + 0x802, (QUEUE_SIZE * n) & 0xffff);
    write(0x50, 1);
  }
  return script;
}

describe('a guest that floods its console', function () {
  this.timeout(60_000);

  it('is given characters and sealed all the same, for all that 64 MiB wait behind each of its exits', async () => {
    const clock = new WallClock();
    const machine = new MachineThread(
      {
        name: 'flood',
        engine: 'interpreter',
        image: floodingGuest().image(),
        ramBytes: WILD_RAM_BYTES,
        acquisition: portConfig('virtio-console'),
      },
      clock,
      { journal: () => {}, console: () => {}, report: () => {}, news: () => {} },
    );
    if (machine.acquisition === undefined) throw new Error('the guest was made without a port');
    const device = plugIn(machine.acquisition, clock, 'flood');
    try {
      await machine.ready();
      machine.run();
      while (device.traffic() < 2_000_000) {
        machine.poll();
        clock.runDue();
        await sleepMs(1);
      }
      const before = device.traffic();
      const end = await machine.seal();
      // What it had offered by then: one turn of its queue at most, and what was under way.
      expect(device.traffic() - before).to.be.below(4_000_000);
      expect(end?.instret).to.be.greaterThan(0);
      expect(machine.lost).to.equal(undefined);
    } finally {
      device.unplug();
      await machine.kill();
    }
  });
});
