import { expect } from 'chai';
import { MessageBuffer } from './message-buffer.js';
import { UbxWriter } from './ubx-writer.js';

function hex(write: (writer: UbxWriter) => void): string {
  const buffer = new MessageBuffer(200);
  write(new UbxWriter(buffer));
  return Buffer.from(buffer.bytes.subarray(0, buffer.length)).toString('hex');
}

describe('UBX writer', () => {
  it('writes the frames every u-blox user knows', () => {
    expect(
      hex((w) => {
        w.begin(0x0a, 0x04);
        w.end();
      }),
    ).to.equal('b5620a0400000e34');
    const rate200ms = hex((w) => {
      w.begin(0x06, 0x08);
      w.u2(200);
      w.u2(1);
      w.u2(1);
      w.end();
    });
    expect(rate200ms).to.equal('b56206080600c80001000100de6a');
  });

  it('writes little-endian and two’s complement', () => {
    const frame = hex((w) => {
      w.begin(1, 2);
      w.u4(-2);
      w.u4(0xdeadbeef);
      w.u2(-1000);
      w.u1(-1);
      w.text('AB', 4);
      w.bytes(Uint8Array.of(9, 8, 7), 1, 2);
      w.end();
    });
    expect(frame.slice(8, -4)).to.equal('1100' + 'feffffff' + 'efbeadde' + '18fc' + 'ff' + '41420000' + '0807');
  });

  it('begins a second frame behind the first', () => {
    const twice = hex((w) => {
      for (let i = 0; i < 2; i++) {
        w.begin(0x0a, 0x04);
        w.end();
      }
    });
    expect(twice).to.equal('b5620a0400000e34'.repeat(2));
  });
});
