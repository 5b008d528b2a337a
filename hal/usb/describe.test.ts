/** Tests of the descriptor builders: what they build is what the parser finds. */

import { expect } from 'chai';
import { TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice, stringDescriptor, stringText } from './describe.js';
import { DESCRIPTOR, parseConfiguration } from './descriptors.js';

describe('describeDevice', () => {
  const report = Uint8Array.of(0x06, 0x00, 0xff, 0xc0, 0xc0);
  const description = describeDevice({
    speed: 'low',
    vendorId: 0x10cf,
    productId: 0x5500,
    product: 'Board',
    maxPowerMa: 500,
    interfaces: [
      {
        number: 0,
        interfaceClass: 3,
        report,
        endpoints: [{ address: 0x81, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 10 }],
      },
      {
        number: 1,
        alternateSetting: 0,
        interfaceClass: 0xff,
        before: [Uint8Array.of(8, 11, 1, 1, 0xff, 0, 0, 0)],
        endpoints: [],
      },
      {
        number: 1,
        alternateSetting: 1,
        interfaceClass: 0xff,
        endpoints: [
          { address: 0x02, type: TRANSFER_TYPE.bulk, maxPacketBytes: 512, extra: [Uint8Array.of(3, 0x25, 9)] },
        ],
      },
    ],
  });

  it('writes lengths that hold, and counts interfaces and not their settings', () => {
    const [bytes] = description.configurations;
    expect(bytes[2] | (bytes[3] << 8)).to.equal(bytes.length);
    expect(bytes[4]).to.equal(2);
    expect(bytes[8]).to.equal(250);
  });

  it('is read back as it was said', () => {
    const [first, second] = parseConfiguration(description.configurations[0]).interfaces;
    expect(first.alternates[0].endpoints[0]).to.deep.include({ address: 0x81, maxPacketBytes: 8, interval: 10 });
    expect(second.alternates.map(({ alternateSetting }) => alternateSetting)).to.deep.equal([0, 1]);
    expect([...second.alternates[1].endpoints[0].extra[0]]).to.deep.equal([3, 0x25, 9]);
  });

  it('makes the HID descriptor that belongs to a report descriptor', () => {
    const [hid] = parseConfiguration(description.configurations[0]).interfaces[0].alternates[0].extra;
    expect([...hid]).to.deep.equal([9, DESCRIPTOR.hid, 0x11, 0x01, 0, 1, DESCRIPTOR.hidReport, report.length, 0]);
    expect(description.reports.get(0)).to.equal(report);
  });

  it('asks at low speed for control packets of 8 bytes', () => {
    expect(description.device[7]).to.equal(8);
  });
});

describe('string descriptors', () => {
  const strings = new Map([
    [1, 'Gerät µ 𝄞'],
    [2, 'x'.repeat(300)],
    [3, ''],
  ]);

  it('list US English as their language', () => {
    expect([...(stringDescriptor(strings, 0) ?? [])]).to.deep.equal([4, 3, 0x09, 0x04]);
    expect(stringDescriptor(new Map(), 0), 'no strings, no languages').to.equal(undefined);
  });

  it('carry text in UTF-16, beyond the basic plane too', () => {
    const bytes = stringDescriptor(strings, 1) ?? new Uint8Array(0);
    expect(bytes[0]).to.equal(bytes.length);
    expect(stringText(bytes)).to.equal('Gerät µ 𝄞');
  });

  it('end at 126 characters, because their length is one byte', () => {
    expect(stringDescriptor(strings, 2)).to.have.length(254);
    expect([...(stringDescriptor(strings, 3) ?? [])]).to.deep.equal([2, 3]);
    expect(stringDescriptor(strings, 4)).to.equal(undefined);
  });

  it('are read as far as they go when they lie about their length', () => {
    expect(stringText(Uint8Array.of(200, 3, 0x41, 0, 0x42, 0))).to.equal('AB');
    expect(stringText(Uint8Array.of(5, 3, 0x41, 0, 0x42))).to.equal('A');
    expect(stringText(Uint8Array.of(4, 2, 0x41, 0))).to.equal('');
    expect(stringText(new Uint8Array(1))).to.equal('');
  });
});
