/** Tests of the USB/IP client against servers that speak nonsense, hang, or go. */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, Urb, WallClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { setupPacket } from '../usb/setup-packet.js';
import { createSimulatedUsbPort } from '../usb/simulated-port.js';
import { TEST_DEVICE, TestPeripheral } from '../usb/test-peripheral.js';
import type { UsbPort } from '../usb/usb-port.js';
import { ByteStream } from './byte-stream.js';
import { connectUsbip, listUsbip } from './client.js';
import { decodeDevice, encodeDevice } from './protocol.js';
import { RemotePort } from './remote-port.js';
import { serveUsbip } from './server.js';

const HOST = '127.0.0.1';
const clock = new WallClock();

/** Answers the first bytes of each connection as it is told to. */
class HostileServer {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(answer: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    });
  }

  static open(answer: (socket: Socket) => void): Promise<HostileServer> {
    const server = new HostileServer(answer);
    return new Promise((resolve) => server.#server.listen(0, HOST, () => resolve(server)));
  }

  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

async function rejection(promise: Promise<unknown>): Promise<HalError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof HalError) return error;
    throw error;
  }
  throw new Error('it did not reject');
}

/** What `attach` and `list` say of a server that answers so. */
async function against(answer: (socket: Socket) => void): Promise<{ attach: HalError; list: HalError }> {
  const server = await HostileServer.open(answer);
  const address = { host: HOST, port: server.port, timeoutMs: 100 };
  const attach = await rejection(connectUsbip({ ...address, busid: '1-1', clock }));
  const list = await rejection(listUsbip(address));
  await server.close();
  return { attach, list };
}

function importReply(): Buffer {
  const described = decodeDevice(new Uint8Array(0x138));
  return Buffer.concat([
    Uint8Array.of(1, 0x11, 0, 3, 0, 0, 0, 0),
    encodeDevice({ ...described, busid: '1-1', bus: 1 }),
  ]);
}

describe('the USB/IP client', () => {
  it('says of a server of another version that it is one', async () => {
    const { attach, list } = await against((socket) => socket.write(Uint8Array.of(1, 0x06, 0, 3, 0, 0, 0, 0)));
    expect([attach.code, list.code]).to.deep.equal(['HAL_UNSUPPORTED', 'HAL_UNSUPPORTED']);
    expect(attach.message).to.include('does not speak USB/IP 1.1.1');
  });

  it('waits no longer than it was told to for a server that says nothing', async () => {
    const { attach, list } = await against(() => {});
    expect([attach.code, list.code]).to.deep.equal(['HAL_TIMEOUT', 'HAL_TIMEOUT']);
  });

  it('tells a server that hangs up', async () => {
    const { attach, list } = await against((socket) => socket.end());
    expect([attach.code, list.code]).to.deep.equal(['HAL_DISCONNECTED', 'HAL_DISCONNECTED']);
  });

  it('waits no longer than it was told to for the descriptors of a device', async () => {
    const { attach } = await against((socket) => socket.write(importReply()));
    expect(attach.code).to.equal('HAL_IO');
    expect(attach.message).to.include('does not answer for its descriptors');
  });

  it('keeps a coded error whatever a server sends', async function () {
    this.timeout(20_000);
    const random = createRandom('usbip hostile server');
    for (let round = 0; round < 40; round++) {
      const noise = Uint8Array.from({ length: random.below(400) }, () => random.below(4) * random.below(64));
      const { attach } = await against((socket) =>
        socket.end(round % 2 === 0 ? noise : Buffer.concat([importReply(), noise])),
      );
      expect(attach.code).to.match(/^HAL_/);
    }
  });
});

