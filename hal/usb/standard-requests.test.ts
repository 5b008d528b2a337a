/** Tests of the standard requests: what USB 2.0, section 9.4, says of each, and a stall for all the rest. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice } from './describe.js';
import { DESCRIPTOR } from './descriptors.js';
import { setupPacket } from './setup-packet.js';
import { NOT_STANDARD, StandardRequests } from './standard-requests.js';
import { HANDSHAKE } from './usb-peripheral.js';

const DESCRIPTION = describeDevice({
  speed: 'full',
  vendorId: 0x1209,
  productId: 1,
  product: 'Probe',
  interfaces: [
    {
      number: 0,
      interfaceClass: 3,
      report: Uint8Array.of(0x06, 0x00, 0xff, 0xc0),
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

class Probe {
  readonly told: string[] = [];
  readonly requests = new StandardRequests(DESCRIPTION, {
    configured: (value) => this.told.push(`configured ${value}`),
    alternate: (number, setting) => this.told.push(`alternate ${number} ${setting}`),
    halted: (address) => this.told.push(`halted ${address}`),
    haltCleared: (address) => this.told.push(`cleared ${address}`),
  });

  /** Handshake of a request without data, or the bytes it brought. */
  ask(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, wLength = 0): number | number[] {
    const data = new Uint8Array(1024);
    const answer = this.requests.answer(setupPacket({ bmRequestType, bRequest, wValue, wIndex, wLength }), data);
    return wLength > 0 && answer >= 0 ? [...data.subarray(0, answer)] : answer;
  }
}

function configured(): Probe {
  const probe = new Probe();
  expect(probe.ask(0x00, 9, 1)).to.equal(HANDSHAKE.ack);
  probe.told.length = 0;
  return probe;
}

describe('GET_DESCRIPTOR', () => {
  it('gives the device, a configuration and strings, cut at wLength', () => {
    const probe = new Probe();
    expect(probe.ask(0x80, 6, 0x0100, 0, 64)).to.deep.equal([...DESCRIPTION.device]);
    expect(probe.ask(0x80, 6, 0x0100, 0, 8)).to.deep.equal([...DESCRIPTION.device.subarray(0, 8)]);
    expect(probe.ask(0x80, 6, 0x0200, 0, 1024)).to.deep.equal([...DESCRIPTION.configurations[0]]);
    expect(probe.ask(0x80, 6, 0x0300, 0, 255)).to.deep.equal([4, 3, 9, 4]);
    expect(probe.ask(0x80, 6, 0x0301, 0x0409, 255)).to.have.length(12);
  });

  it('gives an interface’s HID and report descriptors', () => {
    const probe = configured();
    expect(probe.ask(0x81, 6, DESCRIPTOR.hidReport << 8, 0, 255)).to.deep.equal([0x06, 0x00, 0xff, 0xc0]);
    expect(probe.ask(0x81, 6, DESCRIPTOR.hid << 8, 0, 255)).to.have.length(9);
    expect(probe.ask(0x81, 6, DESCRIPTOR.hidReport << 8, 1, 255)).to.equal(HANDSHAKE.stall);
  });

  it('stalls what there is not: a device qualifier at full speed, for one', () => {
    const probe = new Probe();
    for (const wValue of [0x0600, 0x0700, 0x0201, 0x0302, 0x0f00])
      expect(probe.ask(0x80, 6, wValue, 0, 64), wValue.toString(16)).to.equal(HANDSHAKE.stall);
    expect(probe.ask(0x82, 6, 0x0100, 0, 64), 'from an endpoint').to.equal(HANDSHAKE.stall);
  });
});

describe('configurations and interfaces', () => {
  it('are chosen and told', () => {
    const probe = new Probe();
    expect(probe.ask(0x80, 8, 0, 0, 1)).to.deep.equal([0]);
    expect(probe.ask(0x81, 10, 0, 1, 1), 'unconfigured').to.equal(HANDSHAKE.stall);
    expect([probe.ask(0x00, 9, 1), probe.ask(0x01, 11, 1, 1)]).to.deep.equal([HANDSHAKE.ack, HANDSHAKE.ack]);
    expect(probe.ask(0x80, 8, 0, 0, 1)).to.deep.equal([1]);
    expect(probe.ask(0x81, 10, 0, 1, 1)).to.deep.equal([1]);
    expect(probe.told).to.deep.equal(['configured 1', 'alternate 1 1']);
  });

  it('stay as they are when there is no such one', () => {
    const probe = configured();
    expect([probe.ask(0x00, 9, 2), probe.ask(0x01, 11, 2, 1), probe.ask(0x01, 11, 0, 5)]).to.deep.equal([
      HANDSHAKE.stall,
      HANDSHAKE.stall,
      HANDSHAKE.stall,
    ]);
    expect(probe.ask(0x80, 8, 0, 0, 1)).to.deep.equal([1]);
    expect(probe.told).to.deep.equal([]);
  });

  it('are gone after a bus reset', () => {
    const probe = configured();
    probe.requests.halt(0x81);
    probe.requests.reset();
    expect(probe.told).to.deep.equal(['configured 0']);
    expect(probe.ask(0x80, 8, 0, 0, 1)).to.deep.equal([0]);
    expect(probe.requests.isHalted(0x81)).to.equal(false);
  });
});

