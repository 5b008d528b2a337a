/** Tests of HID devices shown as USB ports: transfers against a scripted library, one by one and by chance. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { virtualTime } from '../serial/passing-time.js';
import { setupPacket } from '../usb/setup-packet.js';
import type { UsbPort } from '../usb/usb-port.js';
import type { HidDevice, HidDeviceInfo, HidEvents } from './hid-device.js';
import { portFromHid } from './port-from-hid.js';
import { ReportInbox } from './report-inbox.js';
import { TEST_HID, TestHidPeripheral } from './test-hid-peripheral.js';

/** A library's device that does what a test tells it. */
class ScriptedHid implements HidDevice {
  readonly inbox: ReportInbox;
  readonly written: number[][] = [];
  write: HidDevice['write'] = async (report) => this.written.push([...report]);
  sendFeatureReport: HidDevice['sendFeatureReport'] = async (report) => this.written.push([...report]);
  getFeatureReport: HidDevice['getFeatureReport'] = async (id, length) => Buffer.alloc(length, id);
  closed = 0;

  constructor(clock: VirtualClock, queueReports: number) {
    this.inbox = new ReportInbox('scripted', clock, queueReports);
  }

  get lost(): number {
    return this.inbox.lost;
  }

  on<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.inbox.on('on', event, listener);
    return this;
  }

  once<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.inbox.on('once', event, listener);
    return this;
  }

  off<E extends keyof HidEvents>(event: E, listener: (...args: HidEvents[E]) => void): this {
    this.inbox.off(event, listener);
    return this;
  }

  read(): Promise<Buffer | undefined> {
    return this.inbox.read();
  }

  pause(): void {
    this.inbox.pause();
  }

  resume(): void {
    this.inbox.resume();
  }

  getDeviceInfo(): Promise<HidDeviceInfo> {
    return Promise.reject(new HalError('HAL_UNSUPPORTED', 'it is nothing'));
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

interface Done {
  readonly urb: Urb;
  readonly status: number;
  readonly bytes: readonly number[];
}

class Host {
  readonly clock = new VirtualClock();
  readonly device: ScriptedHid;
  readonly port: UsbPort;
  readonly done: Done[] = [];
  readonly lost: string[] = [];
  readonly #time = virtualTime(this.clock);

  constructor({ numbered = false, withOutput = true, queueReports = 64 } = {}) {
    this.device = new ScriptedHid(this.clock, queueReports);
    const { description } = new TestHidPeripheral({ numbered, withOutput });
    this.port = portFromHid(this.device, { name: 'hid:scripted', clock: this.clock, description });
    this.port.attach({
      completed: (urb) => {
        const bytes = urb.inbound ? [...urb.data.subarray(0, urb.actualLength)] : [];
        this.done.push({ urb, status: urb.status, bytes });
      },
      disconnected: (error) => this.lost.push(error.code),
    });
  }

  pass(): Promise<void> {
    return this.#time.pass(1e6);
  }

  submit(endpointAddress: number, data: Uint8Array, type: Urb['transferType'] = TRANSFER_TYPE.interrupt): Urb {
    const urb = new Urb();
    urb.transferType = type;
    urb.endpointAddress = endpointAddress;
    urb.data = data;
    urb.length = data.length;
    this.port.submit(urb);
    return urb;
  }

  in(length = 64): Urb {
    return this.submit(TEST_HID.input, new Uint8Array(length));
  }

  control(bmRequestType: number, bRequest: number, wValue: number, data = new Uint8Array(0), wIndex = 0): Urb {
    const urb = new Urb();
    urb.endpointAddress = bmRequestType & 0x80;
    urb.setup.set(setupPacket({ bmRequestType, bRequest, wValue, wIndex, wLength: data.length }));
    urb.data = data;
    urb.length = data.length;
    this.port.submit(urb);
    return urb;
  }

  /** Reports as a device of this kind sends them. */
  send(from: number, count: number): void {
    for (let n = from; n < from + count; n++) this.device.inbox.push(Buffer.from([n, n >> 8]));
  }

  async configured(): Promise<this> {
    this.control(0, 9, 1);
    await this.pass();
    expect(this.done.pop()?.status).to.equal(URB_STATUS.ok);
    return this;
  }
}

describe('portFromHid', () => {
  it('answers standard requests from the description', async () => {
    const host = new Host();
    const device = host.control(0x80, 6, 0x0100, new Uint8Array(18));
    const report = host.control(0x81, 6, 0x2200, new Uint8Array(255));
    const none = host.control(0x80, 6, 0x0309, new Uint8Array(255));
    expect(host.done, 'never from inside submit').to.have.length(0);
    await host.pass();
    expect([...device.data]).to.deep.equal([...host.port.description.device]);
    expect([...report.data.subarray(0, report.actualLength)]).to.deep.equal([
      ...(host.port.description.reports.get(0) ?? []),
    ]);
    expect(none.status).to.equal(URB_STATUS.stall);
  });

  it('has no endpoints before it is configured, and takes no report then', async () => {
    const host = new Host();
    host.send(0, 3);
    const early = host.in();
    await host.pass();
    expect(early.status).to.equal(URB_STATUS.stall);
    await host.configured();
    const urbs = [host.in(), host.in(), host.in()];
    await host.pass();
    expect(
      urbs.map(({ data }) => data[0]),
      'they waited with the device',
    ).to.deep.equal([0, 1, 2]);
  });

  it('gives each report a transfer, in order, however late the transfers come', async () => {
    const host = await new Host({ queueReports: 2000 }).configured();
    host.send(0, 500);
    await host.pass();
    for (let i = 0; i < 1000; i++) host.in();
    await host.pass();
    host.send(500, 500);
    await host.pass();
    expect(host.done).to.have.length(1000);
    expect(host.done.every(({ bytes }, i) => bytes[0] + 256 * (bytes[1] ?? 0) === i)).to.equal(true);
  });

  it('shows reports that the device has dropped as an overrun, in their place', async () => {
    const host = await new Host({ queueReports: 10 }).configured();
    // 64 are kept here, ten by the device; six are lost.
    host.send(0, 80);
    await host.pass();
    for (let i = 0; i < 75; i++) host.in();
    await host.pass();
    const seen = host.done.map(({ status, bytes }) => (status === URB_STATUS.overflow ? 'overrun' : bytes[0]));
    expect(host.device.lost).to.equal(6);
    expect(seen.slice(60)).to.deep.equal([60, 61, 62, 63, 'overrun', 70, 71, 72, 73, 74, 75, 76, 77, 78, 79]);
  });

  it('spreads a report over transfers of whole packets, and says when one runs over', async () => {
    const host = await new Host({ numbered: true }).configured();
    const long = Uint8Array.from({ length: 101 }, (_, i) => (i === 0 ? 2 : i));
    host.device.inbox.push(Buffer.from(long));
    host.device.inbox.push(Buffer.from([1, 2, 3, 4]));
    for (const length of [64, 64, 2]) host.in(length);
    await host.pass();
    expect(host.done.map(({ status }) => status)).to.deep.equal([0, 0, URB_STATUS.overflow]);
    expect([...host.done[0].bytes, ...host.done[1].bytes]).to.deep.equal([...long]);
    expect(host.done[2].bytes).to.deep.equal([1, 2]);
  });

  it('writes in order, one at a time, with 0 in front of what is not numbered', async () => {
    const host = await new Host().configured();
    let running = 0;
    host.device.write = async (report) => {
      expect(++running).to.equal(1);
      await Promise.resolve();
      running--;
      host.device.written.push([...report]);
      return report.length;
    };
    for (let n = 0; n < 3; n++) host.submit(TEST_HID.output, Uint8Array.of(n, 9));
    await host.pass();
    expect(host.device.written).to.deep.equal([
      [0, 0, 9],
      [0, 1, 9],
      [0, 2, 9],
    ]);
    const numbered = await new Host({ numbered: true }).configured();
    numbered.submit(TEST_HID.output, Uint8Array.of(1, 9));
    await numbered.pass();
    expect(numbered.device.written).to.deep.equal([[1, 9]]);
  });

  it('carries SET_REPORT and feature reports to the device', async () => {
    const host = await new Host({ withOutput: false }).configured();
    host.control(0x21, 9, 0x0200, Uint8Array.of(5, 6));
    host.control(0x21, 9, 0x0300, Uint8Array.of(7, 8));
    const got = host.control(0xa1, 1, 0x0300, new Uint8Array(4));
    const none = host.control(0xa1, 1, 0x0200, new Uint8Array(4));
    await host.pass();
    expect(host.device.written).to.deep.equal([
      [0, 5, 6],
      [0, 7, 8],
    ]);
    expect([got.status, got.actualLength]).to.deep.equal([URB_STATUS.ok, 4]);
    expect(none.status).to.equal(URB_STATUS.stall);
  });

  it('answers the latest input report, idle rate and protocol', async () => {
    const host = await new Host().configured();
    const before = host.control(0xa1, 1, 0x0100, new Uint8Array(2));
    await host.pass();
    host.send(41, 2);
    host.control(0x21, 0x0b, 0);
    host.control(0x21, 0x0a, 0);
    const latest = host.control(0xa1, 1, 0x0100, new Uint8Array(2));
    const protocol = host.control(0xa1, 3, 0, new Uint8Array(1));
    const idle = host.control(0xa1, 2, 0, new Uint8Array(1));
    await host.pass();
    expect(before.status).to.equal(URB_STATUS.stall);
    expect([latest.data[0], protocol.data[0], idle.status]).to.deep.equal([42, 0, URB_STATUS.ok]);
  });

  it('shows what the device says as the status of a transfer', async () => {
    const host = await new Host().configured();
    for (const [code, status] of [
      ['HAL_STALL', URB_STATUS.stall],
      ['HAL_TIMEOUT', URB_STATUS.protocol],
      ['HAL_IO', URB_STATUS.protocol],
      ['HAL_DISCONNECTED', URB_STATUS.shutdown],
    ] as const) {
      host.device.write = () => Promise.reject(new HalError(code, 'no'));
      host.device.getFeatureReport = () => Promise.reject(new HalError(code, 'no'));
      const out = host.submit(TEST_HID.output, Uint8Array.of(1));
      const feature = host.control(0xa1, 1, 0x0300, new Uint8Array(4));
      await host.pass();
      expect([out.status, feature.status], code).to.deep.equal([status, status]);
      host.control(0x02, 1, 0, new Uint8Array(0), TEST_HID.output);
      await host.pass();
    }
  });

  it('takes transfers back, and lets the others go on', async () => {
    const host = await new Host().configured();
    host.device.write = () => new Promise(() => {});
    const [first, second] = [host.in(), host.in()];
    const hanging = host.submit(TEST_HID.output, Uint8Array.of(1));
    await host.pass();
    host.port.cancel(first);
    host.port.cancel(first);
    host.port.cancel(hanging);
    expect([first.status, hanging.status]).to.deep.equal([URB_STATUS.unlinked, URB_STATUS.unlinked]);
    host.device.write = async (report) => host.device.written.push([...report]);
    host.submit(TEST_HID.output, Uint8Array.of(2));
    host.send(7, 1);
    await host.pass();
    expect([second.data[0], host.device.written]).to.deep.equal([7, [[0, 2]]]);
    expect(host.done.filter(({ urb }) => urb === first)).to.have.length(1);
  });

  it('unlinks at a reset, shuts down when the device goes, and closes what it owns', async () => {
    const host = await new Host().configured();
    const atReset = host.in();
    host.port.reset();
    expect(atReset.status).to.equal(URB_STATUS.unlinked);
    await host.configured();
    const waiting = host.in();
    host.device.inbox.fail(new HalError('HAL_DISCONNECTED', 'it is gone'));
    await host.pass();
    const late = host.in();
    await host.pass();
    expect([waiting.status, late.status]).to.deep.equal([URB_STATUS.shutdown, URB_STATUS.noDevice]);
    expect(host.lost).to.deep.equal(['HAL_DISCONNECTED']);
    host.port.close();
    host.port.close();
    expect(host.device.closed).to.equal(1);
    expect(() => host.in()).to.throw('is closed');
  });

  it('completes every transfer exactly once whatever a guest submits', async () => {
    const random = createRandom('hid port');
    const pick = <T>(...of: readonly T[]): T => of[random.uint32() % of.length] as T;
    const host = new Host({ numbered: true });
    let submitted = 0;
    const open: Urb[] = [];
    for (let step = 0; step < 5000; step++) {
      const data = new Uint8Array(pick(0, 1, 8, 64, 200));
      const turn = random.uint32() % 10;
      if (turn < 4) {
        open.push(host.control(random.uint32() & 0xff, random.uint32() & 0x0f, random.uint32() & 0x3ff, data));
        submitted++;
      } else if (turn < 7) {
        open.push(host.submit(pick(0x81, 0x02, 0x83, 0x8f), data, pick(1, 3)));
        submitted++;
      } else if (turn === 7) {
        host.device.inbox.push(Buffer.from([pick(1, 2), step & 0xff]));
      } else if (turn === 8) {
        host.port.cancel(pick(...open, new Urb()));
      } else if (step % 50 === 0) {
        host.port.reset();
        host.control(0, 9, 1);
        submitted++;
      }
      if (step % 100 === 0) await host.pass();
    }
    host.port.close();
    expect(host.done).to.have.length(submitted);
    expect(new Set(host.done.map(({ urb }) => urb)).size).to.equal(submitted);
  });
});
