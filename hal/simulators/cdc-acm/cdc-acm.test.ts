/** Tests of serial devices behind USB: class requests, notifications, packets, and the bytes themselves. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, VirtualClock } from '../../../base/index.js';
import type { SerialDevice, SerialDeviceOutput } from '../../serial/serial-device.js';
import { type LineSettings, MODEM_CONTROL, MODEM_STATUS } from '../../serial/serial-port.js';
import { TestHost } from '../../usb/test-host.js';
import { createGnssReceiver } from '../gnss/receiver.js';
import { ReceiverBench } from '../gnss/receiver-bench.js';
import { type CdcAcmPeripheral, cdcAcmPeripheral } from './cdc-acm.js';

const DATA_IN = 0x81;
const DATA_OUT = 0x01;
const NOTIFICATION = 0x82;
const LINE: LineSettings = { baudRate: 38_400, dataBits: 8, parity: 'none', stopBits: 1 };

class Peer implements SerialDevice {
  readonly line = LINE;
  readonly received: number[] = [];
  readonly controls: number[] = [];
  output: SerialDeviceOutput | undefined;

  start(output: SerialDeviceOutput): void {
    this.output = output;
  }

  receive(byte: number): void {
    this.received.push(byte);
  }

  modemControl(bits: number): void {
    this.controls.push(bits);
  }

  stop(): void {
    this.output = undefined;
  }

  send(count: number): void {
    const bytes = Uint8Array.from({ length: count }, (_, i) => i);
    this.output?.transmit(bytes, 0, count);
  }
}

class Bench {
  readonly clock = new VirtualClock();
  readonly peer = new Peer();
  readonly device: CdcAcmPeripheral;
  readonly host: TestHost;

  constructor(fifoBytes?: number) {
    const bounds = fifoBytes === undefined ? {} : { fifoBytes };
    this.device = cdcAcmPeripheral({
      clock: this.clock,
      device: this.peer,
      vendorId: 0x1209,
      productId: 3,
      ...bounds,
    });
    this.host = new TestHost(this.device, this.clock).configure();
  }

  /** State bits of the notifications that come within a second. */
  states(): number[] {
    const seen: number[] = [];
    this.host.onDone = (urb) => {
      if (urb.endpointAddress !== NOTIFICATION || urb.status !== URB_STATUS.ok) return;
      expect([...urb.data.subarray(0, 8)]).to.deep.equal([0xa1, 0x20, 0, 0, 0, 0, 2, 0]);
      seen.push(urb.data[8]);
      this.host.port.submit(urb);
    };
    this.host.submit(TRANSFER_TYPE.interrupt, NOTIFICATION, 16);
    this.host.run(1e9);
    return seen;
  }
}

describe('a serial device behind CDC-ACM', () => {
  it('keeps the line coding it is told, and begins with the device its own', () => {
    const { host } = new Bench();
    const coding = (): number[] => [...host.control(0xa1, 0x21, 0, 0, 7).data];
    expect(coding()).to.deep.equal([0x00, 0x96, 0x00, 0x00, 0, 0, 8]);
    const other = Uint8Array.of(0x00, 0xc2, 0x01, 0x00, 2, 1, 7);
    expect(host.control(0x21, 0x20, 0, 0, other).status).to.equal(URB_STATUS.ok);
    expect(coding()).to.deep.equal([...other]);
    expect(host.control(0x21, 0x20, 0, 0, other.subarray(0, 6)).status).to.equal(URB_STATUS.stall);
  });

  it('passes DTR and RTS on', () => {
    const { host, peer } = new Bench();
    for (const value of [1, 3, 2, 0]) host.control(0x21, 0x22, value);
    const { dtr, rts } = MODEM_CONTROL;
    expect(peer.controls).to.deep.equal([dtr, dtr | rts, rts, 0]);
  });

  it('notifies of modem lines when they change, and of a break once', () => {
    const bench = new Bench();
    expect(bench.states()).to.deep.equal([0]);
    bench.peer.output?.modemStatus(MODEM_STATUS.dcd | MODEM_STATUS.dsr);
    bench.host.run(1e9);
    bench.peer.output?.modemStatus(MODEM_STATUS.dcd | MODEM_STATUS.dsr);
    bench.host.run(1e9);
    bench.peer.output?.breakFor(1e6);
    bench.host.run(1e9);
    const states = bench.host.done.filter(({ urb }) => urb.endpointAddress === NOTIFICATION).map(({ data }) => data[8]);
    expect(states).to.deep.equal([0, 3, 7, 3]);
  });

  it('ends a burst of full packets with a zero-length one, and any other with its short packet', () => {
    for (const [count, lengths] of [
      [64, [64, 0]],
      [128, [64, 64, 0]],
      [100, [64, 36]],
      [1, [1]],
    ] as const) {
      const { host, peer } = new Bench();
      const seen: number[] = [];
      host.stream(DATA_IN, 2, 64, (data) => seen.push(data.length));
      peer.send(count);
      host.run(1e9);
      expect(seen, `${count} bytes`).to.deep.equal(lengths);
    }
  });

  it('completes a large transfer at the end of each burst', () => {
    const { host, peer } = new Bench();
    const seen: number[] = [];
    host.stream(DATA_IN, 1, 4096, (data) => seen.push(data.length));
    peer.send(192);
    host.run(1e8);
    peer.send(10);
    host.run(1e8);
    expect(seen).to.deep.equal([192, 10]);
  });

  it('gives the device what the host sends, in order', () => {
    const { host, peer } = new Bench();
    const sent = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 0xff);
    host.submit(TRANSFER_TYPE.bulk, DATA_OUT, sent.subarray(0, 700));
    host.submit(TRANSFER_TYPE.bulk, DATA_OUT, sent.subarray(700));
    host.run(1e8);
    expect(peer.received).to.deep.equal([...sent]);
  });

  it('counts what nobody read in time, and keeps the rest', () => {
    const { host, peer, device } = new Bench(100);
    peer.send(130);
    expect(device.overrun).to.equal(30);
    const seen: number[] = [];
    host.stream(DATA_IN, 1, 256, (data) => seen.push(...data));
    host.run(1e8);
    expect(seen).to.deep.equal(Array.from({ length: 100 }, (_, i) => i));
  });

  it('sends the bytes of a GNSS receiver as its serial port does', () => {
    const seconds = 120;
    const wired = new ReceiverBench({}, 'gnss');
    wired.configure(wired.receiver.line.baudRate);
    wired.runMs(seconds * 1000);
    const serial = wired.bytes;

    const clock = new VirtualClock();
    const receiver = createGnssReceiver({}, { clock, random: createRandom('gnss') });
    const device = cdcAcmPeripheral({ clock, device: receiver, vendorId: 0x1546, productId: 0x01a7 });
    const host = new TestHost(device, clock).configure();
    const usb: number[] = [];
    host.stream(DATA_IN, 4, 512, (data) => usb.push(...data));
    host.run(seconds * 1e9);
    const common = Math.min(serial.length, usb.length);
    expect(common).to.be.greaterThan(10_000);
    expect(Buffer.from(usb.slice(0, common)).equals(Buffer.from(serial.slice(0, common)))).to.equal(true);
  });
});
