/** Tests of the standard requests against the tables of USB 2.0, section 9.4. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice } from './describe.js';
import { decodeSetup, type SetupFields, setupPacket } from './setup-packet.js';
import { NOT_STANDARD, StandardRequests } from './standard-requests.js';
import { HANDSHAKE } from './usb-peripheral.js';

const { stall, ack } = HANDSHAKE;
const REPORT = Uint8Array.of(6, 0, 0xff);

const DESCRIPTION = describeDevice({
  speed: 'full',
  vendorId: 1,
  productId: 2,
  product: 'P',
  interfaces: [
    {
      number: 0,
      interfaceClass: 3,
      report: REPORT,
      endpoints: [{ address: 0x81, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 1 }],
    },
    { number: 1, interfaceClass: 0xff, endpoints: [] },
    {
      number: 1,
      alternateSetting: 1,
      interfaceClass: 0xff,
      endpoints: [{ address: 0x02, type: TRANSFER_TYPE.bulk, maxPacketBytes: 64 }],
    },
  ],
});

class Bench {
  readonly effects: string[] = [];
  readonly requests = new StandardRequests(DESCRIPTION, {
    configured: (value) => this.effects.push(`configured ${value}`),
    alternate: (number, setting) => this.effects.push(`alternate ${number} ${setting}`),
    haltCleared: (address) => this.effects.push(`cleared ${address}`),
  });

  /** The answer: bytes where there are any, a handshake otherwise. */
  ask(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, wLength = 0): number | number[] {
    const data = new Uint8Array(Math.min(wLength, 512));
    const answer = this.requests.answer(setupPacket({ bmRequestType, bRequest, wValue, wIndex, wLength }), data);
    return answer > 0 ? [...data.subarray(0, answer)] : answer;
  }
}

function configured(): Bench {
  const bench = new Bench();
  expect(bench.ask(0, 9, 1)).to.equal(ack);
  return bench;
}

