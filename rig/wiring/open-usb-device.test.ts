/** Tests of how a person names a USB device, and of what is said where there is none. */

import { expect } from 'chai';
import { createRandom, WallClock } from '../../base/index.js';
import { createSimulatedUsbPort, createUsbSimulator, serveUsbip, type UsbProfile } from '../../hal/index.js';
import { RigError } from '../errors.js';
import { cellDevices } from './device-hosts.js';
import { findProfile } from './executor.js';
import { openUsbDevice, parseUsbAddress } from './open-usb-device.js';
import { StationLog } from './station-log.js';
import { WallStations } from './wall-stations.js';

function usbProfile(name: string): UsbProfile {
  const profile = findProfile(name);
  if (profile.kind !== 'usb' && profile.kind !== 'hid') throw new Error(`${name} is no USB device`);
  return profile;
}

const BOARD = usbProfile('velleman-k8055');
const CONVERTER = usbProfile('mcc-usb-1608fs-plus');

describe('the name of a USB device', () => {
  it('is told apart by how it is reached', () => {
    expect(parseUsbAddress(undefined, BOARD)).to.deep.equal({ way: 'hid', selector: undefined });
    expect(parseUsbAddress(undefined, CONVERTER)).to.deep.equal({ way: 'usb', selector: undefined });
    expect(parseUsbAddress('usb:1-1.2', BOARD)).to.deep.equal({ way: 'usb', selector: '1-1.2' });
    expect(parseUsbAddress('hid:10cf:5500', BOARD)).to.deep.equal({ way: 'hid', selector: '10cf:5500' });
    expect(parseUsbAddress('/dev/hidraw3', BOARD)).to.deep.equal({ way: 'hid', selector: '/dev/hidraw3' });
    expect(parseUsbAddress('usbip:bench.example:3241/1-2', BOARD)).to.deep.equal({
      way: 'usbip',
      host: 'bench.example',
      port: 3241,
      busid: '1-2',
    });
    expect(parseUsbAddress('usbip:10.0.0.7/2-1.4', BOARD)).to.include({ host: '10.0.0.7', port: undefined });
  });

  it('is refused with the ways to spell it when it is none', () => {
    for (const text of ['/dev/ttyUSB0', 'usbip:host', 'usb-1', ''])
      expect(() => parseUsbAddress(text, BOARD), text)
        .to.throw(RigError)
        .with.property('hint')
        .that.includes('usb:10cf:5500');
  });

  it('opens a remote device, which answers as the simulator behind it', async () => {
    const clock = new WallClock();
    const device = createUsbSimulator(BOARD, {}, { clock, random: createRandom('remote') });
    const shown = createSimulatedUsbPort({ name: 'sim:board', clock, device });
    const server = await serveUsbip({ ports: [shown], port: 0 });
    const { port } = await openUsbDevice({
      address: `usbip:127.0.0.1:${server.port}/1-1`,
      profile: BOARD,
      clock,
      abort: undefined,
      hosts: cellDevices(),
      stations: new WallStations(clock, new StationLog(), 'partitioned'),
      restarted: () => expect.fail('nothing was lost'),
    });
    expect(port.description.device).to.deep.equal(device.description.device);
    port.close();
    await server.close();
  });
});
