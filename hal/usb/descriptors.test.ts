/** Tests of descriptors: built and read back, and whatever a hostile device may send. */

import { expect } from 'chai';
import { createRandom, type Random, TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { type DeviceData, describeDevice, type EndpointData, stringDescriptor, stringText } from './describe.js';
import { endpointAttributes, endpointIndex, parseConfiguration, parseDevice } from './descriptors.js';
import { EndpointTable } from './endpoint-table.js';
import { setupPacket } from './setup-packet.js';

const EXTRA = Uint8Array.of(5, 0x24, 1, 2, 3);

const DATA: DeviceData = {
  speed: 'high',
  vendorId: 0x1234,
  productId: 0xabcd,
  version: 0x0210,
  usbVersion: 0x0201,
  deviceClass: 0xef,
  deviceSubclass: 2,
  deviceProtocol: 1,
  manufacturer: 'Maker',
  serialNumber: 'S-1',
  maxPowerMa: 250,
  interfaces: [
    {
      number: 0,
      interfaceClass: 3,
      report: Uint8Array.of(1, 2, 3),
      extra: [EXTRA],
      before: [Uint8Array.of(8, 11, 0, 2, 0xff, 0, 0, 0)],
      endpoints: [{ address: 0x81, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 10, extra: [EXTRA] }],
    },
    { number: 1, interfaceClass: 0xff, endpoints: [] },
    {
      number: 1,
      alternateSetting: 2,
      interfaceClass: 0xff,
      interfaceSubclass: 7,
      interfaceProtocol: 8,
      endpoints: [
        { address: 0x02, type: TRANSFER_TYPE.bulk, maxPacketBytes: 512 },
        { address: 0x8f, type: TRANSFER_TYPE.isochronous, maxPacketBytes: 1023, interval: 1 },
      ],
    },
  ],
};

function code(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    expect(error).to.be.instanceOf(HalError);
    return (error as HalError).code;
  }
}

function randomDevice(random: Random): DeviceData {
  const endpoint = (): EndpointData => ({
    address: (1 + random.below(15)) | (random.below(2) << 7),
    type: ([0, 1, 2, 3] as const)[random.below(4)],
    maxPacketBytes: random.below(0x800),
    interval: random.below(256),
  });
  return {
    speed: 'full',
    vendorId: random.below(0x1_0000),
    productId: random.below(0x1_0000),
    product: 'x'.repeat(random.below(20)),
    interfaces: Array.from({ length: random.below(6) }, (_, number) => ({
      number,
      interfaceClass: random.below(256),
      endpoints: Array.from({ length: random.below(5) }, endpoint),
      ...(random.below(3) === 0 ? { extra: [EXTRA] } : {}),
    })),
  };
}

