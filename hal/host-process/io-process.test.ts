import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { MockHidStand } from '../hid/real/mock-hid-stand.js';
import { openRealHid } from '../hid/real/real-hid.js';
import { PtyMaster } from '../serial/pty/pty-master.js';
import { realBinding } from '../serial/real/real-binding.js';
import { MOCK_USB, MockUsbStand } from '../usb/real/mock-usb-stand.js';
import { openRealUsb } from '../usb/real/real-usb.js';
import type { HostConnection } from './host-connection.js';
import { IoProcess, type IoProcessOptions } from './io-process.js';
import { LocalHost } from './local-host.js';
import { alive, ptyMissing, refusal } from './process-test-kit.js';

interface EchoRequests {
  echo: { args: unknown; answer: unknown };
  fail: { args: string; answer: undefined };
  never: { args: undefined; answer: undefined };
  crash: { args: undefined; answer: undefined };
}
type Echo = HostConnection<EchoRequests, { heard: number }, { say: number }>;

const HOST_SOURCE = `export function createHost(send) {
  let number = 0;
  return {
    handlers: {
      echo: async (args) => ({ args, number: ++number }),
      fail: async (words) => { throw Object.assign(new Error(words), { code: 'EIO', partial: Uint8Array.of(1) }); },
      never: () => new Promise(() => {}),
      crash: async () => { console.error('driver: bad magic'); process.exit(3); },
    },
    hear: ({ say }) => send({ heard: say }),
  };
}`;

