import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { bindingFromPort } from './binding-from-port.js';
import type { BindingPortInterface } from './binding-types.js';
import { virtualTime } from './passing-time.js';
import { type ChunkArrival, portFromBinding } from './port-from-binding.js';
import { type LineSettings, MODEM_CONTROL, MODEM_STATUS } from './serial-port.js';
import { createSimulatedLink } from './simulated-port.js';

const LINE: LineSettings = { baudRate: 10000, dataBits: 8, parity: 'none', stopBits: 1 };

function setUp(override: Partial<BindingPortInterface> = {}) {
  const clock = new VirtualClock();
  const [host, device] = createSimulatedLink({ clock, names: ['sim:host', 'sim:device'], line: LINE });
  const inner = bindingFromPort(host, { clock, path: 'sim:host', line: LINE });
  const binding: BindingPortInterface = new Proxy(inner as BindingPortInterface, {
    get: (target, key: keyof BindingPortInterface) => {
      if (key in override) return override[key];
      const value = target[key];
      return typeof value === 'function' ? value.bind(target) : value;
    },
    has: (target, key) => key in target,
  });
  const chunks: ChunkArrival[] = [];
  const refused: HalError[] = [];
  const port = portFromBinding(binding, {
    name: 'bridge',
    clock,
    onChunk: (chunk) => chunks.push({ ...chunk, bytes: Uint8Array.from(chunk.bytes) }),
    onRefused: (error) => refused.push(error),
    modemPollNs: 1_000_000,
  });
  const received: number[] = [];
  const modem: number[] = [];
  const errors: HalError[] = [];
  port.attach({
    receive: (byte) => received.push(byte),
    modemStatus: (bits) => modem.push(bits),
    disconnected: (error) => errors.push(error),
  });
  const atDevice: number[] = [];
  const deviceModem: number[] = [];
  device.attach({
    receive: (byte) => atDevice.push(byte),
    modemStatus: (bits) => deviceModem.push(bits),
    disconnected: () => {},
  });
  return {
    clock,
    time: virtualTime(clock),
    host,
    device,
    port,
    received,
    modem,
    errors,
    atDevice,
    deviceModem,
    chunks,
    refused,
  };
}

describe('portFromBinding', () => {
  it('carries bytes and modem lines both ways', async () => {
    const { time, port, device, received, atDevice, modem, deviceModem, errors } = setUp();
    port.transmit(Uint8Array.of(0, 1, 2, 3, 4), 1, 3);
    device.transmit(Uint8Array.of(9, 8, 7), 0, 3);
    device.modemControl(MODEM_CONTROL.rts);
    port.modemControl(MODEM_CONTROL.dtr);
    await time.pass(20_000_000);
    expect(atDevice).to.deep.equal([1, 2, 3]);
    expect(received).to.deep.equal([9, 8, 7]);
    expect(modem).to.deep.equal([MODEM_STATUS.cts]);
    expect(deviceModem[deviceModem.length - 1]).to.equal(MODEM_STATUS.dsr | MODEM_STATUS.dcd);
    expect(errors).to.deep.equal([]);
  });

  it('stamps each chunk with when it came and since when it was awaited', async () => {
    const { time, device, chunks } = setUp();
    device.transmit(Uint8Array.of(5, 6), 0, 2);
    await time.pass(5_000_000);
    expect(chunks.map((c) => [[...c.bytes], c.atNs, c.waitingSinceNs])).to.deep.equal([
      [[5], 1_000_000, 0],
      [[6], 2_000_000, 1_000_000],
    ]);
  });

  it('changes the baud rate only after what was queued before has left', async () => {
    const { time, port, device, atDevice } = setUp();
    port.transmit(Uint8Array.of(1, 2, 3), 0, 3);
    port.configure({ ...LINE, baudRate: 40000 });
    port.configure({ ...LINE, baudRate: 20000 });
    port.transmit(Uint8Array.of(4), 0, 1);
    await time.pass(2_500_000);
    device.configure({ ...LINE, baudRate: 20000 });
    await time.pass(3_000_000);
    expect(atDevice).to.deep.equal([1, 2, 3, 4]);
  });

  it('tells what the binding cannot do and goes on', async () => {
    const { time, port, refused, errors, atDevice } = setUp();
    port.configure({ ...LINE, dataBits: 7 });
    port.transmit(Uint8Array.of(4), 0, 1);
    await time.pass(3_000_000);
    expect(refused.map((e) => e.code)).to.deep.equal(['HAL_UNSUPPORTED']);
    expect(refused[0].message).to.equal('bridge cannot change to 10000 7N1 while it is open');
    expect(errors).to.deep.equal([]);
    expect(atDevice).to.deep.equal([4]);
  });

  it('hands over the partial bytes of a failed read before it says that the port is gone', async () => {
    let calls = 0;
    const { time, received, errors } = setUp({
      read: async () => {
        calls++;
        throw new HalError('HAL_DISCONNECTED', 'pulled', { partial: Uint8Array.of(1, 2) });
      },
    });
    await time.pass(1_000_000);
    expect(received).to.deep.equal([1, 2]);
    expect(errors.map((e) => e.message)).to.deep.equal(['pulled']);
    expect(calls).to.equal(1);
  });

  it('tells a failed write as a disconnection with its cause, once, and drops what waits', async () => {
    const cause = new Error('EIO: i/o error, write');
    let writes = 0;
    const { time, port, errors, host } = setUp({
      write: async () => {
        writes++;
        throw cause;
      },
    });
    for (let i = 0; i < 3; i++) port.transmit(new Uint8Array(5000), 0, 5000);
    await time.pass(1_000_000);
    host.unplug();
    await time.pass(1_000_000);
    expect(errors).to.have.length(1);
    expect(errors[0].code).to.equal('HAL_DISCONNECTED');
    expect(errors[0].cause).to.equal(cause);
    expect(writes).to.equal(1);
    port.transmit(Uint8Array.of(1), 0, 1);
  });

  it('refuses to queue more than a mebibyte', () => {
    const { port } = setUp();
    port.transmit(new Uint8Array(1 << 20), 0, 1 << 20);
    expect(() => port.transmit(Uint8Array.of(1), 0, 1))
      .to.throw()
      .with.property('code', 'HAL_OVERRUN');
  });

  it('is closed and silent after close', async () => {
    const { time, port, device, received, errors } = setUp();
    port.close();
    port.close();
    await time.settle(port.whenClosed);
    device.transmit(Uint8Array.of(1), 0, 1);
    await time.pass(5_000_000);
    expect(received).to.deep.equal([]);
    expect(errors).to.deep.equal([]);
    expect(() => port.transmit(Uint8Array.of(1), 0, 1))
      .to.throw()
      .with.property('code', 'HAL_CLOSED');
  });

  it('says when everything queued has left', async () => {
    const { clock, time, port, atDevice } = setUp();
    port.transmit(new Uint8Array(100), 0, 100);
    await time.settle(port.drained());
    expect(clock.now()).to.be.at.least(100_000_000);
    expect(atDevice).to.have.length(100);
  });
});