describe('descriptors', () => {
  it('are read back as they were described', () => {
    const { device, configurations, strings, reports } = describeDevice(DATA);
    expect(parseDevice(device)).to.deep.equal({
      bcdUSB: 0x0201,
      bDeviceClass: 0xef,
      bDeviceSubClass: 2,
      bDeviceProtocol: 1,
      bMaxPacketSize0: 64,
      idVendor: 0x1234,
      idProduct: 0xabcd,
      bcdDevice: 0x0210,
      iManufacturer: 1,
      iProduct: 0,
      iSerialNumber: 2,
      bNumConfigurations: 1,
    });
    expect([...strings]).to.deep.equal([
      [1, 'Maker'],
      [2, 'S-1'],
    ]);
    const { interfaces, maxPower, extra } = parseConfiguration(configurations[0]);
    expect([maxPower, extra.length, reports.get(0)?.length]).to.deep.equal([125, 1, 3]);
    expect(interfaces.map(({ number, alternates }) => [number, alternates.length])).to.deep.equal([
      [0, 1],
      [1, 2],
    ]);
    const [hid] = interfaces[0].alternates;
    expect(hid.extra.map((each) => [...each])).to.deep.equal([[9, 0x21, 0x11, 1, 0, 1, 0x22, 3, 0], [...EXTRA]]);
    expect(hid.endpoints[0]).to.deep.include({ address: 0x81, transferType: 1, maxPacketBytes: 8, interval: 10 });
    expect(hid.endpoints[0].extra).to.have.length(1);
    const [, alternate] = interfaces[1].alternates;
    expect(alternate).to.deep.include({ alternateSetting: 2, interfaceSubclass: 7, interfaceProtocol: 8 });
    expect(alternate.endpoints.map(({ transferType }) => transferType)).to.deep.equal([3, 0]);
  });

  it('are read back whatever is described', () => {
    const random = createRandom('described');
    for (let round = 0; round < 500; round++) {
      const data = randomDevice(random);
      const { device, configurations } = describeDevice(data);
      expect(parseDevice(device)).to.include({ idVendor: data.vendorId, idProduct: data.productId });
      const { interfaces } = parseConfiguration(configurations[0]);
      const seen = interfaces.map(({ number, alternates }) => ({
        number,
        endpoints: alternates[0].endpoints.map(({ address, transferType, maxPacketBytes, interval }) => ({
          address,
          type: transferType,
          maxPacketBytes,
          interval,
        })),
      }));
      expect(seen).to.deep.equal(data.interfaces.map(({ number, endpoints }) => ({ number, endpoints })));
    }
  });

  it('are refused when they are none', () => {
    const { device, configurations } = describeDevice(DATA);
    const [configuration] = configurations;
    const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      copy[at] = value;
      return copy;
    };
    expect(code(() => parseDevice(device.subarray(0, 17)))).to.equal('HAL_INVALID');
    expect(code(() => parseDevice(changed(device, 0, 8)))).to.equal('HAL_INVALID');
    expect(code(() => parseDevice(changed(device, 1, 2)))).to.equal('HAL_INVALID');
    expect(code(() => parseConfiguration(new Uint8Array(0)))).to.equal('HAL_INVALID');
    expect(
      code(() => parseConfiguration(configuration.subarray(0, 20))),
      'cut',
    ).to.equal('HAL_INVALID');
    expect(
      code(() => parseConfiguration(changed(configuration, 9, 0))),
      'length 0',
    ).to.equal('HAL_INVALID');
    expect(
      code(() => parseConfiguration(changed(configuration, 9, 1))),
      'length 1',
    ).to.equal('HAL_INVALID');
    expect(
      code(() => parseConfiguration(changed(configuration, 9, 255))),
      'over the end',
    ).to.equal('HAL_INVALID');
  });

  it('give a topology or HAL_INVALID, whatever a device sends', () => {
    const random = createRandom('hostile descriptors');
    const { configurations } = describeDevice(DATA);
    const outcomes = new Map<string, number>();
    for (let round = 0; round < 5000; round++) {
      const bytes =
        round % 2 === 0
          ? configurations[0].map((byte) => (random.below(30) === 0 ? random.below(256) : byte))
          : Uint8Array.from({ length: random.below(300) }, () => random.below(256));
      if (round % 4 === 1) bytes.set([9, 2, bytes.length, bytes.length >> 8].slice(0, bytes.length));
      const outcome = code(() => {
        const description = { ...describeDevice(DATA), configurations: [bytes] };
        const table = new EndpointTable(description);
        table.configure(bytes[5]);
        table.setInterface(random.below(4), random.below(4));
        for (let address = 0; address < 256; address++) table.typeOf(address);
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).to.deep.equal(['HAL_INVALID', 'accepted']);
    expect(outcomes.get('accepted')).to.be.greaterThan(250);
  });

  it('take no longer than their length when they are as many as fit', () => {
    const bytes = new Uint8Array(0xffff);
    bytes.set([9, 2, 0xff, 0xff, 1, 1, 0, 0x80, 50]);
    for (let at = 9; at + 9 <= bytes.length; at += 9) bytes.set([9, 4, at & 0xff, at >> 8, 0, 3, 0, 0, 0], at);
    bytes[0] = 9;
    const left = (bytes.length - 9) % 9;
    if (left >= 2) bytes[bytes.length - left] = left;
    const total = left === 1 ? bytes.length - 1 : bytes.length;
    bytes.set([total & 0xff, total >> 8], 2);
    expect(parseConfiguration(bytes).interfaces).to.have.length(256);
  });

  it('have strings up to 126 units, and languages at index 0', () => {
    const strings = new Map([
      [1, 'Größe ✓'],
      [2, 'y'.repeat(300)],
    ]);
    expect([...(stringDescriptor(strings, 0) ?? [])]).to.deep.equal([4, 3, 9, 4]);
    expect(stringText(stringDescriptor(strings, 1) ?? new Uint8Array(0))).to.equal('Größe ✓');
    expect(stringDescriptor(strings, 2)).to.have.length(254);
    expect(stringDescriptor(strings, 3)).to.equal(undefined);
    expect(stringDescriptor(new Map(), 0)).to.equal(undefined);
    for (const hostile of [[], [9], [9, 3], [255, 3, 65], [4, 2, 65, 0], [0, 3, 65, 0]])
      expect(stringText(Uint8Array.from(hostile))).to.equal('');
  });

  it('number transfer types and endpoints', () => {
    expect([0, 1, 2, 3].map((type) => endpointAttributes(type as 0 | 1 | 2 | 3))).to.deep.equal([1, 3, 0, 2]);
    expect([0x00, 0x0f, 0x80, 0x8f].map(endpointIndex)).to.deep.equal([0, 15, 16, 31]);
  });
});

describe('EndpointTable', () => {
  const setup = (bmRequestType: number, bRequest: number, wValue: number, wIndex = 0): Uint8Array =>
    setupPacket({ bmRequestType, bRequest, wValue, wIndex, wLength: 0 });

  it('follows the configuration and the alternate settings', () => {
    const table = new EndpointTable(describeDevice(DATA));
    expect([table.configurationValue, table.find(0x81), table.typeOf(0)]).to.deep.equal([0, undefined, 2]);
    expect(table.configure(1)).to.equal(true);
    expect([table.typeOf(0x81), table.typeOf(0x02)]).to.deep.equal([1, undefined]);
    expect(table.setInterface(1, 2)).to.equal(true);
    expect([table.typeOf(0x02), table.typeOf(0x8f)]).to.deep.equal([3, 0]);
    expect([table.setInterface(1, 1), table.setInterface(5, 0), table.configure(9)]).to.deep.equal([
      false,
      false,
      false,
    ]);
    expect(table.typeOf(0x02), 'nothing has changed').to.equal(3);
    table.configure(0);
    expect([table.find(0x81), table.alternateOf(0)]).to.deep.equal([undefined, undefined]);
  });

  it('follows what it sees accepted', () => {
    const table = new EndpointTable(describeDevice(DATA));
    table.accepted(setup(0x00, 9, 1));
    table.accepted(setup(0x01, 11, 2, 1));
    expect(table.typeOf(0x8f)).to.equal(0);
    table.accepted(setup(0x40, 9, 0));
    expect(table.configurationValue, 'a vendor request').to.equal(1);
  });
});