describe('the port of a remote device', () => {
  let port: UsbPort;
  let socket: Socket | undefined;
  let server: HostileServer;
  let told: { readonly urb: Urb; readonly status: number }[];
  let lost: HalError[];

  beforeEach(async () => {
    told = [];
    lost = [];
    socket = undefined;
    server = await HostileServer.open((theirs) => {
      socket = theirs;
    });
    const ours = connect(server.port, HOST);
    await new Promise((resolve) => ours.once('connect', resolve));
    port = new RemotePort(
      'usbip:test/1-1',
      { socket: ours, stream: new ByteStream(), clock, timeoutMs: 50 },
      decodeDevice(new Uint8Array(0x138)),
    );
    port.attach({
      completed: (urb) => told.push({ urb, status: urb.status }),
      disconnected: (error) => lost.push(error),
    });
  });

  afterEach(async () => {
    port.close();
    await server.close();
  });

  const until = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(condition()).to.equal(true);
  };

  function reading(length: number): Urb {
    const urb = new Urb();
    urb.transferType = TRANSFER_TYPE.bulk;
    urb.endpointAddress = TEST_DEVICE.loopIn;
    urb.data = new Uint8Array(length);
    urb.length = length;
    return urb;
  }

  function returned(seqnum: number, status: number, actualLength: number): Buffer {
    const bytes = Buffer.alloc(48);
    bytes.writeUInt32BE(3, 0);
    bytes.writeUInt32BE(seqnum, 4);
    bytes.writeInt32BE(status, 0x14);
    bytes.writeUInt32BE(actualLength, 0x18);
    return bytes;
  }

  for (const [what, bytes] of [
    ['more bytes than were asked for', () => returned(1, 0, 65)],
    ['a return for a transfer that there is not', () => returned(77, 0, 0)],
    ['a command that there is not', () => Buffer.alloc(48, 9)],
  ] as const)
    it(`ends at ${what}: the transfer is shut down, then the port is lost, once`, async () => {
      const urb = reading(64);
      port.submit(urb);
      await until(() => socket !== undefined);
      socket?.write(bytes());
      await until(() => lost.length > 0);
      expect(told).to.deep.equal([{ urb, status: URB_STATUS.shutdown }]);
      expect(lost.map(({ code }) => code)).to.deep.equal(['HAL_IO']);
      port.submit(urb);
      expect(told).to.have.length(1);
      await until(() => told.length === 2);
      expect(told[1].status).to.equal(URB_STATUS.noDevice);
    });

  it('is lost when the server does not answer an UNLINK in time', async () => {
    const urb = reading(64);
    port.submit(urb);
    port.cancel(urb);
    await until(() => lost.length > 0);
    expect(told).to.deep.equal([{ urb, status: URB_STATUS.shutdown }]);
    expect(lost[0].code).to.equal('HAL_TIMEOUT');
  });

  it('takes a return in pieces, and a status that no transfer has as a breach of protocol', async () => {
    const urb = reading(64);
    port.submit(urb);
    await until(() => socket !== undefined);
    for (const byte of Buffer.concat([returned(1, 7, 2), Uint8Array.of(0xca, 0xfe)]))
      socket?.write(Uint8Array.of(byte));
    await until(() => told.length > 0);
    expect(told[0].status).to.equal(URB_STATUS.protocol);
    expect([...urb.data.subarray(0, urb.actualLength)]).to.deep.equal([0xca, 0xfe]);
  });
});

describe('the port of a remote device, served by this project', () => {
  it('keeps the bytes of a transfer that was taken back, and resets the device', async () => {
    const device = new TestPeripheral();
    const server = await serveUsbip({
      ports: [createSimulatedUsbPort({ name: 'sim:loop', clock, device })],
      port: 0,
    });
    const port = await connectUsbip({ host: HOST, port: server.port, busid: '1-1', clock });
    const done: Urb[] = [];
    let wake = (): void => {};
    port.attach({
      completed: (urb) => {
        done.push(urb);
        wake();
      },
      disconnected: () => {},
    });
    const completion = async (count: number): Promise<void> => {
      while (done.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    const configure = new Urb();
    configure.setup.set(setupPacket({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 }));
    port.submit(configure);
    await completion(1);
    const reading = new Urb();
    Object.assign(reading, { transferType: TRANSFER_TYPE.bulk, endpointAddress: TEST_DEVICE.loopIn, length: 256 });
    reading.data = new Uint8Array(256);
    const writing = new Urb();
    Object.assign(writing, { transferType: TRANSFER_TYPE.bulk, endpointAddress: TEST_DEVICE.loopOut, length: 64 });
    writing.data = Uint8Array.from({ length: 64 }, (_, i) => i + 1);
    port.submit(reading);
    port.submit(writing);
    await completion(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    port.cancel(reading);
    await completion(3);
    expect(done[2]).to.equal(reading);
    expect([reading.status, reading.actualLength]).to.deep.equal([URB_STATUS.unlinked, 64]);
    expect(reading.data.subarray(0, 64)).to.deep.equal(writing.data);
    port.submit(reading);
    port.reset();
    await completion(4);
    expect(done[3].status).to.equal(URB_STATUS.unlinked);
    port.submit(configure);
    await completion(5);
    expect([configure.status, device.configuration]).to.deep.equal([0, 1]);
    port.close();
    await server.close();
  });
});
