/** Tests of serial devices behind USB: class requests, notifications, packets, and the bytes themselves. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, type Urb, VirtualClock } from '../../../base/index.js';
import type { SerialDevice, SerialDeviceOutput } from '../../serial/serial-device.js';
import { LINE_STATUS, type LineSettings, MODEM_CONTROL, MODEM_STATUS } from '../../serial/serial-port.js';
import { TestHost } from '../../usb/test-host.js';
import { createGnssReceiver } from '../gnss/receiver.js';
import { ReceiverBench } from '../gnss/receiver-bench.js';
import { type CdcAcmPeripheral, cdcAcmPeripheral } from './cdc-acm.js';

const DATA_IN = 0x81;
const DATA_OUT = 0x01;
const NOTIFICATION = 0x82;
const LINE: LineSettings = { baudRate: 38_400, dataBits: 8, parity: 'none', stopBits: 1 };

class Peer implements SerialDevice {
  readonly received: number[] = [];
  readonly statuses: number[] = [];
  readonly controls: number[] = [];
  output: SerialDeviceOutput | undefined;
  idles = 0;

  constructor(readonly line = LINE) {}

  start(output: SerialDeviceOutput): void {
    this.output = output;
  }

  receive(byte: number, lineStatus: number): void {
    this.received.push(byte);
    this.statuses.push(lineStatus);
  }

  transmitIdle(): void {
    this.idles++;
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
  readonly device: CdcAcmPeripheral;
  readonly host: TestHost;

  constructor(
    fifoBytes?: number,
    readonly peer = new Peer(),
  ) {
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

  it('begins with all of the line settings of its device', () => {
    for (const [line, coding] of [
      [{ baudRate: 9600, dataBits: 7, parity: 'even', stopBits: 2 }, [0x80, 0x25, 0, 0, 2, 2, 7]],
      [{ baudRate: 115_200.4, dataBits: 8, parity: 'odd', stopBits: 1.5 }, [0x00, 0xc2, 1, 0, 1, 1, 8]],
    ] as const) {
      const { host } = new Bench(undefined, new Peer(line));
      expect([...host.control(0xa1, 0x21, 0, 0, 7).data]).to.deep.equal(coding);
    }
  });

  it('passes a break on once, when it begins', () => {
    const { host, peer } = new Bench();
    for (const durationMs of [100, 0xffff, 0]) expect(host.control(0x21, 0x23, durationMs).status).to.equal(0);
    const broken = LINE_STATUS.break | LINE_STATUS.framing;
    expect([peer.received, peer.statuses]).to.deep.equal([
      [0, 0],
      [broken, broken],
    ]);
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

  it('tells the device once that everything has left', () => {
    const { host, peer } = new Bench();
    host.stream(DATA_IN, 2, 64, () => {});
    peer.send(128);
    host.run(1e9);
    expect(peer.idles).to.equal(1);
  });

  it('loses what was said before a program opened it, each time anew, and remembers what found no room', () => {
    const { host, peer, device } = new Bench(100);
    const seen: number[][] = [];
    const open = (): number => host.control(0x21, 0x22, 1).status;
    for (let round = 1; round <= 2; round++) {
      host.port.reset();
      host.configure();
      peer.send(101);
      expect(open()).to.equal(URB_STATUS.ok);
      peer.send(2);
      expect(open(), 'open already').to.equal(URB_STATUS.ok);
      seen.length = 0;
      host.stream(DATA_IN, 1, 64, (data) => seen.push([...data]));
      host.run(1e8);
      expect([seen, device.overrun]).to.deep.equal([[[0, 1]], round]);
    }
  });

  it('is empty after a reset, and has not forgotten what it lost', () => {
    const { host, peer, device } = new Bench(100);
    peer.send(130);
    host.port.reset();
    host.configure();
    const seen: number[] = [];
    host.stream(DATA_IN, 1, 256, (data) => seen.push(...data));
    peer.send(3);
    host.run(1e8);
    expect([seen, device.overrun]).to.deep.equal([[0, 1, 2], 30]);
    host.port.unplug();
    expect(device.overrun).to.equal(30);
  });

  it('takes whatever it is sent, and loses no byte between', () => {
    const random = createRandom('cdc-acm fuzz');
    const bench = new Bench(1000);
    const { host, peer, device } = bench;
    let sent = 0;
    let out = 0;
    const waiting = new Set<Urb>();
    host.onDone = (urb) => waiting.delete(urb);
    for (let step = 0; step < 10_000; step++) {
      const data = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
      const turn = random.below(5);
      if (turn === 0) {
        const count = random.below(200);
        sent += count;
        peer.send(count);
      } else if (turn === 1) {
        out += data.length;
        host.submit(TRANSFER_TYPE.bulk, DATA_OUT, data);
      } else if (turn === 2 && waiting.size < 100)
        waiting.add(host.submit(TRANSFER_TYPE.bulk, DATA_IN, 64 * (1 + random.below(5))));
      else if (turn === 3 && waiting.size < 100)
        waiting.add(host.submit(TRANSFER_TYPE.interrupt, NOTIFICATION, 16 + random.below(40)));
      // Every class request but SET_CONTROL_LINE_STATE, which drops bytes on purpose, and SEND_BREAK, which is received.
      else host.request([0x21, 0xa1, 0x40, 0xc0][random.below(4)], random.below(0x22), random.below(0x1_0000), 0, data);
      host.run(random.below(3_000_000));
    }
    let came = 0;
    host.stream(DATA_IN, 1, 512, () => {});
    host.run(1e9);
    for (const { urb, data } of host.done) if (urb.endpointAddress === DATA_IN) came += data.length;
    expect(came + device.overrun).to.equal(sent);
    expect(peer.received.length).to.equal(out);
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

  it('is powered anew when it is plugged in again, and a GNSS receiver goes on with the time', () => {
    const clock = new VirtualClock();
    const receiver = createGnssReceiver({}, { clock, random: createRandom('gnss') });
    const device = cdcAcmPeripheral({ clock, device: receiver, vendorId: 0x1546, productId: 0x01a7 });
    const host = new TestHost(device, clock).configure();
    host.run(5.5e9);
    host.port.unplug();
    host.run(5e9);
    expect(receiver.truth).to.have.length(6);
    host.port.replug();
    host.configure();
    let text = '';
    host.stream(DATA_IN, 2, 512, (data) => {
      text += Buffer.from(data).toString('latin1');
    });
    host.run(3e9);
    expect(text).to.match(/^\$..RMC,000011\.00/);
    expect(receiver.truth.map(({ eventNs }) => eventNs / 1e9)).to.deep.equal([0, 1, 2, 3, 4, 5, 11, 12, 13]);
  });
});
