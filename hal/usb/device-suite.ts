/** The contract of a WebUSB device, for every binding: run it against whatever stands for the loopback device of `test-peripheral.ts`. */

import { expect } from 'chai';
import { Timer, WallClock } from '../../base/index.js';
import { HalError, type HalErrorCode } from '../errors.js';
import { TEST_DEVICE } from './test-peripheral.js';

/** One device under test. */
export interface UsbDeviceBench {
  /** Closed; configured and claimed by the suite. */
  readonly device: USBDevice;
  /** Pulls the device out; absent where that cannot be done. */
  unplug?(): void | Promise<void>;
  /** Frees what the bench made; the device may be closed by then. */
  release(): Promise<void>;
}

export interface UsbSuiteOptions {
  /** Why there is nothing to test here; the suite is pending then. */
  readonly missing?: string | undefined;
  /** Transfers take a third argument with `timeoutMs`. */
  readonly hasTimeouts: boolean;
}

type TimedDevice = USBDevice & {
  transferIn(endpointNumber: number, length: number, options?: { timeoutMs?: number }): Promise<USBInTransferResult>;
};

const LOOP_IN = TEST_DEVICE.loopIn & 0x0f;
const LOOP_OUT = TEST_DEVICE.loopOut;
const EVENT_IN = TEST_DEVICE.eventIn & 0x0f;

function vendor(request: number, value = 0, index = 0): USBControlTransferParameters {
  return { requestType: 'vendor', recipient: 'device', request, value, index };
}

function bytesOf(result: USBInTransferResult): number[] {
  const { data } = result;
  return data === undefined ? [] : [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
}

function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 13 + (i >> 8)) & 0xff);
}

async function rejects(promise: Promise<unknown>, code: HalErrorCode): Promise<HalError> {
  try {
    await promise;
  } catch (error) {
    expect(error).to.be.instanceOf(HalError);
    expect((error as HalError).code).to.equal(code);
    return error as HalError;
  }
  throw new Error(`it resolved where ${code} was expected`);
}

/** Real devices need real time. */
function pause(ms: number): Promise<void> {
  const clock = new WallClock();
  return new Promise((resolve) => clock.schedule(new Timer(resolve), clock.now() + ms * 1e6));
}

