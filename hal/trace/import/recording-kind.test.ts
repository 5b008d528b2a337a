import { expect } from 'chai';
import { createRandom } from '../../../base/index.js';
import { kindOf } from './recording-kind.js';

describe('recording kind', () => {
  const known: readonly (readonly [text: string, kind: string])[] = [
    ['\n\r\r\n....', 'pcapng'],
    ['PK\x03\x04....', 'sigrok'],
    ['# by hid-recorder\nR: 3 05 01 09\n', 'hid-recorder'],
    ['D: 0\nR: 3 05 01 09\n', 'hid-recorder'],
    ['P: /devices/pci0000:00/usb1/1-1\n', 'umockdev description'],
    ['d 0 /dev/hidraw5\nw 2 ^@\n', 'umockdev script'],
    ['r 100 abc\n', 'umockdev script'],
    ['@DEV /dev/hidraw5\nHIDIOCGRDESCSIZE 0 22000000\n', 'umockdev ioctl tree'],
    ['USBDEVFS_REAPURBNDELAY 0 3 2 0 0 16 16 0 10000000\n', 'umockdev ioctl tree'],
    ['EVIOCGBIT(1) 96 FEFF\n', 'umockdev ioctl tree'],
    ['# Name: u-blox\n# Serial: 9600\n\xb5b\x01', 'gpsd log'],
    ['$GPGGA,120000,,\r\n', 'gpsd log'],
    ['\xb5b\x01\x02', 'gpsd log'],
    ['# A heading\n\nSome text.\n', 'unknown'],
    ['', 'unknown'],
    ['\0\0\0\0', 'unknown'],
  ];
  for (const [text, kind] of known)
    it(`of ${JSON.stringify(text.slice(0, 20))} is ${kind}`, () => {
      expect(kindOf(Buffer.from(text, 'latin1'))).to.equal(kind);
    });

  it('is told of random bytes too, in time linear in their number', () => {
    const random = createRandom('kinds');
    for (let i = 0; i < 200; i++)
      kindOf(Uint8Array.from({ length: random.below(5000) }, () => (i % 2 === 0 ? random.below(256) : 32)));
    expect(kindOf(new Uint8Array(65_536).fill(0x20))).to.equal('unknown');
  });
});