describe('features and status', () => {
  it('halt an endpoint until the halt is cleared', () => {
    const probe = configured();
    expect(probe.ask(0x02, 3, 0, 0x81)).to.equal(HANDSHAKE.ack);
    expect(probe.ask(0x82, 0, 0, 0x81, 2)).to.deep.equal([1, 0]);
    expect(probe.requests.isHalted(0x01), 'the other direction').to.equal(false);
    expect(probe.ask(0x02, 1, 0, 0x81)).to.equal(HANDSHAKE.ack);
    expect(probe.ask(0x82, 0, 0, 0x81, 2)).to.deep.equal([0, 0]);
    expect(probe.told).to.deep.equal(['halted 129', 'cleared 129']);
  });

  it('end a halt with a new configuration or alternate setting', () => {
    const probe = configured();
    probe.ask(0x01, 11, 1, 1);
    probe.requests.halt(0x02);
    probe.requests.halt(0x81);
    probe.ask(0x01, 11, 1, 1);
    expect([probe.requests.isHalted(0x02), probe.requests.isHalted(0x81)]).to.deep.equal([false, true]);
    probe.ask(0x00, 9, 1);
    expect(probe.requests.isHalted(0x81)).to.equal(false);
  });

  it('show remote wakeup in the device’s status', () => {
    const probe = configured();
    probe.ask(0x00, 3, 1);
    expect(probe.ask(0x80, 0, 0, 0, 2)).to.deep.equal([2, 0]);
    probe.ask(0x00, 1, 1);
    expect(probe.ask(0x80, 0, 0, 0, 2)).to.deep.equal([0, 0]);
    expect(probe.ask(0x81, 0, 0, 1, 2)).to.deep.equal([0, 0]);
  });

  it('stall for endpoints, interfaces and features that there are not', () => {
    const probe = configured();
    const answers = [
      probe.ask(0x02, 3, 0, 0x85),
      probe.ask(0x82, 0, 0, 0x02, 2),
      probe.ask(0x81, 0, 0, 9, 2),
      probe.ask(0x00, 3, 2),
      probe.ask(0x01, 3, 0, 0),
    ];
    expect(new Set(answers)).to.deep.equal(new Set([HANDSHAKE.stall]));
  });
});

describe('standard requests', () => {
  it('leave those of a class or vendor to the device', () => {
    const probe = new Probe();
    expect([probe.ask(0x21, 9, 0x0200), probe.ask(0xc0, 6, 0x0100, 0, 18)]).to.deep.equal([NOT_STANDARD, NOT_STANDARD]);
  });

  it('stall when their direction or recipient is another than the standard’s', () => {
    const probe = configured();
    for (const [type, request, value, index] of [
      [0x80, 9, 0, 0],
      [0x01, 9, 0, 0],
      [0x00, 11, 1, 1],
      [0x00, 0, 0, 0],
      [0x00, 6, 0x0100, 0],
      [0x81, 8, 0, 0],
      [0x80, 10, 0, 1],
      [0x83, 0, 0, 0],
      [0x00, 7, 0x0100, 0],
      [0x82, 12, 0, 0x81],
    ])
      expect(probe.ask(type, request, value, index, 2), `${type} ${request}`).to.equal(HANDSHAKE.stall);
    expect(probe.ask(0x80, 8, 0, 0, 1)).to.deep.equal([1]);
    expect(probe.told).to.deep.equal([]);
  });

  it('never bring more than was asked for, whatever is asked', () => {
    const random = createRandom('standard requests');
    const probe = configured();
    const data = new Uint8Array(64);
    for (let round = 0; round < 20_000; round++) {
      const setup = Uint8Array.from({ length: 8 }, () =>
        random.below(3) === 0 ? random.below(256) : random.below(12),
      );
      setup[0] = [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, random.below(256)][random.below(7)];
      const answer = probe.requests.answer(setup, data.subarray(0, random.below(65)));
      const isAnswer = answer >= NOT_STANDARD && answer <= Math.min(64, setup[6] | (setup[7] << 8));
      if (!isAnswer) expect.fail(`${[...setup]} answered ${answer}`);
    }
    expect(probe.told.length).to.be.greaterThan(10);
  });
});
