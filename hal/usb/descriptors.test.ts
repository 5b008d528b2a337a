/** Tests of the descriptor parser: a topology from bytes, and one sentence for bytes that hold none. */

import { expect } from 'chai';
import { createRandom, type Random, TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { describeDevice } from './describe.js';
import { DESCRIPTOR, endpointIndex, parseConfiguration, parseDevice } from './descriptors.js';

/** An interface with two alternate settings, the larger one first, behind an interface association. */
const COMPOSITE = Uint8Array.of(
  ...[9, 2, 64, 0, 2, 3, 4, 0xa0, 50],
  ...[8, 11, 0, 2, 2, 2, 1, 0],
  ...[9, 4, 1, 1, 1, 0x0a, 0, 0, 0],
  ...[7, 5, 0x81, 2, 0x00, 0x02, 0],
  ...[9, 4, 1, 0, 0, 0x0a, 0, 0, 7],
  ...[9, 4, 0, 0, 1, 3, 1, 2, 0],
  ...[6, 0x24, 1, 2, 3, 4],
  ...[7, 5, 0x83, 3, 0x08, 0x08, 10],
);

function refusal(work: () => unknown): HalError {
  try {
    work();
  } catch (error) {
    if (error instanceof HalError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Overwrites, cuts and repeats: one to six times. */
function mutated(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let n = 1 + random.below(6); n > 0 && bytes.length > 0; n--) {
    const at = random.below(bytes.length);
    const kind = random.below(4);
    if (kind === 0) bytes[at] = random.below(256);
    else if (kind === 1) bytes[at] = [0, 1, 2, 0xff][random.below(4)];
    else if (kind === 2) bytes = bytes.slice(0, at);
    else bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at >> 1));
  }
  return bytes;
}

describe('parsing a configuration descriptor', () => {
  it('finds interfaces, alternates and endpoints with what describes them', () => {
    const configuration = parseConfiguration(COMPOSITE);
    const { value, nameIndex, attributes, maxPower, interfaces, extra } = configuration;
    expect({ value, nameIndex, attributes, maxPower }).to.deep.equal({
      value: 3,
      nameIndex: 4,
      attributes: 0xa0,
      maxPower: 50,
    });
    expect(extra.map((each) => each[1])).to.deep.equal([DESCRIPTOR.interfaceAssociation]);
    expect(interfaces.map(({ number, alternates }) => [number, alternates.length])).to.deep.equal([
      [1, 2],
      [0, 1],
    ]);
    expect(interfaces[0].alternates.map(({ alternateSetting }) => alternateSetting)).to.deep.equal([1, 0]);
    expect(interfaces[0].alternates[1].nameIndex).to.equal(7);
    expect(interfaces[0].alternates[0].endpoints[0]).to.deep.include({
      address: 0x81,
      transferType: TRANSFER_TYPE.bulk,
      maxPacketBytes: 512,
    });
    expect([...interfaces[1].alternates[0].extra[0]]).to.deep.equal([6, 0x24, 1, 2, 3, 4]);
  });

  it('takes the high-bandwidth bits out of a packet size', () => {
    const [endpoint] = parseConfiguration(COMPOSITE).interfaces[1].alternates[0].endpoints;
    expect(endpoint).to.deep.include({ transferType: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 10 });
  });

  it('leaves alone what follows wTotalLength', () => {
    const longer = Uint8Array.of(...COMPOSITE, 0, 0, 0);
    expect(parseConfiguration(longer)).to.deep.equal(parseConfiguration(COMPOSITE));
  });

  it('refuses lengths that lead nowhere, in one sentence', () => {
    const cases: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array, string])[] = [
      ['nothing', () => new Uint8Array(0), 'no bytes of type none'],
      ['another type', (b) => b.fill(1, 1, 2), '9 bytes of type 1'],
      ['more than is there', (b) => b.subarray(0, 40), 'says it has 64 bytes and has 40'],
      ['a total below its own length', (b) => b.fill(8, 2, 3), 'says it has 8 bytes'],
      ['a descriptor of no bytes', (b) => b.fill(0, 9, 10), 'a descriptor of 0 bytes at byte 9 of 64'],
      ['a descriptor past the end', (b) => b.fill(200, 57, 58), 'a descriptor of 200 bytes at byte 57 of 64'],
    ];
    for (const [name, change, sentence] of cases) {
      const error = refusal(() => parseConfiguration(change(COMPOSITE.slice())));
      expect(error.code, name).to.equal('HAL_INVALID');
      expect(error.message, name).to.contain(sentence);
    }
  });

  it('keeps endpoint descriptors without an interface, or too short, as bytes', () => {
    const bytes = Uint8Array.of(9, 2, 29, 0, 1, 1, 0, 0x80, 50, 7, 5, 0x81, 2, 64, 0, 0, 9, 4, 0, 0, 1, 0, 0, 0, 0);
    const { extra, interfaces } = parseConfiguration(Uint8Array.of(...bytes, 4, 5, 0x81, 2));
    expect(extra).to.have.length(1);
    expect(interfaces[0].alternates[0].endpoints).to.have.length(0);
    expect(interfaces[0].alternates[0].extra).to.have.length(1);
  });

  it('parses the largest configuration there can be', () => {
    const count = Math.floor((0xffff - 9) / 9);
    const bytes = new Uint8Array(9 + 9 * count);
    bytes.set([9, 2, bytes.length & 0xff, bytes.length >> 8, 1, 1, 0, 0x80, 50]);
    for (let i = 0; i < count; i++) bytes.set([9, 4, i & 0xff, i >> 8, 0, 0, 0, 0, 0], 9 + 9 * i);
    expect(parseConfiguration(bytes).interfaces).to.have.length(256);
  });

  it('ends, with a topology inside its bounds or HAL_INVALID, whatever the bytes are', () => {
    const random = createRandom('configuration descriptors');
    let parsed = 0;
    for (let round = 0; round < 6000; round++) {
      const bytes = mutated(COMPOSITE, random);
      try {
        const { interfaces } = parseConfiguration(bytes);
        const alternates = interfaces.flatMap((each) => each.alternates);
        expect(9 * alternates.length).to.be.at.most(bytes.length);
        for (const { endpoints } of alternates)
          for (const { address, maxPacketBytes } of endpoints)
            expect(endpointIndex(address) < 32 && maxPacketBytes < 2048, `round ${round}`).to.equal(true);
        parsed++;
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        expect(error.code).to.equal('HAL_INVALID');
      }
    }
    expect(parsed).to.be.greaterThan(500);
  });
});

