import { expect } from 'chai';
import { MessageBuffer } from './message-buffer.js';
import { NmeaWriter } from './nmea-writer.js';

function written(write: (writer: NmeaWriter) => void): string {
  const buffer = new MessageBuffer(200);
  write(new NmeaWriter(buffer));
  return String.fromCharCode(...buffer.bytes.subarray(0, buffer.length));
}

describe('NMEA writer', () => {
  it('reproduces a sentence of a u-blox MAX-M8Q with its checksum', () => {
    const sentence = written((w) => {
      w.begin('GNVTG');
      w.empty();
      w.text('T');
      w.empty();
      w.text('M');
      w.fixed(29, 3);
      w.text('N');
      w.fixed(53, 3);
      w.text('K');
      w.text('A');
      w.end();
    });
    expect(sentence).to.equal('$GNVTG,,T,,M,0.029,N,0.053,K,A*30\r\n');
  });

  it('writes numbers to the digit', () => {
    const text = written((w) => {
      w.fixed(-214, 1);
      w.fixed(5, 0);
      w.fixed(-5, 2);
      w.fixed(11_999_999_999_999, 9);
      w.integer(7, 3);
      w.integer(-12345, 2);
      w.integer(0);
    });
    expect(text).to.equal(',-21.4,5,-0.05,11999.999999999,007,-12345,0');
  });

  it('writes a checksum below 16 with its leading zero, in upper case', () => {
    const sums = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const sentence = written((w) => {
        w.begin('GPXXX');
        w.integer(i, 3);
        w.end();
      });
      expect(sentence).to.match(/^\$GPXXX,\d{3}\*[0-9A-F]{2}\r\n$/);
      sums.add(sentence.slice(-4, -2));
    }
    expect(sums.size).to.be.above(5);
  });

  it('refuses to write past its buffer', () => {
    expect(() => new NmeaWriter(new MessageBuffer(4)).begin('GPGGA')).to.throw(RangeError, '4 bytes');
  });
});
