/** Tests of the fields of a SETUP packet. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { decodeSetup, isStandard, setupPacket, wIndex, wLength, wValue } from './setup-packet.js';

describe('a SETUP packet', () => {
  it('lies on the wire as USB 2.0 says, little-endian', () => {
    const setup = setupPacket({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0302, wIndex: 0x0409, wLength: 0x01ff });
    expect([...setup]).to.deep.equal([0x80, 6, 0x02, 0x03, 0x09, 0x04, 0xff, 0x01]);
    expect([wValue(setup), wIndex(setup), wLength(setup)]).to.deep.equal([0x0302, 0x0409, 0x01ff]);
  });

  it('gives back the fields it was made of', () => {
    const random = createRandom('setup packets');
    for (let round = 0; round < 1000; round++) {
      const fields = {
        bmRequestType: random.below(256),
        bRequest: random.below(256),
        wValue: random.below(65_536),
        wIndex: random.below(65_536),
        wLength: random.below(65_536),
      };
      expect(decodeSetup(setupPacket(fields))).to.deep.equal(fields);
    }
  });

  it('tells standard requests from those of a class or vendor', () => {
    const types = [0x00, 0x81, 0x21, 0xa1, 0x40, 0xc0, 0x60];
    const standard = types.filter((type) =>
      isStandard(setupPacket({ bmRequestType: type, bRequest: 0, wValue: 0, wIndex: 0, wLength: 0 })),
    );
    expect(standard).to.deep.equal([0x00, 0x81]);
  });
});