describe('standard requests', () => {
  it('GET_DESCRIPTOR answers what is described, at most what is asked for (9.4.3)', () => {
    const bench = new Bench();
    expect(bench.ask(0x80, 6, 0x0100, 0, 64)).to.deep.equal([...DESCRIPTION.device]);
    expect(bench.ask(0x80, 6, 0x0100, 0, 8)).to.deep.equal([...DESCRIPTION.device.subarray(0, 8)]);
    expect(bench.ask(0x80, 6, 0x0200, 0, 512)).to.deep.equal([...DESCRIPTION.configurations[0]]);
    expect(bench.ask(0x80, 6, 0x0201, 0, 512), 'a second configuration').to.equal(stall);
    expect(bench.ask(0x80, 6, 0x0300, 0, 255)).to.deep.equal([4, 3, 9, 4]);
    expect(bench.ask(0x80, 6, 0x0301, 0x0409, 255)).to.deep.equal([4, 3, 0x50, 0]);
    expect(bench.ask(0x80, 6, 0x0302, 0x0409, 255)).to.equal(stall);
    expect(bench.ask(0x80, 6, 0x0600, 0, 10), 'a qualifier of a full-speed device').to.equal(stall);
    expect(bench.ask(0x00, 6, 0x0100, 0, 18), 'outbound').to.equal(stall);
  });

  it('GET_DESCRIPTOR to an interface answers those of HID (HID 1.11, 7.1.1)', () => {
    const bench = configured();
    expect(bench.ask(0x81, 6, 0x2200, 0, 255)).to.deep.equal([...REPORT]);
    expect(bench.ask(0x81, 6, 0x2100, 0, 255)).to.deep.equal([9, 0x21, 0x11, 1, 0, 1, 0x22, 3, 0]);
    expect(bench.ask(0x81, 6, 0x2200, 1, 255)).to.equal(stall);
    expect(bench.ask(0x81, 6, 0x2201, 0, 255)).to.equal(stall);
  });

  it('SET_CONFIGURATION and GET_CONFIGURATION (9.4.2, 9.4.7)', () => {
    const bench = new Bench();
    expect(bench.ask(0x80, 8, 0, 0, 1), 'unconfigured').to.deep.equal([0]);
    expect(bench.ask(0, 9, 2)).to.equal(stall);
    expect(bench.ask(0, 9, 1)).to.equal(ack);
    expect(bench.ask(0x80, 8, 0, 0, 1)).to.deep.equal([1]);
    expect(bench.ask(1, 9, 0), 'to an interface').to.equal(stall);
    expect(bench.ask(0, 9, 0)).to.equal(ack);
    expect(bench.effects).to.deep.equal(['configured 1', 'configured 0']);
  });

  it('SET_INTERFACE and GET_INTERFACE (9.4.4, 9.4.10)', () => {
    const bench = new Bench();
    expect(bench.ask(1, 11, 1, 1), 'unconfigured').to.equal(stall);
    expect(bench.ask(0x81, 10, 0, 1, 1)).to.equal(stall);
    bench.ask(0, 9, 1);
    expect(bench.ask(0x81, 10, 0, 1, 1)).to.deep.equal([0]);
    expect(bench.ask(1, 11, 1, 1)).to.equal(ack);
    expect(bench.ask(0x81, 10, 0, 1, 1)).to.deep.equal([1]);
    expect([bench.ask(1, 11, 2, 1), bench.ask(1, 11, 0, 7), bench.ask(0, 11, 0, 1)]).to.deep.equal([
      stall,
      stall,
      stall,
    ]);
    expect(bench.effects.at(-1)).to.equal('alternate 1 1');
  });

  it('halts of endpoints are set, shown and cleared (9.4.1, 9.4.5, 9.4.9)', () => {
    const bench = configured();
    expect(bench.ask(0x82, 0, 0, 0x81, 2)).to.deep.equal([0, 0]);
    expect(bench.ask(2, 3, 0, 0x81)).to.equal(ack);
    expect(bench.ask(0x82, 0, 0, 0x81, 2)).to.deep.equal([1, 0]);
    expect([bench.requests.isHalted(0x81), bench.requests.isHalted(0x01)]).to.deep.equal([true, false]);
    expect(bench.ask(2, 1, 0, 0x81)).to.equal(ack);
    expect(bench.ask(0x82, 0, 0, 0x81, 2)).to.deep.equal([0, 0]);
    expect(bench.effects.at(-1)).to.equal('cleared 129');
    expect(bench.ask(2, 1, 0, 0x80), 'endpoint 0').to.equal(ack);
    expect([bench.ask(2, 3, 0, 0x83), bench.ask(0x82, 0, 0, 0x83, 2), bench.ask(2, 3, 1, 0x81)]).to.deep.equal([
      stall,
      stall,
      stall,
    ]);
  });

  it('a configuration, a setting and a reset each end halts (9.1.1.5)', () => {
    for (const end of [
      (bench: Bench) => bench.ask(0, 9, 1),
      (bench: Bench) => bench.ask(1, 11, 0, 0),
      (bench: Bench) => bench.requests.reset(),
    ]) {
      const bench = configured();
      bench.requests.halt(0x81);
      end(bench);
      expect(bench.requests.isHalted(0x81)).to.equal(false);
    }
  });

  it('GET_STATUS of the device and its interfaces (9.4.5)', () => {
    const bench = new Bench();
    expect(bench.ask(0x80, 0, 0, 0, 2), 'bus powered').to.deep.equal([0, 0]);
    expect(bench.ask(0, 3, 1)).to.equal(ack);
    expect(bench.ask(0x80, 0, 0, 0, 2), 'remote wake-up').to.deep.equal([2, 0]);
    expect(bench.ask(0, 1, 1)).to.equal(ack);
    expect(bench.ask(0x80, 0, 0, 0, 2)).to.deep.equal([0, 0]);
    expect(bench.ask(0x81, 0, 0, 0, 2), 'unconfigured').to.equal(stall);
    bench.ask(0, 9, 1);
    expect(bench.ask(0x81, 0, 0, 0, 2)).to.deep.equal([0, 0]);
  });

  it('SET_ADDRESS is accepted, SET_DESCRIPTOR and SYNCH_FRAME are not, others are the function', () => {
    const bench = configured();
    expect(bench.ask(0, 5, 12)).to.equal(ack);
    expect([bench.ask(0, 7, 0x0300, 0, 4), bench.ask(0x82, 12, 0, 0x81, 2), bench.ask(0, 99)]).to.deep.equal([
      stall,
      stall,
      stall,
    ]);
    expect([bench.ask(0x21, 9, 0x0200), bench.ask(0xc0, 1), bench.ask(0xa1, 1)]).to.deep.equal([
      NOT_STANDARD,
      NOT_STANDARD,
      NOT_STANDARD,
    ]);
  });

  it('answer within bounds whatever is asked', () => {
    const random = createRandom('standard requests');
    const bench = new Bench();
    for (let step = 0; step < 20_000; step++) {
      const setup = Uint8Array.from({ length: 8 }, () => random.below(256));
      if (random.below(4) > 0) setup[0] &= 0x9f;
      if (random.below(4) > 0) setup[1] = random.below(13);
      if (random.below(2) > 0) setup[3] = random.below(4);
      const data = new Uint8Array(Math.min(setup[6] | (setup[7] << 8), random.below(600)));
      const answer = bench.requests.answer(setup, data);
      expect(answer).to.be.within(NOT_STANDARD, data.length);
    }
  });

  it('stall in another direction than the standard’s, or to another recipient (9.2.7, table 9-3)', () => {
    const bench = configured();
    for (const [type, request, value, index] of [
      [0x80, 9, 0, 0],
      [0x00, 0, 0, 0],
      [0x80, 3, 1, 0],
      [0x81, 8, 0, 0],
      [0x80, 10, 0, 1],
      [0x83, 0, 0, 0],
      [0x82, 6, 0x0100, 0],
      [0x01, 5, 7, 0],
    ])
      expect(bench.ask(type, request, value, index, 2), `${type} ${request}`).to.equal(stall);
    expect(bench.effects).to.deep.equal(['configured 1']);
  });
});

describe('a SETUP packet', () => {
  it('is little-endian, and read back as it was written', () => {
    const fields: SetupFields = { bmRequestType: 0xa1, bRequest: 1, wValue: 0x0302, wIndex: 0x0504, wLength: 0x0706 };
    expect([...setupPacket(fields)]).to.deep.equal([0xa1, 1, 2, 3, 4, 5, 6, 7]);
    expect(decodeSetup(setupPacket(fields))).to.deep.equal(fields);
  });
});
