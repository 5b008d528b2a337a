/** Tests of what is looked at before anything runs. */

import { expect } from 'chai';
import { RigError } from '../errors.js';
import type { PreflightRequest } from '../run/services.js';
import { DEFAULT_CALIBRATION } from './executor.js';
import { preflight } from './preflight.js';

async function codeOf(request: PreflightRequest): Promise<string> {
  try {
    await preflight(request);
    return 'none';
  } catch (error) {
    return error instanceof RigError ? error.code : String(error);
  }
}

describe('preflight', () => {
  it('takes what is there', async () => {
    expect(await codeOf({ profiles: ['none', 'gnss-nmea-1hz'], calibrationPath: DEFAULT_CALIBRATION })).to.equal(
      'none',
    );
  });

  it('names a profile that nobody has', async () => {
    expect(await codeOf({ profiles: ['gnss-nmea-2hz'] })).to.equal('RIG_PROFILE_UNKNOWN');
  });

  it('names a calibration file that is not there', async () => {
    expect(await codeOf({ calibrationPath: '/nowhere/here.json' })).to.equal('RIG_CALIBRATION');
  });
});
