import { expect } from 'chai';
import { Timer, VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { ReceiverOptions } from './receive-fifo.js';
import type { SerialDevice, SerialDeviceOutput } from './serial-device.js';
import { LINE_STATUS, type LineSettings, MODEM_CONTROL, MODEM_STATUS } from './serial-port.js';
import { createSimulatedLink, createSimulatedPort } from './simulated-port.js';

const LINE_9600: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };
const CHARACTER_NS = 1_041_666;

/** Sends a burst of counting bytes at the start, echoes what it receives, and mirrors RTS as CTS. */
class CountingDevice implements SerialDevice {
  line = LINE_9600;
  output: SerialDeviceOutput | undefined;
  received: [number, number][] = [];
  idles = 0;
  stopped = 0;
  control = -1;

  constructor(
    readonly count: number,
    readonly echo = false,
  ) {}

  start(output: SerialDeviceOutput): void {
    this.output = output;
    output.transmit(
      Uint8Array.from({ length: this.count }, (_, i) => i),
      0,
      this.count,
    );
  }

  receive(byte: number, lineStatus: number): void {
    this.received.push([byte, lineStatus]);
    if (this.echo) this.output?.transmit(Uint8Array.of(byte), 0, 1);
  }

  modemControl(bits: number): void {
    this.control = bits;
    this.output?.modemStatus(bits & MODEM_CONTROL.rts ? MODEM_STATUS.cts : 0);
  }

  transmitIdle(): void {
    this.idles++;
  }

  stop(): void {
    this.stopped++;
  }
}

function setUp(device: CountingDevice, host?: ReceiverOptions, peer?: ReceiverOptions) {
  const clock = new VirtualClock();
  const port = createSimulatedPort({
    name: 'sim:counter',
    clock,
    device,
    ...(host === undefined ? {} : { host }),
    ...(peer === undefined ? {} : { peer }),
  });
  const received: { atNs: number; byte: number; status: number }[] = [];
  const modem: number[] = [];
  const errors: HalError[] = [];
  port.attach({
    receive: (byte, status) => received.push({ atNs: clock.now(), byte, status }),
    modemStatus: (bits) => modem.push(bits),
    disconnected: (error) => errors.push(error),
  });
  return { clock, port, received, modem, errors };
}

