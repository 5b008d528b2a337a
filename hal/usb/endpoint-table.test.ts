/** Tests of the endpoints a device has at present. */

import { expect } from 'chai';
import { TRANSFER_TYPE } from '../../base/index.js';
import { describeDevice } from './describe.js';
import { EndpointTable } from './endpoint-table.js';
import { setupPacket } from './setup-packet.js';

const IN = { address: 0x81, type: TRANSFER_TYPE.bulk, maxPacketBytes: 64 } as const;
const OUT = { address: 0x01, type: TRANSFER_TYPE.interrupt, maxPacketBytes: 8, interval: 4 } as const;

function table(): EndpointTable {
  return new EndpointTable(
    describeDevice({
      speed: 'full',
      vendorId: 1,
      productId: 2,
      interfaces: [
        { number: 0, alternateSetting: 1, interfaceClass: 0xff, endpoints: [IN] },
        { number: 0, alternateSetting: 0, interfaceClass: 0xff, endpoints: [] },
        { number: 3, interfaceClass: 0xff, endpoints: [OUT] },
      ],
    }),
  );
}

const request = (bmRequestType: number, bRequest: number, value: number, index = 0): Uint8Array =>
  setupPacket({ bmRequestType, bRequest, wValue: value, wIndex: index, wLength: 0 });

describe('the endpoint table', () => {
  it('knows endpoint 0 alone until a configuration is chosen', () => {
    const endpoints = table();
    expect(endpoints.configurationValue).to.equal(0);
    expect(endpoints.typeOf(0x80)).to.equal(TRANSFER_TYPE.control);
    expect(endpoints.typeOf(0x01)).to.equal(undefined);
  });

  it('begins at alternate setting 0, wherever it stands', () => {
    const endpoints = table();
    expect(endpoints.configure(1)).to.equal(true);
    expect(endpoints.alternateOf(0)?.alternateSetting).to.equal(0);
    expect(endpoints.find(0x81)).to.equal(undefined);
    expect(endpoints.typeOf(0x01), 'not the other direction').to.equal(TRANSFER_TYPE.interrupt);
  });

  it('follows the settings of interfaces, and forgets them with the configuration', () => {
    const endpoints = table();
    endpoints.configure(1);
    expect(endpoints.setInterface(0, 1)).to.equal(true);
    expect(endpoints.typeOf(0x81)).to.equal(TRANSFER_TYPE.bulk);
    endpoints.configure(1);
    expect(endpoints.typeOf(0x81)).to.equal(undefined);
    endpoints.configure(0);
    expect(endpoints.typeOf(0x01)).to.equal(undefined);
  });

  it('stays as it is when told of what there is not', () => {
    const endpoints = table();
    expect(endpoints.setInterface(0, 1), 'unconfigured').to.equal(false);
    endpoints.configure(1);
    expect([endpoints.configure(2), endpoints.setInterface(1, 0), endpoints.setInterface(0, 2)]).to.deep.equal([
      false,
      false,
      false,
    ]);
    expect(endpoints.configurationValue).to.equal(1);
  });

  it('follows accepted requests as a bystander', () => {
    const endpoints = table();
    endpoints.accepted(request(0x00, 9, 1));
    endpoints.accepted(request(0x01, 11, 1, 0));
    expect(endpoints.typeOf(0x81)).to.equal(TRANSFER_TYPE.bulk);
    endpoints.accepted(request(0x40, 9, 0));
    expect(endpoints.configurationValue, 'a vendor request of the same number').to.equal(1);
  });
});
