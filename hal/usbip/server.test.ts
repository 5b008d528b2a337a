/** Tests of the USB/IP server byte by byte, as Linux' Documentation/usb/usbip_protocol.rst lays the messages out, and against hostile peers. */

import { expect } from 'chai';
import { createRandom, type Random, URB_STATUS, type Urb, WallClock } from '../../base/index.js';
import { createSimulatedUsbPort, type SimulatedUsbPort } from '../usb/simulated-port.js';
import { TEST_DEVICE, TestPeripheral } from '../usb/test-peripheral.js';
import type { UsbPort, UsbSink } from '../usb/usb-port.js';
import { importBytes, LIST_BYTES, RawPeer, SET_CONFIGURATION_1, submitBytes, unlinkBytes } from './raw-peer.js';
import { serveUsbip, type UsbipServer } from './server.js';

const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const LOOP_IN = TEST_DEVICE.loopIn & 0x0f;

function turn(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await turn(5);
  expect(condition()).to.equal(true);
}

describe('the USB/IP server', () => {
  const clock = new WallClock();
  let device: TestPeripheral;
  let simulated: SimulatedUsbPort;
  let server: UsbipServer;

  beforeEach(async () => {
    device = new TestPeripheral();
    simulated = createSimulatedUsbPort({ name: 'sim:loop', clock, device });
    server = await serveUsbip({ ports: [simulated], port: 0 });
  });

  afterEach(() => server.close());

  async function configured(): Promise<RawPeer> {
    const peer = await RawPeer.attach(server.port);
    peer.write(submitBytes({ seqnum: 1, inbound: false, endpoint: 0, length: 0, setup: SET_CONFIGURATION_1 }));
    expect(await peer.returned()).to.include({ command: RET_SUBMIT, seqnum: 1, status: 0 });
    return peer;
  }

  it('answers OP_REQ_DEVLIST with the device and its interfaces', async () => {
    const peer = await RawPeer.open(server.port);
    peer.write(LIST_BYTES);
    const reply = await peer.bytes(0x0c + 0x138 + 4);
    expect([...reply.subarray(0, 12)]).to.deep.equal([0x01, 0x11, 0x00, 0x05, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect(reply.subarray(0x10c, 0x10c + 4)).to.deep.equal(Buffer.from('1-1\0'));
    expect([0x12c, 0x130, 0x134].map((at) => reply.readUInt32BE(at))).to.deep.equal([1, 2, 2]);
    expect([0x138, 0x13a, 0x13c].map((at) => reply.readUInt16BE(at))).to.deep.equal([0x1209, 0x0001, 0x0100]);
    expect([...reply.subarray(0x13e)]).to.deep.equal([0, 0, 0, 1, 1, 1, 0xff, 0, 0, 0]);
    await peer.closed();
  });

  it('answers OP_REQ_IMPORT with the device alone, and refuses with a status', async () => {
    const peer = await RawPeer.open(server.port);
    peer.write(importBytes('1-1'));
    const reply = await peer.bytes(0x140);
    expect([...reply.subarray(0, 8)]).to.deep.equal([0x01, 0x11, 0x00, 0x03, 0, 0, 0, 0]);
    expect(reply.readUInt16BE(0x134)).to.equal(0x1209);
    for (const [busid, status] of [
      ['1-1', 2],
      ['1-2', 4],
    ] as const) {
      const other = await RawPeer.open(server.port);
      other.write(importBytes(busid));
      expect([...(await other.bytes(8))]).to.deep.equal([0x01, 0x11, 0x00, 0x03, 0, 0, 0, status]);
      await other.closed();
    }
  });

  it('answers USBIP_CMD_SUBMIT with USBIP_RET_SUBMIT and the data of an IN transfer', async () => {
    const peer = await RawPeer.attach(server.port);
    const setup = [0x80, 6, 0, 1, 0, 0, 18, 0];
    peer.write(
      submitBytes({ seqnum: 0x0d05, inbound: true, endpoint: 0, length: 64, setup: [...setup.slice(0, 6), 64, 0] }),
    );
    const head = await peer.bytes(48);
    expect([0, 4, 0x14, 0x18].map((at) => head.readUInt32BE(at))).to.deep.equal([RET_SUBMIT, 0x0d05, 0, 18]);
    expect([...head.subarray(0x28)]).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await peer.bytes(18)).to.deep.equal(Buffer.from(device.description.device));
  });

  it('answers an UNLINK in time with -ECONNRESET alone, and one too late with 0', async () => {
    const peer = await configured();
    peer.write(submitBytes({ seqnum: 2, inbound: true, endpoint: LOOP_IN, length: 64 }));
    await turn(10);
    peer.write(unlinkBytes(3, 2));
    expect(await peer.returned()).to.include({ command: RET_UNLINK, seqnum: 3, status: -104 });
    peer.write(unlinkBytes(4, 2));
    expect(await peer.returned()).to.include({ command: RET_UNLINK, seqnum: 4, status: 0 });
    peer.write(unlinkBytes(5, 999));
    expect(await peer.returned()).to.include({ command: RET_UNLINK, seqnum: 5, status: 0 });
  });

  it('returns the bytes that came before a transfer was taken back', async () => {
    const peer = await configured();
    const data = Uint8Array.from({ length: 64 }, (_, i) => i);
    peer.write(submitBytes({ seqnum: 2, inbound: true, endpoint: LOOP_IN, length: 256 }));
    peer.write(submitBytes({ seqnum: 3, inbound: false, endpoint: TEST_DEVICE.loopOut, length: 64, data }));
    expect(await peer.returned()).to.include({ seqnum: 3, status: 0, actualLength: 64 });
    await turn(20);
    peer.write(unlinkBytes(4, 2));
    expect(await peer.returned()).to.deep.equal({ command: RET_SUBMIT, seqnum: 2, status: -104, actualLength: 64 });
    expect(await peer.bytes(64)).to.deep.equal(Buffer.from(data));
    expect(await peer.returned()).to.include({ command: RET_UNLINK, seqnum: 4, status: 0 });
  });

  it('resets the device at the request Linux makes of its server for that', async () => {
    const peer = await configured();
    expect(device.configuration).to.equal(1);
    peer.write(submitBytes({ seqnum: 2, inbound: true, endpoint: LOOP_IN, length: 64 }));
    peer.write(submitBytes({ seqnum: 3, inbound: false, endpoint: 0, length: 0, setup: [0x23, 3, 4, 0, 1, 0, 0, 0] }));
    expect(await peer.returned()).to.include({ command: RET_SUBMIT, seqnum: 2, status: -104 });
    expect(await peer.returned()).to.include({ command: RET_SUBMIT, seqnum: 3, status: 0 });
    expect(device.configuration).to.equal(0);
  });

  it('takes back what a peer leaves that goes away, and unconfigures the device', async () => {
    const peer = await configured();
    for (let seqnum = 2; seqnum < 12; seqnum++)
      peer.write(submitBytes({ seqnum, inbound: true, endpoint: LOOP_IN, length: 64 }));
    await turn(10);
    peer.socket.resetAndDestroy();
    await until(() => server.attached.length === 0);
    expect(device.configuration).to.equal(0);
    // The next peer uses the same seqnums and hears nothing of the first one's.
    const next = await configured();
    next.write(submitBytes({ seqnum: 2, inbound: true, endpoint: LOOP_IN, length: 64 }));
    next.write(unlinkBytes(3, 2));
    expect(await next.returned()).to.include({ command: RET_UNLINK, seqnum: 3, status: -104 });
  });

  it('frees the device of a peer whose first message is nonsense already', async () => {
    const peer = await RawPeer.open(server.port);
    peer.write(Buffer.concat([importBytes('1-1'), Buffer.alloc(48, 0xee)]));
    await peer.closed();
    await until(() => server.attached.length === 0);
    (await RawPeer.attach(server.port)).socket.destroy();
  });

  it('refuses a device that has been pulled until it is back', async () => {
    simulated.unplug();
    const early = await RawPeer.open(server.port);
    early.write(importBytes('1-1'));
    expect((await early.bytes(8))[7]).to.equal(4);
    simulated.replug();
    await configured();
  });

  it('survives mutated messages, keeps nothing of them, and serves the next peer', async function () {
    this.timeout(20_000);
    const random = createRandom('usbip mutations');
    for (let round = 0; round < 80; round++) {
      const peer = await RawPeer.attach(server.port);
      peer.write(mutated(random));
      await turn(2);
      peer.socket.destroy();
      await until(() => server.attached.length === 0);
    }
    await configured();
  });
});

/** Messages of an ordinary session with a few bytes replaced. */
function mutated(random: Random): Uint8Array {
  const messages = [
    submitBytes({ seqnum: 1, inbound: false, endpoint: 0, length: 0, setup: SET_CONFIGURATION_1 }),
    submitBytes({ seqnum: 2, inbound: true, endpoint: LOOP_IN, length: 512 }),
    submitBytes({ seqnum: 3, inbound: false, endpoint: 2, length: 100, data: new Uint8Array(100) }),
    submitBytes({ seqnum: 4, inbound: true, endpoint: 3, length: 8 }),
    unlinkBytes(5, 4),
    submitBytes({ seqnum: 6, inbound: true, endpoint: 0, length: 64, setup: [0x80, 6, 0, 2, 0, 0, 64, 0] }),
  ];
  const bytes = Buffer.concat(messages);
  for (let count = random.below(6); count >= 0; count--) bytes[random.below(bytes.length)] = random.below(256);
  return bytes.subarray(0, 1 + random.below(bytes.length));
}

/** Every IN transfer is full at once: as fast as any device can be. */
class FullPort implements UsbPort {
  readonly name = 'full';
  readonly description = new TestPeripheral().description;
  submitted = 0;
  #sink: UsbSink | undefined;

  attach(sink: UsbSink): void {
    this.#sink = sink;
  }

  submit(urb: Urb): void {
    this.submitted++;
    setImmediate(() => {
      urb.status = URB_STATUS.ok;
      urb.actualLength = urb.length;
      this.#sink?.completed(urb);
    });
  }

  cancel(): void {}
  reset(): void {}
  close(): void {}
}

describe('the USB/IP server with a peer that does not read', () => {
  const COUNT = 60;
  const EACH = 1 << 20;

  it('listens no further until it has, and loses nothing', async function () {
    this.timeout(30_000);
    const port = new FullPort();
    const server = await serveUsbip({ ports: [port], port: 0 });
    const peer = await RawPeer.attach(server.port);
    peer.socket.pause();
    for (let seqnum = 1; seqnum <= COUNT; seqnum++) {
      peer.write(submitBytes({ seqnum, inbound: true, endpoint: LOOP_IN, length: EACH }));
      await turn(1);
    }
    await turn(100);
    // The sockets' own buffers take some.
    const early = port.submitted;
    await turn(100);
    expect(port.submitted).to.equal(early).and.to.be.lessThan(COUNT);
    peer.socket.resume();
    for (let seqnum = 1; seqnum <= COUNT; seqnum++) {
      expect(await peer.returned()).to.deep.equal({ command: RET_SUBMIT, seqnum, status: 0, actualLength: EACH });
      await peer.bytes(EACH);
    }
    expect(port.submitted).to.equal(COUNT);
    await server.close();
  });
});
