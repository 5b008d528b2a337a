import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, WallClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { portFromHid } from '../hid/port-from-hid.js';
import { MockHidStand } from '../hid/real/mock-hid-stand.js';
import { openRealHid } from '../hid/real/real-hid.js';
import { TEST_HID, TestHidPeripheral } from '../hid/test-hid-peripheral.js';
import type { PortRestart } from '../host-process/device-keeper.js';
import { IoProcess } from '../host-process/io-process.js';
import { ptyMissing } from '../host-process/process-test-kit.js';
import { wallTime } from '../serial/passing-time.js';
import { portFromUsbDevice } from './port-from-device.js';
import { describeUsbDevice } from './read-description.js';
import { MOCK_USB, MockUsbStand } from './real/mock-usb-stand.js';
import { openRealUsb } from './real/real-usb.js';
import { type OwnedUsbPort, openRestartingUsbPort, type RestartingUsbPort } from './restarting-port.js';
import { STANDARD_REQUEST } from './setup-packet.js';
import { TEST_DEVICE } from './test-peripheral.js';
import { type TransferResult, Transfers } from './transfers.js';

const missing = process.platform === 'linux' ? ptyMissing() : 'needs Linux';
const time = wallTime();
const pass = (durationMs: number): Promise<void> => time.pass(durationMs * 1e6);
const CONFIGURE = { bmRequestType: 0, bRequest: STANDARD_REQUEST.setConfiguration, wValue: 1, wIndex: 0, wLength: 0 };
const KILLS = 20;
/** What the host side is told around a loss: in flight, while it is gone, and before it is configured again. */
const AROUND_A_LOSS: readonly number[] = [URB_STATUS.shutdown, URB_STATUS.noDevice, URB_STATUS.stall];

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 20_000) throw new Error('it never came');
    await pass(1);
  }
}

/** The host side of one port, and what it heard. */
class Bench {
  readonly heard: boolean[] = [];
  readonly transfers: Transfers;
  readonly errors: HalError[] = [];

  constructor(
    readonly port: RestartingUsbPort,
    readonly restarts: readonly PortRestart[],
  ) {
    this.transfers = new Transfers(port, new WallClock());
    this.transfers.onPlugged = (present) => this.heard.push(present);
    this.transfers.onLost = (error) => this.errors.push(error);
  }

  configure(): Promise<TransferResult> {
    return this.transfers.control(CONFIGURE);
  }
}

