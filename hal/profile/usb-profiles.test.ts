/** Tests of the shipped profiles of USB devices: they load, and their simulators are the devices they describe. */

import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { parseDevice } from '../usb/descriptors.js';
import { TestHost } from '../usb/test-host.js';
import { listProfiles, loadProfile } from './load-profile.js';
import type { UsbProfile } from './profile-schema.js';
import { createUsbSimulator, type UsbSimulator } from './simulator-models.js';

const SHIPPED = fileURLToPath(new URL('../../../hardware-profiles/', import.meta.url));

const profiles = listProfiles(SHIPPED)
  .map(({ name }) => loadProfile(name, [SHIPPED]))
  .filter((profile): profile is UsbProfile => profile.kind === 'usb' || profile.kind === 'hid');

function simulate(
  profile: UsbProfile,
  overrides: Readonly<Record<string, unknown>>,
  clock = new VirtualClock(),
): UsbSimulator {
  return createUsbSimulator(profile, overrides, { clock, random: createRandom(1) });
}

describe('shipped profiles of USB devices', () => {
  it('are those of the first two instruments at least', () => {
    expect(profiles.map(({ name }) => name)).to.include.members(['mcc-usb-1608fs-plus', 'velleman-k8055']);
  });

  for (const profile of profiles)
    it(`${profile.name} starts its simulator, which has the ids that the profile binds to`, () => {
      const clock = new VirtualClock();
      const device = simulate(profile, {}, clock);
      new TestHost(device, clock).configure().run(1e9);
      const { idVendor, idProduct } = parseDevice(device.description.device);
      const hex = (id: number): string => id.toString(16).padStart(4, '0');
      expect([hex(idVendor), hex(idProduct)]).to.deep.equal([profile.bind.usb.vendorId, profile.bind.usb.productId]);
      const isHid = device.description.reports.size > 0;
      expect(isHid).to.equal(profile.kind === 'hid');
      const matches = profile.identification.match.map((match) => [match.ID_VENDOR_ID, match.ID_MODEL_ID]);
      expect(matches).to.deep.include([hex(idVendor), hex(idProduct)]);
    });

  it('take overrides field by field, and refuse what does not fit by its name', () => {
    const mcc = profiles.find(({ name }) => name === 'mcc-usb-1608fs-plus');
    if (mcc === undefined) return expect.fail('there is no such profile');
    expect(simulate(mcc, { counterHz: 7 }).settings).to.include({ counterHz: 7, clockPpm: 12 });
    try {
      simulate(mcc, { clockPmm: 3 });
    } catch (error) {
      expect((error as HalError).code).to.equal('HAL_INVALID');
      expect((error as HalError).message).to.contain('clockPmm');
      return;
    }
    expect.fail('it was accepted');
  });
});
