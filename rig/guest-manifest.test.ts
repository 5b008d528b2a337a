/** Checks how manifests are read, refused, and used to decode payloads. */

import { expect } from 'chai';
import { RigError } from './errors.js';
import { listGuests, loadGuest, parseManifest } from './guest-manifest.js';

function manifest(change: object = {}, field: object = {}): string {
  return JSON.stringify({
    name: 'g',
    image: 'g.elf',
    abi: 1,
    channels: [
      {
        number: 0,
        name: 'fix',
        records: [{ type: 1, name: 'fix', bytes: 16, fields: [{ name: 'lat', offset: 8, type: 'i64', ...field }] }],
      },
    ],
    ...change,
  });
}

describe('guest manifest', () => {
  it('is there for every shipped guest', () => {
    expect(listGuests()).to.include('gnss-logger');
    for (const name of listGuests()) expect(loadGuest(name).manifest.name).to.equal(name);
  });

  it('decodes a fix of the shipped logger, to the last bit', () => {
    const payload = new Uint8Array(40);
    const view = new DataView(payload.buffer);
    view.setBigInt64(0, 1_700_000_000_000n, true);
    view.setBigInt64(8, -48_117_300_001n, true);
    view.setBigInt64(16, 179_999_999_999n, true);
    view.setInt32(24, -(2 ** 31), true);
    view.setUint16(28, 3, true);
    view.setUint8(30, 3);
    view.setUint8(31, 12);
    view.setUint32(32, 7, true);
    view.setUint32(36, 0xffff_ffff, true);
    expect(loadGuest('gnss-logger').decode(0, 1, payload)).to.deep.equal({
      channel: 'fix',
      type: 'fix',
      fields: {
        utcMs: 1_700_000_000_000,
        latE9: -48_117_300_001,
        lonE9: 179_999_999_999,
        altMm: -(2 ** 31),
        source: 3,
        mode: 3,
        satellites: 12,
        digits: 7,
        streamOffset: 0xffff_ffff,
      },
    });
  });

  it('names what it does not know by number, and reads of a short record what is whole', () => {
    const guest = loadGuest('gnss-logger');
    expect(guest.decode(9, 8, new Uint8Array(4))).to.deep.equal({ channel: 'channel-9', type: 'type-8', fields: {} });
    expect(guest.decode(0, 1, new Uint8Array(12)).fields).to.deep.equal({ utcMs: 0 });
    expect(guest.decode(0, 1, new Uint8Array(0)).fields).to.deep.equal({});
  });

  it('decodes a payload inside a larger buffer', () => {
    const bytes = new Uint8Array(100).fill(0xff);
    const payload = bytes.subarray(30, 70);
    payload.fill(0);
    payload[0] = 5;
    expect(loadGuest('gnss-logger').decode(0, 1, payload).fields.utcMs).to.equal(5);
  });

  const malformed: readonly (readonly [what: string, text: string, reason: string])[] = [
    ['text that is not JSON', '{', 'it is not JSON'],
    ['another kind of JSON', '[]', 'the file: '],
    ['an unknown key', manifest({ colour: 'red' }), 'colour'],
    ['a missing key', manifest({ name: undefined }), 'name: '],
    ['another ABI', manifest({ abi: 2 }), 'abi: '],
    ['an image in another folder', manifest({ image: '../x.elf' }), 'image: the image is a file name'],
    ['a field beyond the payload', manifest({}, { offset: 9 }), 'channels.0.records.0.fields: a field lies beyond'],
    ['a field type that is none', manifest({}, { type: 'u128' }), 'channels.0.records.0.fields.0.type: '],
    ['a field named like a prototype', manifest({}, { name: '__proto__' }), 'channels.0.records.0.fields.0.name: '],
    [
      'two channels of one number',
      manifest({
        channels: [0, 0].map((number) => ({
          number,
          name: 'n',
          records: [{ type: 1, name: 'r', bytes: 0, fields: [] }],
        })),
      }),
      'channels: two channels have one number',
    ],
  ];
  for (const [what, text, reason] of malformed)
    it(`refuses ${what} and names the field`, () => {
      expect(() => parseManifest(text, 'g.guest.json'))
        .to.throw(RigError, reason)
        .that.includes({ code: 'RIG_GUEST' });
    });

  it('refuses an unknown name and says which there are', () => {
    expect(() => loadGuest('nobody'))
      .to.throw(RigError, 'there is no guest named "nobody"')
      .with.property('hint')
      .that.contains('gnss-logger');
  });

  it('takes any image by its path, with no named channels when it has no manifest', () => {
    const guest = loadGuest('/some/where/firmware.elf');
    expect(guest.imagePath).to.equal('/some/where/firmware.elf');
    expect(guest.decode(0, 1, new Uint8Array(4))).to.include({ channel: 'channel-0' });
  });
});
