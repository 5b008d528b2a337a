import { expect } from 'chai';
import { CyclicSchedule } from '../../base/index.js';
import { RigError } from '../errors.js';
import { type CellAssignment, checkAssignment } from './assignment.js';

describe('checkAssignment', () => {
  const host = { cores: 2, freeMemoryBytes: 64 << 20 };
  const cell = (name: string, more: Partial<CellAssignment> = {}): CellAssignment => ({
    name,
    devices: [`/dev/tty-${name}`],
    ramBytes: 16 << 20,
    ...more,
  });
  const refusal = (cells: readonly CellAssignment[], schedule?: CyclicSchedule): string => {
    try {
      checkAssignment(cells, host, schedule);
    } catch (error) {
      expect(error).to.be.instanceOf(RigError);
      expect((error as RigError).code).to.equal('RIG_ASSIGNMENT');
      return (error as RigError).message;
    }
    return expect.fail('it was accepted');
  };

  it('accepts cells with devices, cores and memory of their own', () => {
    checkAssignment([cell('a', { core: 0 }), cell('b', { core: 1, priority: 50 })], host);
  });

  it('accepts cells on one core that each have a window of the schedule', () => {
    checkAssignment([cell('a', { core: 1 }), cell('b', { core: 1 })], host, CyclicSchedule.equal(1e7, ['a', 'b']));
  });

  it('names every contradiction at once', () => {
    const message = refusal([
      cell('a', { devices: ['/dev/ttyUSB0'], core: 1 }),
      cell('b', { devices: ['/dev/ttyUSB0'], core: 1, priority: 100 }),
      cell('c', { core: 7, ramBytes: 64 << 20 }),
    ]);
    expect(message).to.include('the device /dev/ttyUSB0 is claimed by a and by b');
    expect(message).to.include('core 1 is wanted by a and b, without a schedule');
    expect(message).to.include('b wants priority 100');
    expect(message).to.include('c wants core 7, and this host has 0 to 1');
    expect(message).to.include('96 MiB of guest memory together, and 64 MiB are free');
  });

  it('refuses a schedule that forgets a cell, and two cells of one name', () => {
    const cells = [cell('a', { core: 0 }), cell('b', { core: 0 })];
    expect(refusal(cells, CyclicSchedule.equal(1000, ['a']))).to.include('core 0 has no window for b');
    expect(refusal([cell('a'), cell('a', { devices: [] })])).to.include('the name a is used twice');
  });
});