describe('parsing a device descriptor', () => {
  const { device } = describeDevice({
    speed: 'full',
    vendorId: 0x10cf,
    productId: 0x5500,
    version: 0x0203,
    deviceClass: 0xff,
    manufacturer: 'One',
    serialNumber: 'Two',
    interfaces: [],
  });

  it('gives back every field that was written', () => {
    expect(parseDevice(device)).to.deep.equal({
      bcdUSB: 0x0200,
      bDeviceClass: 0xff,
      bDeviceSubClass: 0,
      bDeviceProtocol: 0,
      bMaxPacketSize0: 64,
      idVendor: 0x10cf,
      idProduct: 0x5500,
      bcdDevice: 0x0203,
      iManufacturer: 1,
      iProduct: 0,
      iSerialNumber: 2,
      bNumConfigurations: 1,
    });
  });

  it('refuses what is too short or of another type', () => {
    expect(refusal(() => parseDevice(device.subarray(0, 17))).message).to.contain('17 bytes where 18 are needed');
    expect(refusal(() => parseDevice(device.slice().fill(17, 0, 1))).code).to.equal('HAL_INVALID');
    expect(refusal(() => parseDevice(device.slice().fill(2, 1, 2))).message).to.contain('is of type 2');
  });
});

describe('endpointIndex', () => {
  it('gives every endpoint address a place of its own', () => {
    const places = new Set<number>();
    for (let number = 0; number < 16; number++) places.add(endpointIndex(number)).add(endpointIndex(0x80 | number));
    expect([...places].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 32 }, (_, i) => i));
  });
});
