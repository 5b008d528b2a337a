/** The shipped plans, unchanged, on devices that a real kernel has: the same files that run on simulators and recordings. */

import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { attach } from './usbip.js';

/** A plan starts processes, runs in wall time and is certified, all under emulation. */
const PLAN_LIMIT_MS = 600_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function rig(...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['dist/rig/cli/main.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece) => {
        output += piece;
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

describe('shipped plans on real devices', function () {
  this.timeout(PLAN_LIMIT_MS);

  it('passes the plan of a finite scan, which passes on simulator and recording, through the USB library', async () => {
    const attached = await attach('mcc-usb-1608fs-plus');
    const plan = 'test-plans/finite-scan.plan.ts';
    const { code, output } = await rig('run', plan, '-b', 'real', '--out', '/out/plan', '--timeout', '8 min', '-q');
    await attached.detach();
    expect(code, output).to.equal(0);
    expect(output).to.match(/PASS: 4 PASS/);
  });
});
