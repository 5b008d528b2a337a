/** What the kernel's usbmon recorded inside is replayed outside, against its own recorded host side. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import Mocha from 'mocha';
import { VirtualClock } from '../base/index.js';
import { openUsbReplay, playUsbHost } from '../hal/index.js';
import { EXCHANGE } from './machine.js';

const NAMES = ['mouse', 'k8055', 'mcc', 'gnss'];
const FILE = /^(\w+)\.(\d+)\.(\d+)\.pcapng$/;
/** Longer than any recording of the lab. */
const RUN_NS = 3600e9;

interface Recorded {
  readonly path: string;
  readonly device: { readonly bus: number; readonly device: number };
}

function find(name: string): Recorded | undefined {
  for (const file of readdirSync(EXCHANGE)) {
    const [, found, bus, device] = FILE.exec(file) ?? [];
    if (found === name) return { path: join(EXCHANGE, file), device: { bus: Number(bus), device: Number(device) } };
  }
  return undefined;
}

function replays({ path, device }: Recorded): void {
  const clock = new VirtualClock();
  const port = openUsbReplay(path, { clock, device });
  const host = playUsbHost(path, { clock, port, device });
  clock.runUntilIdle(RUN_NS);
  const report = port.divergence();
  const played = host.report();
  host.stop();
  port.close();
  expect(host.failure).to.equal(undefined);
  expect(played.submitted).to.be.above(0);
  expect(played.differing, played.first).to.equal(0);
  expect([report.differences, report.unconsumed], JSON.stringify(report.first)).to.deep.equal([0, 0]);
}

/** Adds the tests under `parent`; with `partial` a recording that was not made this time is pending. */
export function addReplays(parent: Mocha.Suite, partial: boolean): void {
  const suite = Mocha.Suite.create(parent, 'Recordings of the kernel, outside');
  for (const name of NAMES) {
    suite.addTest(
      new Mocha.Test(
        `${name}: replays without a divergence, and Wireshark finds no damage`,
        function (this: Mocha.Context) {
          const recorded = find(name);
          if (recorded === undefined && partial) this.skip();
          if (recorded === undefined)
            throw new Error(`usbmon recorded no ${name}: the test inside that does has failed`);
          replays(recorded);
          const { status, stderr } = spawnSync('tshark', ['-r', recorded.path, '-T', 'fields', '-e', 'frame.number']);
          expect(status, stderr.toString()).to.equal(0);
        },
      ),
    );
  }
}
