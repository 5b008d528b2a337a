import { expect } from 'chai';
import { refusal } from '../../host-process/process-test-kit.js';
import { wallTime } from '../../serial/passing-time.js';
import { drive, MOCK_REQUEST, MOCK_USB, MockUsbStand } from './mock-usb-stand.js';
import type { RealUsbDevice, UsbTransferOptions } from './real-device.js';
import { listRealUsb, openRealUsb } from './real-usb.js';
import { watchRealUsb } from './watch-usb.js';

const LINUX = process.platform === 'linux';

const sleep = (ms: number): Promise<void> => wallTime().pass(ms * 1e6);
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);

describe(`real USB against the library's ways${LINUX ? '' : ' (pending: needs Linux)'}`, () => {
  let stand: MockUsbStand;
  const opened: RealUsbDevice[] = [];
  before(function () {
    if (!LINUX) this.skip();
  });
  beforeEach(() => {
    stand = new MockUsbStand();
  });
  afterEach(async () => {
    for (const device of opened.splice(0)) await device.close();
    stand.remove();
  });

  async function open(options: Parameters<typeof openRealUsb>[1] = {}): Promise<RealUsbDevice> {
    const device = await openRealUsb('1209:0001', { ...stand.options, ...options });
    opened.push(device);
    return device;
  }

  async function claimed(options: Parameters<typeof openRealUsb>[1] = {}): Promise<RealUsbDevice> {
    const device = await open(options);
    await device.claimInterface(0);
    return device;
  }

  async function read(
    device: RealUsbDevice,
    endpoint: number,
    length: number,
    options?: UsbTransferOptions,
  ): Promise<{ status: string | undefined; bytes: number[] }> {
    const { status, data } = await device.transferIn(endpoint, length, options);
    const bytes = data === undefined ? [] : [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
    return { status, bytes };
  }

  const feed = (device: RealUsbDevice, bytes: Uint8Array, index = 1) => drive(device, 'feed', { index, data: bytes });

  describe('one pending transfer an endpoint', () => {
    it('queues reads that are asked for at once, and answers them in order', async () => {
      const device = await claimed();
      const reads = [read(device, 1, 64), read(device, 1, 64), read(device, 1, 64)];
      for (const byte of [1, 2, 3]) await feed(device, Uint8Array.of(byte));
      expect((await Promise.all(reads)).map(({ bytes }) => bytes)).to.deep.equal([[1], [2], [3]]);
    });

    it('queues writes', async () => {
      const device = await claimed();
      const results = await Promise.all([1, 2, 3].map((byte) => device.transferOut(2, Uint8Array.of(byte))));
      expect(results.map(({ bytesWritten }) => bytesWritten)).to.deep.equal([1, 1, 1]);
      expect(stand.log().filter((line) => line.startsWith('out'))).to.deep.equal(['out 2 01', 'out 2 02', 'out 2 03']);
    });

    it('lets endpoints run side by side', async () => {
      const device = await claimed();
      const waiting = read(device, 1, 64);
      await feed(device, Uint8Array.of(7), 3);
      expect((await read(device, 3, 8)).bytes).to.deep.equal([7]);
      await feed(device, Uint8Array.of(8));
      expect((await waiting).bytes).to.deep.equal([8]);
    });
  });

  describe('bytes lost at a time-out', () => {
    it('gives bytes that come after a time-out to the next read', async () => {
      const device = await claimed();
      const error = await refusal(read(device, 1, 64, { timeoutMs: 30 }));
      expect(error.code).to.equal('HAL_TIMEOUT');
      expect(error.partial).to.deep.equal(new Uint8Array(0));
      await feed(device, Uint8Array.of(1, 2, 3));
      expect(await read(device, 1, 64)).to.deep.equal({ status: 'ok', bytes: [1, 2, 3] });
      expect(stand.log().filter((line) => line.startsWith('in'))).to.deep.equal(['in 1 64']);
    });

    it('keeps for a smaller read what it does not take', async () => {
      const device = await claimed();
      await refusal(read(device, 1, 64, { timeoutMs: 30 }));
      await feed(device, counting(10));
      expect((await read(device, 1, 4)).bytes).to.deep.equal([0, 1, 2, 3]);
      expect((await read(device, 1, 64)).bytes).to.deep.equal([4, 5, 6, 7, 8, 9]);
    });

    it('hands over as partial what had come when the next read times out too', async () => {
      const device = await claimed();
      await refusal(read(device, 1, 64, { timeoutMs: 30 }));
      await feed(device, counting(64));
      const error = await refusal(read(device, 1, 256, { timeoutMs: 30 }));
      expect(error.code).to.equal('HAL_TIMEOUT');
      expect(error.partial).to.deep.equal(counting(64));
    });

    it('ends a wait by a signal in the same way', async () => {
      const device = await claimed();
      const abort = new AbortController();
      const waiting = refusal(read(device, 1, 64, { signal: abort.signal }));
      abort.abort();
      expect((await waiting).code).to.equal('HAL_CLOSED');
      await feed(device, Uint8Array.of(9));
      expect((await read(device, 1, 64)).bytes).to.deep.equal([9]);
    });

    it("goes on where the library's own time-out ends a transfer", async () => {
      const device = await claimed();
      const waiting = read(device, 1, 64);
      await drive(device, 'fail', { index: 1, value: 1 });
      await feed(device, Uint8Array.of(5));
      expect((await waiting).bytes).to.deep.equal([5]);
    });

    it('reports a write that times out, and keeps the next behind it', async () => {
      const device = await claimed();
      await drive(device, 'holdOut', { index: 2 });
      for (const byte of [1, 2]) {
        const error = await refusal(device.transferOut(2, Uint8Array.of(byte), { timeoutMs: 30 }));
        expect(error.code).to.equal('HAL_TIMEOUT');
      }
      expect(stand.log().filter((line) => line.startsWith('out'))).to.deep.equal(['out 2 01']);
    });

    it('reports a control transfer that the device does not answer', async () => {
      const device = await open({ controlTimeoutMs: 50 });
      const error = await refusal(
        device.controlTransferIn(
          { requestType: 'vendor', recipient: 'device', request: MOCK_REQUEST.silence, value: 0, index: 0 },
          8,
        ),
      );
      expect(error.code).to.equal('HAL_TIMEOUT');
    });
  });

  describe('requests that are no multiple of the packet size', () => {
    it('asks for whole packets and reports what did not fit as babble', async () => {
      const device = await claimed();
      await feed(device, counting(64));
      expect(await read(device, 1, 10)).to.deep.equal({ status: 'babble', bytes: [...counting(10)] });
      expect(stand.log()).to.include('in 1 64');
    });

    it('answers a short packet that fits as it is', async () => {
      const device = await claimed();
      await feed(device, counting(10));
      expect(await read(device, 1, 10)).to.deep.equal({ status: 'ok', bytes: [...counting(10)] });
    });

    it('answers an empty packet with no bytes', async () => {
      const device = await claimed();
      await feed(device, new Uint8Array(0));
      expect(await read(device, 1, 100)).to.deep.equal({ status: 'ok', bytes: [] });
    });

    it('reads packets of an alternate setting by their own size', async () => {
      const device = await claimed();
      for (const alternate of [0, 1]) {
        await device.selectAlternateInterface(0, alternate);
        const waiting = refusal(read(device, 1, 70));
        await drive(device, 'fail', { index: 1, value: 0 });
        await waiting;
      }
      expect(stand.log().filter((line) => line.startsWith('in'))).to.deep.equal(['in 1 128', 'in 1 96']);
      expect(device.configuration?.interfaces[0].alternate.alternateSetting).to.equal(1);
    });
  });

  describe('STALL as text', () => {
    it('becomes the status of a transfer, until the halt is cleared', async () => {
      const device = await claimed();
      const waiting = read(device, 1, 64);
      await drive(device, 'halt', { index: 1 });
      expect(await waiting).to.deep.equal({ status: 'stall', bytes: [] });
      expect((await read(device, 1, 64)).status).to.equal('stall');
      await device.clearHalt('in', 1);
      await feed(device, Uint8Array.of(1));
      expect((await read(device, 1, 64)).status).to.equal('ok');
    });

    it('becomes the status of a control transfer', async () => {
      const device = await open();
      const setup = { requestType: 'vendor', recipient: 'device', request: 99, value: 0, index: 0 } as const;
      expect((await device.controlTransferIn(setup, 8)).status).to.equal('stall');
      expect((await device.controlTransferOut(setup)).status).to.equal('stall');
    });
  });

  describe('other errors as text', () => {
    for (const [value, code] of [
      [0, 'HAL_IO'],
      [2, 'HAL_IO'],
    ] as const)
      it(`carry a code (${['Fault', 'Cancelled', 'Unknown'][value]})`, async () => {
        const device = await claimed();
        const waiting = refusal(read(device, 1, 64));
        await drive(device, 'fail', { index: 1, value });
        expect((await waiting).code).to.equal(code);
      });
  });

  it('sends a control transfer without data (empty OUT control transfers)', async () => {
    const device = await open();
    expect(await drive(device, 'nothing')).to.deep.equal({ status: 'ok', bytesWritten: 0 });
  });

  it('reads a piece of a pooled buffer and not the pool', async () => {
    const device = await claimed();
    await feed(device, Uint8Array.of(1, 2));
    expect((await read(device, 1, 64)).bytes).to.deep.equal([1, 2]);
    const counted = await device.controlTransferIn(
      { requestType: 'vendor', recipient: 'device', request: MOCK_REQUEST.count, value: 3, index: 0 },
      64,
    );
    expect(counted.data?.byteLength).to.equal(3);
  });

  it('refuses isochronous transfers by name', async () => {
    const device = await claimed();
    for (const call of [
      device.isochronousTransferIn(),
      device.isochronousTransferOut(),
      device.transferIn(4, 192),
    ] as Promise<unknown>[])
      expect((await refusal(call)).code).to.equal('HAL_UNSUPPORTED');
  });

  describe('no automatic detach', () => {
    it('takes an interface from its kernel driver and gives it back on release', async () => {
      const device = await open();
      await device.claimInterface(1);
      expect(stand.driverAttached).to.equal(false);
      await device.releaseInterface(1);
      expect(stand.driverAttached).to.equal(true);
      expect(stand.log()).to.deep.equal(['open', 'detach 1', 'claim 1', 'release 1', 'attach 1']);
    });

    it('gives it back on close, after the claims, which the library forgets', async () => {
      const device = await open();
      await device.claimInterface(0);
      await device.claimInterface(1);
      await device.close();
      expect(stand.log().slice(-4)).to.deep.equal(['release 0', 'release 1', 'attach 1', 'close']);
    });

    it('gives it back on close while a transfer is pending, which keeps the interface', async () => {
      const device = await open();
      await device.claimInterface(1);
      const waiting = refusal(read(device, 5, 8));
      await feed(device, new Uint8Array(0), 1);
      await device.close();
      expect((await waiting).code).to.equal('HAL_CLOSED');
      expect(stand.driverAttached).to.equal(true);
    });

    it('gives it back when the process that owns the device dies', async () => {
      const device = await open();
      await device.claimInterface(1);
      process.kill(device.hostPid ?? 0, 'SIGKILL');
      while (device.opened) await sleep(10);
      await device.givenBack;
      expect(stand.driverAttached).to.equal(true);
    });

    it('gives back what a dead process owed when the device is opened and closed again', async () => {
      const module = new URL('./real-usb.js', import.meta.url).href;
      const { spawnSync } = await import('node:child_process');
      const source = `import { openRealUsb } from '${module}';
        const device = await openRealUsb('1209:0001', ${JSON.stringify(stand.options)});
        await device.claimInterface(1);
        process.kill(device.hostPid, 'SIGKILL');
        process.kill(process.pid, 'SIGKILL');`;
      expect(spawnSync(process.execPath, ['--input-type=module', '-e', source]).signal).to.equal('SIGKILL');
      expect(stand.driverAttached).to.equal(false);
      await (await open()).close();
      expect(stand.driverAttached).to.equal(true);
    });

    it('gives it back when the whole rig is killed while a transfer is pending', async () => {
      const module = new URL('./real-usb.js', import.meta.url).href;
      const { spawnSync } = await import('node:child_process');
      const source = `import { openRealUsb } from '${module}';
        const device = await openRealUsb('1209:0001', ${JSON.stringify(stand.options)});
        await device.claimInterface(1);
        device.transferIn(5, 8).catch(() => {});
        await device.controlTransferOut({ requestType: 'vendor', recipient: 'device', request: 0, value: 0, index: 0 });
        process.kill(process.pid, 'SIGKILL');`;
      expect(spawnSync(process.execPath, ['--input-type=module', '-e', source]).signal).to.equal('SIGKILL');
      // The last thing that the process which gives back writes down.
      for (let tries = 0; stand.log().at(-1) !== 'close' && tries < 300; tries++) await sleep(10);
      expect(stand.driverAttached).to.equal(true);
      for (let tries = 0; stand.locks().length > 0 && tries < 100; tries++) await sleep(10);
      expect(stand.locks()).to.deep.equal([]);
    });
  });

  describe('missing /sys/bus/usb', () => {
    it('lists nothing and says why', async () => {
      stand.hideUsb();
      const { devices, reason } = await listRealUsb(stand.options);
      expect(devices).to.deep.equal([]);
      expect(reason).to.match(/bus\/usb\/devices is not there/);
    });

    it('is no device that could be opened', async () => {
      stand.hideUsb();
      const error = await refusal(open());
      expect(error.code).to.equal('HAL_NOT_FOUND');
      expect(error.hint).to.match(/no USB controller/);
    });

    it('is watched without an error that nobody catches', async () => {
      stand.hideUsb();
      const watch = await watchRealUsb({ ...stand.options, pollMs: 20 });
      expect(watch.devices).to.deep.equal([]);
      expect(watch.reason).to.match(/is not there/);
      await sleep(50);
      await watch.close();
    });
  });

  it('lists without opening any device (getters that open the device)', async () => {
    const { devices } = await listRealUsb(stand.options);
    expect(devices).to.deep.equal([
      {
        portPath: '1-1.2',
        busNumber: 1,
        deviceAddress: 5,
        vendorId: 0x1209,
        productId: 0x0001,
        manufacturer: undefined,
        product: 'Mock',
        serialNumber: 'R1',
        speed: 'full',
        configurationValue: 1,
        interfaces: [
          { number: 0, interfaceClass: 0xff, interfaceSubclass: 0, interfaceProtocol: 0, driver: undefined },
          { number: 1, interfaceClass: 3, interfaceSubclass: 0, interfaceProtocol: 0, driver: 'usbhid' },
        ],
      },
    ]);
    const device = await open();
    expect(device.productName).to.equal('Mock');
    expect(stand.log()).to.deep.equal(['open']);
  });

  it('prints the udev rule to add where it is not permitted', async () => {
    stand.deny();
    const error = await refusal(open());
    expect(error.code).to.equal('HAL_DENIED');
    expect(error.hint).to.include(
      'SUBSYSTEM=="usb", ATTR{idVendor}=="1209", ATTR{idProduct}=="0001", MODE="0660", GROUP="plugdev", TAG+="uaccess"',
    );
  });

  describe('unplugging', () => {
    it('ends a pending transfer with HAL_DISCONNECTED and what had come', async () => {
      const device = await claimed();
      await refusal(read(device, 1, 64, { timeoutMs: 30 }));
      await feed(device, counting(64));
      const waiting = refusal(read(device, 1, 256));
      await drive(device, 'unplug');
      const error = await waiting;
      expect(error.code).to.equal('HAL_DISCONNECTED');
      expect(error.partial).to.deep.equal(counting(64));
      expect((await refusal(read(device, 1, 64))).code).to.equal('HAL_DISCONNECTED');
      await device.close();
    });

    it('and plugging in are told as they happen', async () => {
      const told: string[] = [];
      const watch = await watchRealUsb({
        ...stand.options,
        pollMs: 5_000,
        attached: ({ portPath }) => told.push(`+${portPath}`),
        detached: ({ portPath }) => told.push(`-${portPath}`),
      });
      expect(watch.reason).to.equal(undefined);
      stand.pullOut();
      for (let tries = 0; told.length < 1 && tries < 200; tries++) await sleep(10);
      stand.plugIn();
      for (let tries = 0; told.length < 2 && tries < 200; tries++) await sleep(10);
      expect(told).to.deep.equal(['-1-1.2', '+1-1.2']);
      await watch.close();
    });

    it('are seen by polling where the library tells nothing', async () => {
      const told: string[] = [];
      const watch = await watchRealUsb({
        ...stand.options,
        nativeModule: 'data:text/javascript,throw new Error("no library")',
        pollMs: 20,
        attached: ({ portPath }) => told.push(`+${portPath}`),
      });
      expect(watch.reason).to.include('no library');
      stand.plugIn('1-3', 'R9');
      for (let tries = 0; told.length < 1 && tries < 200; tries++) await sleep(10);
      expect(told).to.deep.equal(['+1-3']);
      await watch.close();
    });
  });

  describe('the process that owns the device', () => {
    it('is reported with its last words when it crashes, and started again by open', async () => {
      const device = await claimed();
      const waiting = refusal(read(device, 1, 64));
      await drive(device, 'crash');
      const error = await waiting;
      expect(error.code).to.equal('HAL_HOST_PROCESS');
      expect(error.message).to.match(/SIGSEGV; its last words: nusb: bad magic/);
      expect(device.opened).to.equal(false);
      expect((await refusal(read(device, 1, 64))).code).to.equal('HAL_CLOSED');
      await device.open();
      await device.claimInterface(0);
      await feed(device, Uint8Array.of(1));
      expect((await read(device, 1, 64)).bytes).to.deep.equal([1]);
    });

    it('is ended and reported when it hangs', async () => {
      const device = await claimed({ host: { heartbeatMs: 100, missedHeartbeats: 20 } });
      const waiting = refusal(read(device, 1, 64));
      // Its answer may be lost with it.
      await drive(device, 'hang').catch(() => {});
      expect((await waiting).message).to.match(/gave no sign of life/);
    });
  });

  describe('exclusive use', () => {
    it('is refused to a second process, which is told who has the device', async () => {
      const device = await open();
      const error = await refusal(open());
      expect(error.code).to.equal('HAL_IN_USE');
      expect(error.message).to.include(`process ${device.hostPid} (`);
      await device.close();
      await (await open()).close();
    });

    it('is not stopped by the lock of a process that was killed', async () => {
      const device = await open();
      process.kill(device.hostPid ?? 0, 'SIGKILL');
      while (device.opened) await sleep(10);
      await (await open()).close();
    });
  });

  describe('selection', () => {
    it('refuses when two devices fit, and names both', async () => {
      stand.plugIn('1-3', 'R2');
      const error = await refusal(open());
      expect(error.code).to.equal('HAL_INVALID');
      expect(error.message).to.include('serial R1 at 1-1.2').and.to.include('serial R2 at 1-3');
      expect((await refusal(openRealUsb('1209:0001:R3', stand.options))).code).to.equal('HAL_NOT_FOUND');
      await (await openRealUsb(`1209:0001:${MOCK_USB.serialNumber}`, stand.options)).close();
      await (await openRealUsb(MOCK_USB.portPath, stand.options)).close();
    });
  });
});
