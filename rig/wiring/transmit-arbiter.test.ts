import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import type { LineSettings, SerialPort } from '../../hal/index.js';
import { TransmitArbiter } from './transmit-arbiter.js';

const LINE: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };

function setUp() {
  const clock = new VirtualClock();
  let sent = '';
  const port: SerialPort = {
    name: 'mock',
    attach: () => {},
    configure: () => {},
    transmit: (bytes, offset, length) => {
      sent += Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
    },
    modemControl: () => {},
    close: () => {},
  };
  const arbiter = new TransmitArbiter(clock, undefined, port, LINE);
  const say = (guest: number, text: string) => {
    for (const byte of Buffer.from(text, 'latin1')) arbiter.offer(guest, byte);
  };
  return { clock, arbiter, say, sent: () => sent };
}

describe('TransmitArbiter', () => {
  it('sends what the only guest says, in order', () => {
    const { clock, arbiter, say, sent } = setUp();
    arbiter.addGuest();
    say(0, 'hello');
    clock.runUntilIdle(1e9);
    expect(sent()).to.equal('hello');
  });

  it('never mixes the messages of two guests', () => {
    const { clock, arbiter, say, sent } = setUp();
    arbiter.addGuest();
    arbiter.addGuest();
    say(0, 'aa');
    say(1, 'bb');
    say(0, 'AA');
    say(1, 'BB');
    clock.runUntilIdle(1e9);
    expect(sent()).to.equal('aaAAbbBB');
  });

  it('serves every waiting guest in turn', () => {
    const { clock, arbiter, say, sent } = setUp();
    for (let i = 0; i < 3; i++) arbiter.addGuest();
    say(0, '0');
    say(2, '2');
    say(1, '1');
    clock.runUntilIdle(1e9);
    expect(sent()).to.equal('012');
  });

  it('counts what does not fit a queue and keeps the rest', () => {
    const { clock, arbiter, say, sent } = setUp();
    arbiter.addGuest();
    arbiter.addGuest();
    say(0, 'x');
    say(1, 'y'.repeat(5000));
    expect(arbiter.lost).to.equal(5000 - 4096);
    clock.runUntilIdle(1e11);
    expect(sent()).to.equal(`x${'y'.repeat(4096)}`);
  });
});
