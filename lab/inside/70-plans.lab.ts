/** Shipped plans on the "real" devices of the machine: the same command as at a bench. */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { until } from './until.js';
import { attach } from './usbip.js';

/** A plan loads the whole rig and its guest's engine under emulation. */
const LIMIT_MS = 420_000;

/** Resolves with the exit code and what was printed. */
async function rigRun(name: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ['dist/rig/cli/main.js', 'run', ...args, '--quiet', '--timeout', '6 min', '--out', `/out/${name}`],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

/** Under emulation the limits of timing may be missed, which is a FAIL of the plan and no error of a layer. */
function expectVerdicts(code: number | null, output: string): void {
  process.stdout.write(output);
  expect(code, output).to.be.oneOf([0, 1]);
  expect(output).to.not.match(/^(ERROR|TIMEOUT|ABORTED)/m);
  expect(output).to.match(/[1-9]\d* PASS/);
}

describe('Plans on real devices in the lab', function () {
  this.timeout(LIMIT_MS);

  it('gnss-logger runs with --binding real on /dev/ttyACM0 to its verdicts', async () => {
    const attached = await attach('gnss-nmea-1hz');
    const tty = `/sys/bus/usb/devices/${attached.portPath}/${attached.portPath}:1.0/tty`;
    const [terminal] = await until('the terminal', () => existsSync(tty) && readdirSync(tty));
    const { code, output } = await rigRun('gnss-logger', [
      ...['gnss-logger', '--profile', 'gnss-nmea-1hz', '--binding', 'real', '--port', `/dev/${terminal}`],
      ...['--architecture', 'hosted', '--frontend', 'paravirtual'],
    ]);
    await attached.detach();
    expectVerdicts(code, output);
  });

  it('k8055-logger runs with --binding real on the hidraw device to its verdicts', async () => {
    const attached = await attach('velleman-k8055');
    const { code, output } = await rigRun('k8055-logger', [
      ...['k8055-logger', '--binding', 'real', '--port', 'hid:10cf:5500', '--architecture', 'hosted'],
    ]);
    await attached.detach();
    expectVerdicts(code, output);
  });
});