/** Declares the suite. `create` makes a bench for each test. */
export function testUsbDevice(name: string, create: () => Promise<UsbDeviceBench>, options: UsbSuiteOptions): void {
  describe(`${name} as a WebUSB device`, () => {
    let bench: UsbDeviceBench | undefined;
    let device: USBDevice;

    before(function () {
      if (options.missing === undefined) return;
      process.stdout.write(`      pending: ${options.missing}\n`);
      this.skip();
    });

    beforeEach(async () => {
      bench = await create();
      device = bench.device;
      await device.open();
      await device.selectConfiguration(1);
      await device.claimInterface(0);
    });

    afterEach(async () => {
      // Without a bench, what failed is its making.
      if (bench === undefined) return;
      await device.close();
      await bench.release();
      bench = undefined;
    });

    it('says what it is', () => {
      expect(device).to.include({ vendorId: TEST_DEVICE.vendorId, productId: TEST_DEVICE.productId, opened: true });
      expect(device.productName).to.equal('Loopback');
      expect(device.serialNumber).to.equal('TEST-1');
      const [alternate] = device.configuration?.interfaces[0].alternates ?? [];
      expect(
        alternate.endpoints.map(({ endpointNumber, direction, type }) => [endpointNumber, direction, type]),
      ).to.deep.equal([
        [LOOP_IN, 'in', 'bulk'],
        [LOOP_OUT, 'out', 'bulk'],
        [EVENT_IN, 'in', 'interrupt'],
      ]);
    });

    it('brings bulk data back, byte for byte, over many packets', async () => {
      const sent = pattern(5000);
      const reading = device.transferIn(LOOP_IN, 5056);
      const written = await device.transferOut(LOOP_OUT, sent);
      expect(written).to.include({ status: 'ok', bytesWritten: 5000 });
      const received = bytesOf(await reading);
      while (received.length < 5000) received.push(...bytesOf(await device.transferIn(LOOP_IN, 5056)));
      expect(received).to.deep.equal([...sent]);
    });

    it('keeps the order of transfers that wait for one endpoint', async () => {
      const reads = [1, 2, 3].map(() => device.transferIn(LOOP_IN, 64));
      for (let i = 1; i <= 3; i++) {
        await device.transferOut(LOOP_OUT, Uint8Array.of(i, i));
        expect(bytesOf(await reads[i - 1])).to.deep.equal([i, i]);
      }
    });

    it('reads a zero-length packet as no bytes', async () => {
      await device.controlTransferOut(vendor(TEST_DEVICE.zeroPacket));
      const result = await device.transferIn(LOOP_IN, 64);
      expect(result.status).to.equal('ok');
      expect(bytesOf(result)).to.deep.equal([]);
    });

    it('passes control data both ways, none included', async () => {
      await device.controlTransferOut(vendor(TEST_DEVICE.echo), pattern(300));
      expect(bytesOf(await device.controlTransferIn(vendor(TEST_DEVICE.echo), 512))).to.deep.equal([...pattern(300)]);
      expect(bytesOf(await device.controlTransferIn(vendor(TEST_DEVICE.echo), 10))).to.deep.equal([...pattern(10)]);
      const empty = await device.controlTransferOut(vendor(TEST_DEVICE.echo));
      expect(empty.bytesWritten).to.equal(0);
    });

    it('tells a refused request as a stall, and goes on', async () => {
      const refused = await device.controlTransferIn(vendor(TEST_DEVICE.refuse), 8);
      expect(refused.status).to.equal('stall');
      const echo = await device.controlTransferIn(vendor(TEST_DEVICE.echo), 8);
      expect(echo.status).to.equal('ok');
    });

    it('tells a halted endpoint as a stall until the halt is cleared', async () => {
      await device.controlTransferOut(vendor(TEST_DEVICE.stallEndpoint, 0, TEST_DEVICE.loopIn));
      expect((await device.transferIn(LOOP_IN, 64)).status).to.equal('stall');
      await device.clearHalt('in', LOOP_IN);
      await device.transferOut(LOOP_OUT, Uint8Array.of(7));
      expect(bytesOf(await device.transferIn(LOOP_IN, 64))).to.deep.equal([7]);
    });

    it('brings interrupt packets one by one, none lost', async () => {
      await device.controlTransferOut(vendor(TEST_DEVICE.produce, 4));
      const numbers: number[] = [];
      for (let i = 0; i < 4; i++) {
        const [low, high] = bytesOf(await device.transferIn(EVENT_IN, 8));
        numbers.push(low | (high << 8));
      }
      expect(numbers).to.deep.equal([0, 1, 2, 3]);
    });

    it('loses no byte when more comes than was asked for: it says so, or the rest is the next read', async () => {
      await device.transferOut(LOOP_OUT, pattern(64));
      const first = await device.transferIn(LOOP_IN, 10);
      if (first.status === 'babble') expect(bytesOf(first)).to.deep.equal([...pattern(10)]);
      else
        expect([...bytesOf(first), ...bytesOf(await device.transferIn(LOOP_IN, 64))]).to.deep.equal([...pattern(64)]);
    });

    it('ends a wait at its time-out without losing what comes later', async function () {
      if (!options.hasTimeouts) {
        process.stdout.write('      pending: this binding takes no time-out\n');
        this.skip();
      }
      const timed = device as TimedDevice;
      const error = await rejects(timed.transferIn(LOOP_IN, 64, { timeoutMs: 30 }), 'HAL_TIMEOUT');
      expect(error.partial?.length).to.equal(0);
      await device.transferOut(LOOP_OUT, Uint8Array.of(1, 2, 3));
      expect(bytesOf(await device.transferIn(LOOP_IN, 64))).to.deep.equal([1, 2, 3]);
    });

    it('refuses what is not there or not claimed with HAL_INVALID', async () => {
      await rejects(device.transferIn(9, 64), 'HAL_INVALID');
      await rejects(device.claimInterface(5), 'HAL_INVALID');
      await rejects(device.selectConfiguration(7), 'HAL_INVALID');
      await device.releaseInterface(0);
      await rejects(device.transferIn(LOOP_IN, 64), 'HAL_INVALID');
      await device.claimInterface(0);
    });

    it('refuses isochronous transfers with HAL_UNSUPPORTED', async () => {
      await rejects(device.isochronousTransferIn(1, [64]), 'HAL_UNSUPPORTED');
    });

    it('ends what waits with HAL_CLOSED when it is closed, and everything after', async () => {
      const reading = rejects(device.transferIn(LOOP_IN, 64), 'HAL_CLOSED');
      await pause(20);
      await device.close();
      await reading;
      await rejects(device.transferIn(LOOP_IN, 64), 'HAL_CLOSED');
      await device.close();
    });

    it('ends what waits with HAL_DISCONNECTED when it is pulled, and everything after', async function () {
      const unplug = bench?.unplug;
      if (unplug === undefined) {
        process.stdout.write('      pending: this device cannot be pulled by a program\n');
        this.skip();
      }
      const reading = rejects(device.transferIn(LOOP_IN, 64), 'HAL_DISCONNECTED');
      await pause(20);
      await unplug();
      await reading;
      await rejects(device.transferIn(LOOP_IN, 64), 'HAL_DISCONNECTED');
    });
  });
}
