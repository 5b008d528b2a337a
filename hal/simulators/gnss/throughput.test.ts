import { expect } from 'chai';
import { HalError } from '../../errors.js';
import type { LineSettings } from '../../serial/serial-port.js';
import { checkThroughput } from './throughput.js';

const line = (baudRate: number): LineSettings => ({ baudRate, dataBits: 8, parity: 'none', stopBits: 1 });

describe('throughput', () => {
  it('accepts an epoch that just fits', () => {
    checkThroughput(960, line(9600), 1000);
    expect(() => checkThroughput(961, line(9600), 1000)).to.throw(HalError);
  });

  it('names the time it takes and the slowest rate that does', () => {
    expect(() => checkThroughput(640, line(4800), 1000)).to.throw(
      'at 4800 baud an epoch of 640 bytes takes 1.33 s, but one begins every 1.00 s; use at least 9600 baud or fewer sentences',
    );
  });

  it('asks for less when no rate is fast enough', () => {
    expect(() => checkThroughput(20_000, line(921_600), 100)).to.throw('use a lower rate or fewer sentences');
  });
});