describe('IoProcess', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rigvisor-io-'));
  const factory = pathToFileURL(join(folder, 'echo.mjs'));
  let io: IoProcess;
  before(() => writeFileSync(factory, HOST_SOURCE));
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => io.end());

  const start = (options: IoProcessOptions = {}): IoProcess => {
    io = new IoProcess(options);
    return io;
  };
  const seat = (where: string): Echo => io.connect(factory, where);
  const lossOf = (each: Echo): Promise<HalError> =>
    new Promise((resolve) => {
      each.onLost = resolve;
    });

  it('keeps the state of each seat and sends what a host says to its own seat', async () => {
    start();
    const [a, b] = [seat('device A'), seat('device B')];
    expect(await a.request('echo', 'x')).to.deep.equal({ args: 'x', number: 1 });
    expect(await a.request('echo', 'x')).to.deep.equal({ args: 'x', number: 2 });
    expect(await b.request('echo', 'y')).to.deep.equal({ args: 'y', number: 1 });
    expect(a.pid).to.equal(b.pid).and.to.equal(io.pid);
    a.onEvent = () => expect.fail('the wrong seat heard it');
    const heard = new Promise((resolve) => {
      b.onEvent = resolve;
    });
    b.send({ say: 7 });
    expect(await heard).to.deep.equal({ heard: 7 });
  });

  it('fails as a process of its own and the calling thread do', async () => {
    start();
    for (const each of [seat('device A'), new LocalHost<EchoRequests>(factory, 'device A')]) {
      const failure = await refusal(each.request('fail', 'EIO: no luck'));
      expect(failure).to.include({ message: 'EIO: no luck', code: 'EIO', canceled: false });
      expect(failure.partial).to.deep.equal(Uint8Array.of(1));
      const late = await refusal(each.request('never', undefined, 50));
      expect(late.code).to.equal('HAL_TIMEOUT');
      expect(late.message).to.equal('device A: never did not finish within 50 ms');
      await each.end();
      expect((await refusal(each.request('echo', 1))).code).to.equal('HAL_CLOSED');
    }
  });

  it('loses every seat once, with its name and the last words, and serves new ones by itself', async () => {
    start();
    const seats = [seat('device A'), seat('device B')];
    for (const each of seats) await each.request('echo', 0);
    const losses = seats.map(lossOf);
    const [dead] = [io.pid ?? 0];
    const waiting = refusal(seats[1].request('never', undefined));
    const crashed = await refusal(seats[0].request('crash', undefined));
    const [a, b] = await Promise.all(losses);
    expect(crashed).to.equal(a);
    expect(await waiting).to.equal(b);
    expect(a.code).to.equal('HAL_HOST_PROCESS');
    expect(a.message).to.match(/^device A: .*exit code 3; its last words: driver: bad magic$/);
    expect(b.message).to.match(/^device B: /);
    expect(await refusal(seats[0].request('echo', 0))).to.equal(a);
    expect(await seat('device A').request('echo', 1)).to.deep.equal({ args: 1, number: 1 });
    expect(io.losses).to.equal(1);
    expect(io.pid).not.to.equal(dead);
    for (const each of seats) await each.end();
  });

  it('kills a process that is stopped, and goes on with another', async () => {
    start({ heartbeatMs: 200, missedHeartbeats: 5 });
    const device = seat('device A');
    await device.request('echo', 0);
    const lost = lossOf(device);
    const stopped = io.pid ?? 0;
    process.kill(stopped, 'SIGSTOP');
    expect((await lost).message).to.match(/no sign of life/);
    expect(await seat('device A').request('echo', 1)).to.deep.equal({ args: 1, number: 1 });
    if (process.platform === 'linux') expect(alive(stopped)).to.equal(false);
  });

  it('is given up, with a sentence, when it is lost more often than is allowed', async () => {
    start({ restartsPerMinute: 2, restartDelayMs: 1 });
    for (let loss = 0; loss < 3; loss++) await refusal(seat('device A').request('crash', undefined));
    const error = await refusal(seat('device A').request('echo', 0));
    expect(error.code).to.equal('HAL_HOST_PROCESS');
    expect(error.message).to.match(/lost 3 times within a minute and is not started again; the last time: .*bad magic/);
    expect(io.pid).to.equal(undefined);
  });

  it('lets nobody wait for a start when it is ended meanwhile', async () => {
    start({ restartDelayMs: 60_000, maxRestartDelayMs: 60_000 });
    await refusal(seat('device A').request('crash', undefined));
    const waiting = refusal(seat('device B').request('echo', 0));
    await io.end();
    expect((await waiting).code).to.equal('HAL_CLOSED');
    expect((await refusal(seat('device C').request('echo', 0))).code).to.equal('HAL_CLOSED');
  });

  it('owns a port, a HID device and a USB device at once, and their locks are taken over after its death', async function () {
    const missing = process.platform === 'linux' ? ptyMissing() : 'needs Linux';
    if (missing !== undefined) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    start();
    const hid = new MockHidStand();
    const usb = new MockUsbStand('mock-loopback-usb.js');
    const pty = new PtyMaster(new WallClock());
    await hid.plug();
    const open = async () => ({
      port: await realBinding({ hosts: io }).open({ path: pty.path, baudRate: 9600 }),
      hid: await openRealHid(hid.path, { ...hid.options, hosts: io }),
      usb: await openRealUsb({ portPath: MOCK_USB.portPath }, { ...usb.options, hosts: io }),
    });
    const first = await open();
    expect([first.port.hostPid, first.hid.hostPid, first.usb.hostPid]).to.deep.equal([io.pid, io.pid, io.pid]);
    expect((await refusal(openRealHid(hid.path, { ...hid.options, hosts: io }))).code).to.equal('HAL_IN_USE');
    const read = refusal(first.port.read(Buffer.alloc(1), 0, 1));
    const report = refusal(first.hid.read());
    process.kill(io.pid ?? 0, 'SIGKILL');
    expect([(await read).code, (await report).code]).to.deep.equal(['HAL_HOST_PROCESS', 'HAL_HOST_PROCESS']);
    expect(first.usb.opened).to.equal(false);
    await first.hid.close();
    await first.port.close();
    const again = await open();
    await again.usb.close();
    await again.hid.close();
    await again.port.close();
    pty.close();
    usb.remove();
    await hid.close();
  });
});