describe(`openRestartingUsbPort${missing === undefined ? '' : ` (pending: ${missing})`}`, () => {
  const clock = new WallClock();
  let io: IoProcess;
  let usb: MockUsbStand;
  let hid: MockHidStand;
  let benches: Bench[] = [];
  before(function () {
    if (missing !== undefined) this.skip();
  });
  beforeEach(async () => {
    usb = new MockUsbStand('mock-loopback-usb.js');
    hid = new MockHidStand();
    await hid.plug();
  });
  afterEach(async () => {
    for (const { port } of benches) {
      port.close();
      await port.whenClosed;
    }
    benches = [];
    await io.end();
    usb.remove();
    await hid.close();
  });

  async function openUsb(): Promise<OwnedUsbPort> {
    const device = await openRealUsb({ portPath: MOCK_USB.portPath }, { ...usb.options, hosts: io });
    const description = await describeUsbDevice(device, 'usb:mock', 'full');
    const port = portFromUsbDevice(device, { name: 'usb:mock', clock, description });
    device.onLost = (error) => port.lose(error);
    return { port, closed: () => port.whenClosed };
  }

  async function openHid(): Promise<OwnedUsbPort> {
    const device = await openRealHid(hid.path, { ...hid.options, hosts: io });
    const { description } = new TestHidPeripheral({ numbered: false, withOutput: true });
    return { port: portFromHid(device, { name: 'hid:mock', clock, description }), closed: () => device.close() };
  }

  function start(restartsPerMinute = 1000): void {
    io = new IoProcess({ restartsPerMinute, restartDelayMs: 1, maxRestartDelayMs: 1 });
  }

  async function bench(open: () => Promise<OwnedUsbPort>, attempts = 100): Promise<Bench> {
    const restarts: PortRestart[] = [];
    const port = await openRestartingUsbPort({
      clock,
      open,
      attempts,
      pauseNs: 1_000_000,
      onRestart: (restart) => restarts.push(restart),
    });
    const made = new Bench(port, restarts);
    benches.push(made);
    return made;
  }

  async function kill(): Promise<void> {
    const { losses } = io;
    await until(() => io.pid !== undefined);
    process.kill(io.pid ?? 0, 'SIGKILL');
    await until(() => io.losses === losses + 1);
  }

  it('shuts down what is in flight, refuses what comes meanwhile, and is there again unconfigured', async () => {
    start();
    const one = await bench(openHid);
    expect((await one.configure()).status).to.equal(URB_STATUS.ok);
    const waiting = one.transfers.in(TRANSFER_TYPE.interrupt, TEST_HID.input, 8);
    await kill();
    expect((await waiting).status).to.equal(URB_STATUS.shutdown);
    expect(one.heard).to.deep.equal([false]);
    const refused = await one.transfers.out(TRANSFER_TYPE.interrupt, TEST_HID.output, Uint8Array.of(1, 2, 3));
    expect(refused.status).to.equal(URB_STATUS.noDevice);
    await until(() => one.port.present);
    expect(one.heard).to.deep.equal([false, true]);
    const [{ cause, droppedBytes, outageNs }] = one.restarts;
    expect([cause.code, droppedBytes]).to.deep.equal(['HAL_HOST_PROCESS', 3]);
    expect(outageNs).to.be.above(0);
    expect((await one.transfers.in(TRANSFER_TYPE.interrupt, TEST_HID.input, 8)).status).to.equal(URB_STATUS.stall);
    expect((await one.configure()).status).to.equal(URB_STATUS.ok);
  });
  it(`brings a USB and a HID device back through ${KILLS} kills of their process, with no transfer lost from view or told twice`, async function () {
    this.timeout(120_000);
    start();
    const [loop, board] = [await bench(openUsb), await bench(openHid)];
    let over = false;
    let sent = 0;
    const numbers: number[] = [];
    const statuses: number[] = [];
    let echoes = 0;
    const word = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number, 0).buffer);
    /** As a guest: whatever fails, it waits and enumerates again. */
    const guest = async (each: Bench, step: () => Promise<number>): Promise<void> => {
      for (let status = URB_STATUS.stall as number; !over; ) {
        if (status !== URB_STATUS.ok) {
          await pass(1);
          status = (await each.configure()).status;
        } else status = await step();
        if (status !== URB_STATUS.ok) statuses.push(status);
      }
    };
    const echo = async (): Promise<number> => {
      const asked = word(++sent);
      const { status } = await loop.transfers.out(TRANSFER_TYPE.bulk, TEST_DEVICE.loopOut, asked);
      if (status !== URB_STATUS.ok) return status;
      const answer = await loop.transfers.in(TRANSFER_TYPE.bulk, TEST_DEVICE.loopIn, 64);
      if (answer.status !== URB_STATUS.ok) return answer.status;
      expect([...answer.data]).to.deep.equal([...asked]);
      echoes++;
      return answer.status;
    };
    const listen = async (): Promise<number> => {
      const { status, data } = await board.transfers.in(TRANSFER_TYPE.interrupt, TEST_HID.input, 8);
      if (status === URB_STATUS.ok) numbers.push(Buffer.from(data).readUInt32LE(0));
      return status;
    };
    const random = createRandom('usb-kills');
    let number = 0;
    const talk = setInterval(() => hid.send(word(++number)), 1);
    const guests = [guest(loop, echo), guest(board, listen)];
    try {
      for (let round = 0; round < KILLS; round++) {
        // Every third moment comes while devices are still being opened again.
        if (round % 3 !== 2) await until(() => loop.port.present && board.port.present);
        await pass(random.below(20));
        await kill();
      }
      const [echoesBefore, numbersBefore] = [echoes, numbers.length];
      await until(() => echoes > echoesBefore + 20 && numbers.length > numbersBefore + 20);
    } finally {
      over = true;
      clearInterval(talk);
      hid.send(word(++number));
    }
    await Promise.all(guests);
    for (const { port, heard, errors, restarts } of [loop, board]) {
      expect(errors).to.deep.equal([]);
      expect(port.restarts)
        .to.be.within(KILLS / 3, KILLS)
        .and.to.equal(restarts.length);
      expect(heard).to.deep.equal(restarts.flatMap(() => [false, true]));
    }
    expect(new Set(statuses.filter((status) => !AROUND_A_LOSS.includes(status)))).to.deep.equal(new Set());
    expect(statuses).to.include(URB_STATUS.shutdown);
    numbers.forEach((each, n) => {
      if (n > 0) expect(each, 'twice or out of order').to.be.above(numbers[n - 1]);
    });
  });

  it('ends with the sentence of the process when that is given up', async () => {
    start(0);
    const one = await bench(openUsb, 3);
    await kill();
    await until(() => one.errors.length === 1);
    expect(one.errors[0].message).to.match(/lost once within a minute and is not started again/);
    expect([one.port.present, one.heard]).to.deep.equal([false, [false]]);
  });

  it('ends at once, without a restart, when the device itself is gone', async () => {
    start();
    const one = await bench(openHid);
    hid.unplug();
    await until(() => one.errors.length === 1);
    expect(one.errors[0].code).to.equal('HAL_DISCONNECTED');
    expect(one.port.restarts).to.equal(0);
  });

  it('ends when another device is found in the place of the lost one', async () => {
    start();
    let turn = 0;
    const one = await bench(() => (turn++ === 0 ? openUsb() : openHid()));
    await kill();
    await until(() => one.errors.length === 1);
    expect(one.errors[0].message).to.include('another device is in its place');
    expect(one.restarts).to.deep.equal([]);
  });

  it('frees what it was opening when it is closed meanwhile', async () => {
    start();
    const one = await bench(openHid);
    await kill();
    one.port.close();
    await one.port.whenClosed;
    expect(() => one.port.reset())
      .to.throw(HalError)
      .with.property('code', 'HAL_CLOSED');
    const next = await openHid();
    next.port.close();
    await next.closed?.();
  });
});
