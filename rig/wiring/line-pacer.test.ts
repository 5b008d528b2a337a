import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import type { LineSettings, SerialPort } from '../../hal/index.js';
import { ByteStream } from './byte-stream.js';
import { LinePacer } from './line-pacer.js';

const LINE: LineSettings = { baudRate: 10_000, dataBits: 8, parity: 'none', stopBits: 1 };
const CHARACTER_NS = 1_000_000;

function setUp() {
  const clock = new VirtualClock();
  const sent: [string, number][] = [];
  const port: SerialPort = {
    name: 'mock',
    attach: () => {},
    configure: () => {},
    transmit: (bytes, offset, length) => {
      sent.push([Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1'), clock.now()]);
    },
    modemControl: () => {},
    close: () => {},
  };
  const stream = new ByteStream(1024);
  const pacer = new LinePacer(clock, stream, port, LINE);
  const say = (text: string) => {
    for (const byte of Buffer.from(text, 'latin1')) stream.append(byte, 0);
    pacer.arrive(stream.end);
  };
  return { clock, pacer, say, sent };
}

describe('LinePacer', () => {
  it('sends a single character at once', () => {
    const { say, sent } = setUp();
    say('a');
    expect(sent).to.deep.equal([['a', 0]]);
  });

  it('sends a burst in order and no faster than the line', () => {
    const { clock, pacer, say, sent } = setUp();
    const text = 'x'.repeat(400);
    say(text);
    expect(pacer.sent).to.be.at.most(2);
    clock.advanceTo(100 * CHARACTER_NS);
    expect(pacer.sent).to.be.within(99, 103);
    clock.runUntilIdle(1e12);
    expect(sent.map(([part]) => part).join('')).to.equal(text);
    expect(sent.at(-1)?.[1]).to.be.at.least(397 * CHARACTER_NS);
  });
});
