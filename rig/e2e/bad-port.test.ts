/** Gives the real command ports that it cannot have. */

import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import { createPtyPair } from '../../hal/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { type TestFolder, testFolder } from '../test-support/session.js';
import { hasRecorded, recordedCharacters } from './recorded.js';
import { endAll, rig, startRig, waitUntil, withoutRights } from './rig-process.js';
import { noTerminal, startTerminal } from './terminal.js';

const missing = noTerminal();

describe(`a port that cannot be had${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(240_000);
  let folder: TestFolder;
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(async () => {
    await endAll();
    folder.remove();
  });

  const recording = (port: string, file: string): string[] => [
    ...['record', '--port', port, '--profile', 'gnss-nmea-10hz', '-o', join(folder.path, file)],
  ];

  it('is in use: 8, naming the process that has it, which goes on undisturbed', async () => {
    const terminal = await startTerminal(folder.path, 'gnss-nmea-10hz');
    const holder = startRig(recording(terminal.path, 'first.pcapng'));
    const first = join(folder.path, 'first.pcapng');
    await waitUntil('the first one records', () => hasRecorded(first, 0));
    const { code, out, err } = await rig(recording(terminal.path, 'second.pcapng'));
    expect(err).to.match(
      /^rig: \S+ is in use by process \d+ .*; end the program that has it open, .* \(HAL_IN_USE\)\n$/,
    );
    expect([code, out]).to.deep.equal([EXIT.deviceInUse, '']);
    expect(readdirSync(folder.path)).to.not.contain('second.pcapng');
    const count = recordedCharacters(first).length;
    await waitUntil('the first one goes on recording', () => hasRecorded(first, count));
    holder.signal('SIGINT');
    expect((await holder.ended).code).to.equal(EXIT.pass);
  });

  it('may not be opened by this user: 9, with what to do about it', async function () {
    const pair = createPtyPair(new WallClock());
    try {
      chmodSync(pair.paths[0], 0);
      chmodSync(folder.path, 0o777);
      const { nobody, reason } = await withoutRights();
      if (reason !== undefined) {
        console.log(`      skipped: ${reason}`);
        this.skip();
      }
      const { code, out, err } = await rig(recording(pair.paths[0], 'new.pcapng'), { nobody });
      expect(err).to.match(/^rig: the operating system refuses access to \S+; (join|add) .* \(HAL_DENIED\)\n$/);
      expect([code, out]).to.deep.equal([EXIT.denied, '']);
      expect(readdirSync(folder.path)).to.deep.equal([]);
    } finally {
      pair.close();
    }
  });
});