describe('createSimulatedPort', () => {
  it('starts the device when the host attaches and delivers at the line rate', () => {
    const device = new CountingDevice(3);
    const { clock, received } = setUp(device);
    clock.runUntilIdle(1e12);
    expect(received).to.deep.equal([
      { atNs: CHARACTER_NS, byte: 0, status: 0 },
      { atNs: 2_083_333, byte: 1, status: 0 },
      { atNs: 3_125_000, byte: 2, status: 0 },
    ]);
    expect(device.idles).to.equal(1);
  });

  it('carries both directions at the same time', () => {
    const device = new CountingDevice(100);
    const { clock, port, received } = setUp(device);
    port.transmit(
      Uint8Array.from({ length: 100 }, (_, i) => 200 - i),
      0,
      100,
    );
    clock.advanceTo(Math.floor((100 * 10e9) / 9600));
    expect(received).to.have.length(100);
    expect(device.received.map(([byte]) => byte)).to.deep.equal(Array.from({ length: 100 }, (_, i) => 200 - i));
  });

  it('echoes a character one character time after it was received', () => {
    const { clock, port, received } = setUp(new CountingDevice(0, true));
    port.transmit(Uint8Array.of(0x5a), 0, 1);
    clock.runUntilIdle(1e12);
    expect(received).to.deep.equal([{ atNs: 2 * CHARACTER_NS, byte: 0x5a, status: 0 }]);
  });

  it('copies what it is asked to transmit before it returns', () => {
    const device = new CountingDevice(0);
    const { clock, port } = setUp(device);
    const bytes = Uint8Array.of(1, 2, 3, 4);
    port.transmit(bytes, 1, 2);
    bytes.fill(0xee);
    clock.runUntilIdle(1e12);
    expect(device.received).to.deep.equal([
      [2, 0],
      [3, 0],
    ]);
  });

  it('listens with the settings of the device until it is configured, then with its own', () => {
    const device = new CountingDevice(0, true);
    const { clock, port, received } = setUp(device);
    expect(port.line).to.equal(LINE_9600);
    port.configure({ ...LINE_9600, baudRate: 19200 });
    port.transmit(Uint8Array.of(0x41), 0, 1);
    clock.runUntilIdle(1e12);
    expect(device.received[0]?.[0]).to.not.equal(0x41);
    port.configure(LINE_9600);
    received.length = 0;
    port.transmit(Uint8Array.of(0x41), 0, 1);
    clock.runUntilIdle(1e12);
    expect(received.map((r) => r.byte)).to.deep.equal([0x41]);
  });

  it('refuses settings no line can have', () => {
    const { port } = setUp(new CountingDevice(0));
    for (const wrong of [{ baudRate: 0 }, { baudRate: Number.NaN }, { dataBits: 9 }, { stopBits: 3 }, { parity: 'x' }])
      expect(() => port.configure({ ...LINE_9600, ...wrong } as LineSettings))
        .to.throw(/sim:counter/)
        .with.property('code', 'HAL_INVALID');
  });

  it('carries modem lines at once in both directions', () => {
    const device = new CountingDevice(0);
    const { port, modem } = setUp(device);
    port.modemControl(MODEM_CONTROL.dtr | MODEM_CONTROL.rts);
    expect(device.control).to.equal(MODEM_CONTROL.dtr | MODEM_CONTROL.rts);
    port.modemControl(MODEM_CONTROL.dtr);
    expect(modem).to.deep.equal([MODEM_STATUS.cts, 0]);
  });

  it('carries a break held by the host as one received break', () => {
    const device = new CountingDevice(0);
    const { clock, port } = setUp(device);
    port.modemControl(MODEM_CONTROL.break);
    clock.advanceTo(10_000_000);
    port.modemControl(0);
    clock.runUntilIdle(1e12);
    expect(device.received).to.deep.equal([[0, LINE_STATUS.break | LINE_STATUS.framing]]);
    expect(device.control).to.equal(0);
  });

  it('loses the newest characters when the host holds longer than its FIFO is deep, and flags the next one', () => {
    const { clock, port, received } = setUp(new CountingDevice(40), { rxFifoDepth: 16 });
    clock.advanceTo(10 * CHARACTER_NS + 100);
    port.receiver.hold();
    clock.advanceTo(31 * CHARACTER_NS + 100);
    expect(received).to.have.length(10);
    expect(port.receiver.waiting).to.equal(16);
    expect(port.receiver.lost).to.equal(5);
    port.receiver.release();
    expect(received).to.have.length(26);
    clock.runUntilIdle(1e12);
    const bytes = received.map((r) => r.byte);
    expect(bytes).to.deep.equal(Array.from({ length: 40 }, (_, i) => i).filter((i) => i < 26 || i > 30));
    expect(received.filter((r) => r.status !== 0).map((r) => [r.byte, r.status])).to.deep.equal([
      [10, LINE_STATUS.overrun],
    ]);
  });

  it('hands over in bursts of the trigger level, and the rest after the time-out, like a USB adapter', () => {
    const { clock, received } = setUp(new CountingDevice(10), {
      rxFifoDepth: 128,
      rxTriggerLevel: 4,
      rxTimeoutNs: 16_000_000,
    });
    clock.runUntilIdle(1e12);
    const at = (index: number) => Math.floor(((index + 1) * 10e9) / 9600);
    expect(received.map((r) => r.atNs)).to.deep.equal([
      ...Array.from({ length: 4 }, () => at(3)),
      ...Array.from({ length: 4 }, () => at(7)),
      ...Array.from({ length: 2 }, () => at(8) + 16_000_000),
    ]);
    expect(received.map((r) => r.byte)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('loses nothing while the service delay is shorter than the FIFO is deep, and does when it is longer', () => {
    // A service after 20 characters finds 21 that came, 16 of them kept; 42 characters are two such rounds.
    for (const [characters, lost] of [
      [15, 0],
      [20, 10],
    ]) {
      const { clock, port } = setUp(new CountingDevice(42), {
        rxFifoDepth: 16,
        serviceDelayNs: characters * CHARACTER_NS + 10_000,
      });
      clock.runUntilIdle(1e12);
      expect(port.receiver.lost, `service after ${characters} characters`).to.equal(lost);
    }
  });

  it('overruns a slow device too', () => {
    const device = new CountingDevice(0);
    const { clock, port } = setUp(device, undefined, { rxFifoDepth: 2, serviceDelayNs: 5 * CHARACTER_NS });
    port.transmit(Uint8Array.of(1, 2, 3, 4, 5), 0, 5);
    clock.runUntilIdle(1e12);
    expect(device.received.slice(0, 2)).to.deep.equal([
      [1, LINE_STATUS.overrun],
      [2, 0],
    ]);
  });

  it('stops the device on close, drops what waits and is silent and closed afterwards', () => {
    const device = new CountingDevice(10);
    const { clock, port, received, errors } = setUp(device);
    clock.advanceTo(2_500_000);
    port.close();
    port.close();
    clock.runUntilIdle(1e12);
    expect(received).to.have.length(2);
    expect(device.stopped).to.equal(1);
    expect(errors).to.deep.equal([]);
    expect(clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    expect(() => port.transmit(Uint8Array.of(1), 0, 1))
      .to.throw()
      .with.property('code', 'HAL_CLOSED');
  });

  it('may be closed from inside a received character', () => {
    const clock = new VirtualClock();
    const port = createSimulatedPort({ name: 'sim:counter', clock, device: new CountingDevice(10) });
    let count = 0;
    port.attach({
      receive: () => {
        count++;
        if (count === 2) port.close();
      },
      modemStatus: () => {},
      disconnected: () => {},
    });
    clock.runUntilIdle(1e12);
    expect(count).to.equal(2);
  });

  it('tells the host once when the device is unplugged', () => {
    const device = new CountingDevice(10);
    const { clock, port, received, errors } = setUp(device);
    clock.advanceTo(2_500_000);
    port.unplug();
    port.unplug();
    port.transmit(Uint8Array.of(1), 0, 1);
    clock.runUntilIdle(1e12);
    expect(received).to.have.length(2);
    expect(errors.map((e) => e.code)).to.deep.equal(['HAL_DISCONNECTED']);
    expect(device.stopped).to.equal(1);
    expect(device.received).to.deep.equal([]);
  });

  it('refuses a second host', () => {
    const { port } = setUp(new CountingDevice(0));
    expect(() => port.attach({ receive: () => {}, modemStatus: () => {}, disconnected: () => {} }))
      .to.throw()
      .with.property('code', 'HAL_IN_USE');
  });

  it('lets a device time its own output', () => {
    const clock = new VirtualClock();
    const device = new CountingDevice(0);
    const timer = new Timer(() => device.output?.transmit(Uint8Array.of(7), 0, 1));
    const port = createSimulatedPort({ name: 'sim:timed', clock, device });
    const at: number[] = [];
    port.attach({ receive: () => at.push(clock.now()), modemStatus: () => {}, disconnected: () => {} });
    clock.schedule(timer, 123_456_789);
    clock.runUntilIdle(1e12);
    expect(at).to.deep.equal([123_456_789 + CHARACTER_NS]);
  });
});

describe('createSimulatedLink', () => {
  it('joins two ports and crosses their modem lines', () => {
    const clock = new VirtualClock();
    const [a, b] = createSimulatedLink({ clock, names: ['sim:a', 'sim:b'], line: LINE_9600 });
    const seen: string[] = [];
    const sink = (name: string) => ({
      receive: (byte: number) => seen.push(`${name}<${byte}`),
      modemStatus: (bits: number) => seen.push(`${name}~${bits}`),
      disconnected: () => {},
    });
    a.attach(sink('a'));
    a.transmit(Uint8Array.of(1), 0, 1);
    a.modemControl(MODEM_CONTROL.rts | MODEM_CONTROL.dtr);
    clock.runUntilIdle(1e12);
    expect(seen).to.deep.equal([]);
    b.attach(sink('b'));
    b.transmit(Uint8Array.of(2), 0, 1);
    clock.runUntilIdle(1e12);
    expect(seen).to.deep.equal([`b~${MODEM_STATUS.cts | MODEM_STATUS.dsr | MODEM_STATUS.dcd}`, 'b<1', 'a<2']);
  });
});
