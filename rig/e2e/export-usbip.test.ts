/** Simulators shown over USB/IP by the real command, and taken by our client and by usbip(8). */

import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { TRANSFER_TYPE, URB_STATUS, WallClock } from '../../base/index.js';
import { connectUsbip, Transfers } from '../../hal/index.js';
import { EXIT } from '../cli/exit-codes.js';
import { findRecording } from '../paths.js';
import { endAll, type RigProcess, rig, startRig } from './rig-process.js';
import { simulatedStream } from './terminal.js';

const SET_CONFIGURATION = { bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 };

async function startServer(...sources: readonly string[]): Promise<{ process: RigProcess; port: number }> {
  const process = startRig(['export', ...sources, '--usbip', '127.0.0.1:0', '--seed', 'seven']);
  await process.says(/Ctrl-C ends it/);
  return { process, port: Number(/:(\d+)\n/.exec(process.out)?.[1]) };
}

/** The tool must not be waited for synchronously: this process has timers to serve. */
function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { timeout: 20_000 });
    let text = '';
    child.stdout.on('data', (part) => {
      text += String(part);
    });
    child.on('close', () => resolve(text));
  });
}

describe('rig export --usbip', function () {
  this.timeout(120_000);
  afterEach(() => endAll());

  it('numbers the devices, says how to attach them, and ends with 0 at Ctrl-C', async () => {
    const { process, port } = await startServer('sim:gnss-nmea-1hz', 'sim:velleman-k8055');
    process.signal('SIGINT');
    const { code, out, err } = await process.ended;
    expect(code).to.equal(EXIT.pass);
    expect(out).to.match(/^127\.0\.0\.1:\d+\nstopped: 0 transfers in /);
    expect(err).to.include('1-1: sim:gnss-nmea-1hz (1209:0001)').and.to.include('1-2: sim:velleman-k8055 (10cf:5500)');
    expect(err).to.include(`sudo modprobe vhci-hcd; sudo usbip --tcp-port ${port} attach -r 127.0.0.1 -b 1-1`);
  });

  it('is listed by usbip(8)', async function () {
    if (spawnSync('usbip', ['version']).error !== undefined) {
      console.log('      pending: usbip is not installed (apt-get install usbip)');
      this.skip();
    }
    const { port } = await startServer('sim:gnss-nmea-1hz', 'sim:velleman-k8055');
    const listed = await output('usbip', ['--tcp-port', String(port), 'list', '-r', '127.0.0.1']);
    expect(listed).to.match(/1-1: .*\(1209:0001\)/);
    expect(listed).to.match(/1-2: .*\(10cf:5500\)/);
  });

  it('carries the characters of a receiver as a device of the communication class', async () => {
    const { port } = await startServer('sim:gnss-nmea-10hz');
    const clock = new WallClock();
    const remote = await connectUsbip({ host: '127.0.0.1', port, busid: '1-1', clock });
    const host = new Transfers(remote, clock);
    await host.control(SET_CONFIGURATION);
    // DTR and RTS: a program has opened it.
    await host.control({ bmRequestType: 0x21, bRequest: 0x22, wValue: 3, wIndex: 0, wLength: 0 });
    const parts: Uint8Array[] = [];
    for (let length = 0; length < 2000; ) {
      const { status, data } = await host.in(TRANSFER_TYPE.bulk, 0x81, 64, 20_000);
      expect(status).to.equal(0);
      parts.push(data);
      length += data.length;
    }
    remote.close();
    expect(simulatedStream('gnss-nmea-10hz', 'seven', 60e9).includes(Buffer.concat(parts))).to.equal(true);
  });

  it('carries the reports of a HID device, and its report descriptor', async () => {
    const { port } = await startServer('sim:velleman-k8055');
    const clock = new WallClock();
    const remote = await connectUsbip({ host: '127.0.0.1', port, busid: '1-1', clock });
    expect(remote.description.reports.get(0)?.[0]).to.equal(0x06);
    const host = new Transfers(remote, clock);
    await host.control(SET_CONFIGURATION);
    const { status, data } = await host.in(TRANSFER_TYPE.interrupt, 0x81, 8, 20_000);
    expect([status, data.length]).to.deep.equal([0, 8]);
    remote.close();
  });

  it('plays a recording, and lets go of a host that does something else, saying where', async () => {
    const { process, port } = await startServer(findRecording('velleman-k8055.pcapng'));
    const clock = new WallClock();
    const remote = await connectUsbip({ host: '127.0.0.1', port, busid: '1-1', clock });
    expect([...remote.description.strings.values()]).to.include('USB K8055');
    const host = new Transfers(remote, clock);
    await host.control(SET_CONFIGURATION);
    const { status, data } = await host.in(TRANSFER_TYPE.interrupt, 0x81, 8, 20_000);
    expect([status, data.length]).to.deep.equal([0, 8]);
    const other = await host.control({ bmRequestType: 0x40, bRequest: 0x77, wValue: 1, wIndex: 0, wLength: 0 });
    expect(other.status).to.equal(URB_STATUS.shutdown);
    await process.says(/1-1 .* was detached: .*\(control 40 77 01 00 00 00 00 00\) differs from URB \d+/);
  });

  it('says so when the port is taken, and when an address is none', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const refused = await rig(['export', 'sim:velleman-k8055', '--usbip', `127.0.0.1:${port}`]);
    taken.close();
    expect(refused.err).to.include('(HAL_IN_USE)').and.to.include('choose another port');
    expect((await rig(['export', 'sim:velleman-k8055', '--usbip', '127.0.0.1:70000'])).code).to.equal(EXIT.usage);
  });
});
