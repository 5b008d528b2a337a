/** Tests of USB/IP: our client against our server, Debian's tool against our server, and peers that speak nonsense. */

import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, WallClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { createSimulatedUsbPort, type SimulatedUsbPort } from '../usb/simulated-port.js';
import { TEST_DEVICE, TestPeripheral } from '../usb/test-peripheral.js';
import { Transfers } from '../usb/transfers.js';
import { connectUsbip, listUsbip } from './client.js';
import { FIELD, MESSAGE_BYTES } from './protocol.js';
import { serveUsbip, type UsbipServer } from './server.js';

const HOST = '127.0.0.1';

/** The tool asks this process, so it must not be waited for synchronously. */
function run(command: string, arguments_: readonly string[]): Promise<{ output: string; failed: string | undefined }> {
  return new Promise((resolve) => {
    execFile(command, arguments_, (error, stdout, stderr) => {
      const code = error?.code;
      resolve({ output: stdout + stderr, failed: typeof code === 'string' ? code : undefined });
    });
  });
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

describe('USB/IP', () => {
  const clock = new WallClock();
  let device: TestPeripheral;
  let simulated: SimulatedUsbPort;
  let server: UsbipServer;
  const events: string[] = [];

  beforeEach(async () => {
    device = new TestPeripheral();
    simulated = createSimulatedUsbPort({ name: 'sim:loop', clock, device });
    server = await serveUsbip({ ports: [simulated], port: 0, onEvent: (sentence) => events.push(sentence) });
  });

  afterEach(() => server.close());

  const address = () => ({ host: HOST, port: server.port });
  const attach = () => connectUsbip({ ...address(), busid: '1-1', clock });

  it('lists what is exported', async () => {
    const [listed] = await listUsbip(address());
    expect(listed).to.include({ busid: '1-1', vendorId: TEST_DEVICE.vendorId, speed: 'full', deviceClass: 0 });
    expect(listed.interfaces).to.deep.equal([{ code: 0xff, subclass: 0, protocol: 0 }]);
  });

  it('is understood by usbip(8)', async function () {
    const arguments_ = ['--tcp-port', String(server.port), 'list', '-r', HOST];
    const { output, failed } = await run('usbip', arguments_);
    if (failed === 'ENOENT') {
      process.stderr.write('      usbip is not installed (apt-get install usbip)\n');
      this.skip();
    }
    expect(output).to.match(/1-1: .*\(1209:0001\)/);
    expect(output).to.include('Vendor Specific Class');
  });

  it('carries descriptors and transfers to the device and back', async () => {
    const port = await attach();
    expect(port.description.device).to.deep.equal(device.description.device);
    expect(port.description.configurations).to.deep.equal(device.description.configurations);
    expect([...port.description.strings]).to.deep.equal([...device.description.strings]);
    const host = new Transfers(port, clock);
    await host.control({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
    const sent = Uint8Array.from({ length: 3000 }, (_, i) => i * 5);
    const reading = host.in(TRANSFER_TYPE.bulk, TEST_DEVICE.loopIn, 3000);
    await host.out(TRANSFER_TYPE.bulk, TEST_DEVICE.loopOut, sent);
    expect(Buffer.compare((await reading).data, sent)).to.equal(0);
    port.close();
  });

  it('takes transfers back and tells stalls', async () => {
    const port = await attach();
    const host = new Transfers(port, clock);
    await host.control({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
    const late = await rejection(host.in(TRANSFER_TYPE.bulk, TEST_DEVICE.loopIn, 64, 20));
    expect(late.code).to.equal('HAL_TIMEOUT');
    const refused = await host.control({ bmRequestType: 0x40, bRequest: 0x77, wValue: 0, wIndex: 0, wLength: 0 });
    expect(refused.status).to.equal(URB_STATUS.stall);
    port.close();
  });

  it('gives a device to one peer at a time, and to the next when it has gone', async () => {
    const port = await attach();
    expect((await rejection(attach())).code).to.equal('HAL_IN_USE');
    expect(server.attached).to.deep.equal(['1-1']);
    port.close();
    while (server.attached.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    (await attach()).close();
  });

  it('ends the attachment when the device is pulled, with what was in flight shut down', async () => {
    const port = await attach();
    const host = new Transfers(port, clock);
    await host.control({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
    const lost = new Promise<HalError>((resolve) => {
      host.onLost = resolve;
    });
    const reading = host.in(TRANSFER_TYPE.bulk, TEST_DEVICE.loopIn, 64);
    await new Promise((resolve) => setTimeout(resolve, 20));
    simulated.unplug();
    expect((await reading).status).to.equal(URB_STATUS.shutdown);
    expect((await lost).code).to.equal('HAL_DISCONNECTED');
  });

  it('names the cure where nobody listens, and refuses a busid that is not there', async () => {
    expect((await rejection(connectUsbip({ ...address(), busid: '9-9', clock }))).code).to.equal('HAL_NOT_FOUND');
    const { port } = server;
    await server.close();
    const error = await rejection(listUsbip({ host: HOST, port }));
    expect(error.code).to.equal('HAL_NOT_FOUND');
    expect(error.hint).to.include('rig export');
  });

  it('turns nonsense away and goes on serving', async () => {
    const random = createRandom('usbip nonsense');
    for (let i = 0; i < 60; i++) {
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, HOST, () => {
          const length = 8 + random.below(200);
          const bytes = Uint8Array.from({ length }, () => random.below(256));
          if (i % 3 > 0) bytes.set([1, 0x11, 0x80, 3, 0, 0, 0, 0, 0x31, 0x2d, 0x31, 0]);
          if (i % 3 === 1) bytes.fill(0, 12, 40);
          socket.end(bytes);
        });
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.on('close', () => resolve());
      });
    }
    expect(await listUsbip(address())).to.have.length(1);
  });

  it('ends with a peer that asks for more than is served', async () => {
    const message = new DataView(new ArrayBuffer(48 + MESSAGE_BYTES));
    new Uint8Array(message.buffer).set([1, 0x11, 0x80, 3, 0, 0, 0, 0, 0x31, 0x2d, 0x31]);
    const submit = new DataView(message.buffer, 40, MESSAGE_BYTES);
    submit.setUint32(FIELD.command, 1);
    submit.setUint32(FIELD.seqnum, 1);
    submit.setUint32(FIELD.direction, 1);
    submit.setUint32(FIELD.length, 0x7fff_ffff);
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, HOST, () => socket.write(new Uint8Array(message.buffer)));
      socket.on('data', () => {});
      socket.on('close', () => resolve());
    });
    expect(events.at(-1)).to.include('asked for more than is served');
  });
});
