import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { HalError } from '../errors.js';
import { acquireDeviceLock, lockOwners } from './device-lock.js';

describe('acquireDeviceLock', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rigvisor-locks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const path = (): string => join(folder, 'usb-1-1.lock');
  const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;
  const refusal = (): HalError => {
    try {
      acquireDeviceLock('usb-1-1', 'usb:1-1', folder);
    } catch (error) {
      return error as HalError;
    }
    return expect.fail('it was given');
  };

  it('gives a device to one owner at a time and names it to the second', () => {
    const { lock } = acquireDeviceLock('usb-1-1', 'usb:1-1', folder);
    const error = refusal();
    expect(error.code).to.equal('HAL_IN_USE');
    expect(error.message).to.include(`process ${process.pid} (`);
    expect([...lockOwners(folder).keys()]).to.deep.equal(['usb-1-1']);
    lock.release();
    acquireDeviceLock('usb-1-1', 'usb:1-1', folder).lock.release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('takes over the lock of a process that ended, with what it owed', () => {
    writeFileSync(path(), JSON.stringify({ pid: deadPid(), startTicks: '1', serial: 1, owed: [0, 2] }));
    const { lock, inherited } = acquireDeviceLock('usb-1-1', 'usb:1-1', folder);
    expect(inherited).to.deep.equal([0, 2]);
    lock.release();
  });

  it('takes over the lock of a process whose number another one has now', function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: needs /proc');
      this.skip();
    }
    writeFileSync(path(), JSON.stringify({ pid: process.pid, startTicks: '1', serial: 999, owed: [] }));
    acquireDeviceLock('usb-1-1', 'usb:1-1', folder).lock.release();
  });

  it('takes over a file that is no lock', () => {
    writeFileSync(path(), 'nonsense');
    acquireDeviceLock('usb-1-1', 'usb:1-1', folder).lock.release();
  });

  it('releases its own lock alone', () => {
    const { lock } = acquireDeviceLock('usb-1-1', 'usb:1-1', folder);
    const others = JSON.stringify({ pid: 1, startTicks: '', serial: 1, owed: [] });
    writeFileSync(path(), others);
    lock.owe([3]);
    lock.release();
    expect(readFileSync(path(), 'utf8')).to.equal(others);
    expect(refusal().message).to.include('process 1 (');
  });

  it('writes down what is owed', () => {
    const { lock } = acquireDeviceLock('usb-1-1', 'usb:1-1', folder);
    lock.owe([1]);
    expect(JSON.parse(readFileSync(path(), 'utf8')).owed).to.deep.equal([1]);
    expect(refusal().code).to.equal('HAL_IN_USE');
    lock.release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('is not stopped by a guard that a dead process left', () => {
    writeFileSync(path(), JSON.stringify({ pid: deadPid(), startTicks: '1', serial: 1, owed: [4] }));
    writeFileSync(`${path()}.guard`, JSON.stringify({ pid: deadPid(), startTicks: '1', serial: 2, owed: [] }));
    expect(acquireDeviceLock('usb-1-1', 'usb:1-1', folder).inherited).to.deep.equal([4]);
  });
});
