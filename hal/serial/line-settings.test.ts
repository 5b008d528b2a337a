import { expect } from 'chai';
import { formatLine, parityBit, parseLine, sameLine } from './line-settings.js';
import { nearNames } from './near-names.js';
import type { LineSettings } from './serial-port.js';

describe('line settings', () => {
  it('are read as people write them and written the same way', () => {
    for (const text of ['115200 8N1', '9600 7E1.5', '38400 5O2', '4800 8M1', '57600 6S2'])
      expect(formatLine(parseLine(text))).to.equal(text);
    expect(formatLine(parseLine(' 9600 '))).to.equal('9600 8N1');
    expect(formatLine(parseLine('9600,8N1'))).to.equal('9600 8N1');
  });

  for (const text of ['', '9600 9N1', '9600 8X1', 'fast', '0', '1e9', '99999999999 8N1', '9600 8N1 more'])
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(() => parseLine(text))
        .to.throw()
        .with.property('code', 'HAL_INVALID');
    });

  it('are the same when every field is', () => {
    const line = parseLine('9600 8N1');
    expect(sameLine(line, { ...line })).to.equal(true);
    for (const other of ['9601 8N1', '9600 7N1', '9600 8E1', '9600 8N2'])
      expect(sameLine(line, parseLine(other)), other).to.equal(false);
  });

  it('give the parity bit that makes the ones even or odd, over the data bits alone', () => {
    const line = (parity: LineSettings['parity'], dataBits: LineSettings['dataBits'] = 8): LineSettings => ({
      baudRate: 9600,
      dataBits,
      parity,
      stopBits: 1,
    });
    for (let byte = 0; byte < 256; byte++) {
      const ones = byte.toString(2).replaceAll('0', '').length;
      expect(parityBit(line('even'), byte)).to.equal(ones % 2);
      expect(parityBit(line('odd'), byte)).to.equal(1 - (ones % 2));
      expect(parityBit(line('even', 7), byte)).to.equal((ones - (byte >> 7)) % 2);
    }
    expect([parityBit(line('none'), 1), parityBit(line('mark'), 1), parityBit(line('space'), 1)]).to.deep.equal([
      -1, 1, 0,
    ]);
  });
});

describe('nearNames', () => {
  it('finds what was meant, nearest first, and nothing that is far away', () => {
    const ports = ['/dev/ttyUSB0', '/dev/ttyUSB1', '/dev/ttyACM0', 'sim:gnss-receiver'];
    expect(nearNames('/dev/ttyUBS1', ports)[0]).to.equal('/dev/ttyUSB1');
    expect(nearNames('sim:gnss-reciever', ports)).to.deep.equal(['sim:gnss-receiver']);
    expect(nearNames('COM7', ports)).to.deep.equal([]);
  });
});
