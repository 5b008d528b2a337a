import { expect } from 'chai';
import { HostRequestError } from '../../host-process/host-process.js';
import { hidError } from './hid-errors.js';

describe('hidError', () => {
  const device = { where: '/dev/hidraw3', vendorId: 0x10cf, productId: 0x5500 };
  const explain = (message: string, what: string) => hidError(new HostRequestError({ message }), device, what);

  const cases: readonly (readonly [message: string, what: string, code: string])[] = [
    ['cannot open device with path /dev/hidraw3: open failed: Permission denied', 'open', 'HAL_DENIED'],
    ['cannot open device with path /dev/hidraw3: No such file or directory', 'open', 'HAL_NOT_FOUND'],
    ['cannot open device with path /dev/hidraw3: Device or resource busy', 'open', 'HAL_IN_USE'],
    ['could not read from HID device: unexpected poll error (device disconnected)', 'read', 'HAL_DISCONNECTED'],
    ['Cannot write to hid device: Input/output error', 'write', 'HAL_DISCONNECTED'],
    ['could not get feature report from device: ioctl (GFEATURE): Broken pipe', 'getFeature', 'HAL_STALL'],
    ['Cannot write to hid device: Connection timed out', 'write', 'HAL_TIMEOUT'],
    ['Cannot write to closed device', 'write', 'HAL_CLOSED'],
    ['Length parameter cannot be zero in getFeatureReport', 'getFeature', 'HAL_INVALID'],
    ['Something new', 'write', 'HAL_IO'],
  ];
  for (const [message, what, code] of cases)
    it(`gives "${message}" the code ${code}`, () => {
      expect(explain(message, what).code).to.equal(code);
    });

  it('prints the udev rule for the hidraw node, not for the USB device', () => {
    expect(explain('Permission denied', 'open').hint).to.include(
      'KERNEL=="hidraw*", ATTRS{idVendor}=="10cf", ATTRS{idProduct}=="5500", MODE="0660", GROUP="plugdev", TAG+="uaccess"',
    );
  });

  it('passes on what the host process says in the terms of the layer', () => {
    const inUse = new HostRequestError({ message: '/dev/hidraw3 is in use by process 7 (gpsd)', code: 'HAL_IN_USE' });
    expect(hidError(inUse, device, 'open')).to.include({ code: 'HAL_IN_USE', message: inUse.message });
  });
});
