/** A board of another process goes away under a run in wall time: the run ends, says so, and keeps what came until then. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import { startSharedBoard } from '../../hal/index.js';
import { ARCHITECTURES, type RunRequest } from '../run/run-types.js';
import { certify } from './certify.js';
import { cellDevices } from './device-hosts.js';
import { findProfile } from './executor.js';
import { openGuest } from './open-guest.js';
import { performWallRun } from './wall-run.js';

const PROFILE = 'rv-daq16';
const GUEST = 'board-logger';
const CERTIFICATION_MS = 60_000;
const onLinux = process.platform === 'linux';

describe(`a run whose board goes away${onLinux ? '' : ' (skipped: needs Linux)'}`, function () {
  this.timeout(90_000);
  let outDir = '';
  before(function () {
    if (!onLinux) this.skip();
  });
  beforeEach(() => {
    outDir = mkdtempSync(join(tmpdir(), 'rigvisor-lost-board-'));
  });
  afterEach(() => rmSync(outDir, { recursive: true, force: true }));

  for (const architecture of ARCHITECTURES) {
    it(`ends with what came until then, certified, when it is ${architecture}`, async () => {
      const board = await startSharedBoard({ origin: new WallClock().origin });
      const guest = openGuest(GUEST);
      let killed = false;
      const request: RunRequest = {
        cell: {
          ...{ plan: 'test', profile: PROFILE, binding: 'real', architecture, engine: 'translator' },
          frontend: architecture === 'hosted' ? 'emulated' : 'ring',
        },
        ...{ guest: GUEST, bootargs: 'rate=5000 source=counter', durationNs: 60e9, seed: 'test', outDir },
        port: `shared:${board.path}`,
        progress: ({ reports }) => {
          if (killed || reports < 3) return;
          killed = true;
          process.kill(board.pid, 'SIGKILL');
        },
      };
      try {
        const { stop, tracePath, guests } = await performWallRun(request, guest, findProfile(PROFILE), {
          hosts: cellDevices(),
        });
        expect(stop.kind).to.equal('device-lost');
        expect(stop.cause).to.have.property('code', 'HAL_DISCONNECTED');
        expect(guests[0].reports.length).to.be.at.least(3);
        const { certified } = await certify(tracePath, () => guest.image, 'translator', CERTIFICATION_MS);
        expect(certified).to.equal(true);
      } finally {
        await board.stop();
      }
    });
  }
});
