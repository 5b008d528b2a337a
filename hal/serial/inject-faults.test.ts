import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { FaultPlan } from './fault-plan.js';
import type { InjectedFault } from './faults.js';
import { injectFaults } from './inject-faults.js';
import { LINE_STATUS, type LineSettings, MODEM_STATUS } from './serial-port.js';
import { createSimulatedLink } from './simulated-port.js';

const LINE: LineSettings = { baudRate: 10000, dataBits: 8, parity: 'none', stopBits: 1 };
/** One character at 10,000 baud, 8N1. */
const CHARACTER_NS = 1_000_000;

function setUp(plan: FaultPlan, seed = 'seed') {
  const clock = new VirtualClock();
  const [host, device] = createSimulatedLink({ clock, names: ['sim:host', 'sim:device'], line: LINE });
  const faults: InjectedFault[] = [];
  const port = injectFaults(host, { seed, clock, plan, listener: { fault: (fault) => faults.push(fault) } });
  const received: { byte: number; status: number; atNs: number }[] = [];
  const atDevice: number[] = [];
  const modem: number[] = [];
  const errors: HalError[] = [];
  port.attach({
    receive: (byte, status) => received.push({ byte, status, atNs: clock.now() }),
    modemStatus: (bits) => modem.push(bits),
    disconnected: (error) => errors.push(error),
  });
  device.attach({ receive: (byte) => atDevice.push(byte), modemStatus: () => {}, disconnected: () => {} });
  const send = (count: number) =>
    device.transmit(
      Uint8Array.from({ length: count }, (_, i) => i & 0xff),
      0,
      count,
    );
  const run = () => clock.runUntilIdle(1e15);
  return { clock, port, device, faults, received, atDevice, modem, errors, send, run };
}

function counting(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe('injectFaults', () => {
  it('passes everything on unchanged when the plan is empty', () => {
    const { port, received, atDevice, faults, send, run } = setUp({});
    send(50);
    port.transmit(Uint8Array.from(counting(30)), 5, 20);
    run();
    expect(received.map((r) => r.byte)).to.deep.equal(counting(50));
    expect(received.map((r) => r.atNs)).to.deep.equal(counting(50).map((i) => (i + 1) * CHARACTER_NS));
    expect(atDevice).to.deep.equal(counting(25).slice(5));
    expect(faults).to.deep.equal([]);
  });

  const appointments: [string, FaultPlan['events'], [number, number][]][] = [
    [
      'drops',
      [{ kind: 'drop', atIndex: 2, count: 2 }],
      [
        [0, 0],
        [1, 0],
        [4, 0],
        [5, 0],
      ],
    ],
    [
      'duplicates',
      [{ kind: 'duplicate', atIndex: 1 }],
      [
        [0, 0],
        [1, 0],
        [1, 0],
        [2, 0],
        [3, 0],
        [4, 0],
        [5, 0],
      ],
    ],
    [
      'breaks',
      [{ kind: 'break', atIndex: 3 }],
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [0, LINE_STATUS.break | LINE_STATUS.framing],
        [4, 0],
        [5, 0],
      ],
    ],
    [
      'overruns',
      [{ kind: 'overrun', atIndex: 1, count: 3 }],
      [
        [0, 0],
        [4, LINE_STATUS.overrun],
        [5, 0],
      ],
    ],
  ];
  for (const [what, events, expected] of appointments) {
    it(`${what} the appointed character and tells so`, () => {
      const { received, faults, send, run } = setUp({ events: events ?? [] });
      send(6);
      run();
      expect(received.map((r) => [r.byte, r.status])).to.deep.equal(expected);
      expect(faults.map((f) => [f.kind, f.index])).to.deep.equal([[events?.[0].kind, events?.[0].atIndex]]);
    });
  }

  for (const kind of ['corrupt', 'parity', 'framing'] as const) {
    it(`damages the bits it names and flags them (${kind})`, () => {
      const { received, faults, send, run } = setUp({ events: [{ kind, atIndex: 4 }] });
      send(6);
      run();
      expect(faults).to.have.length(1);
      expect(faults[0].flipped).to.be.greaterThan(0);
      expect(received[4].byte).to.equal(4 ^ faults[0].flipped);
      expect(received[4].status).to.equal(kind === 'corrupt' ? 0 : LINE_STATUS[kind]);
      expect(received.filter((r) => r.status !== 0)).to.have.length(kind === 'corrupt' ? 0 : 1);
    });
  }

  it('delays what follows, keeps its spacing, and lets a pause absorb it', () => {
    const { clock, received, send, run } = setUp({
      events: [{ kind: 'delay', atIndex: 2, durationNs: 5 * CHARACTER_NS }],
    });
    send(4);
    clock.advanceTo(100 * CHARACTER_NS);
    send(1);
    run();
    expect(received.map((r) => r.atNs / CHARACTER_NS)).to.deep.equal([1, 2, 8, 9, 101]);
  });

  it('stalls everything and lets it go at once', () => {
    const { received, send, run } = setUp({ events: [{ kind: 'stall', atIndex: 1, durationNs: 10 * CHARACTER_NS }] });
    send(15);
    run();
    expect(received.map((r) => r.byte)).to.deep.equal(counting(15));
    expect(received.map((r) => r.atNs / CHARACTER_NS)).to.deep.equal([
      1, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 13, 14, 15,
    ]);
  });

  it('strikes at an appointed time', () => {
    const { received, faults, send, run } = setUp({ events: [{ kind: 'drop', atNs: 2_500_000 }] });
    send(5);
    run();
    expect(received.map((r) => r.byte)).to.deep.equal([0, 1, 3, 4]);
    expect(faults[0]).to.include({ kind: 'drop', index: 2, atNs: 3_000_000 });
  });

  it('damages what is sent without changing its order', () => {
    const { port, atDevice, faults, run } = setUp({
      events: [
        { kind: 'drop', direction: 'transmit', atIndex: 1 },
        { kind: 'corrupt', direction: 'transmit', atIndex: 3 },
        { kind: 'duplicate', direction: 'transmit', atIndex: 5 },
        { kind: 'stall', direction: 'transmit', atIndex: 7, durationNs: 50 * CHARACTER_NS },
      ],
    });
    port.transmit(Uint8Array.from(counting(10)), 0, 10);
    run();
    const corrupted = 3 ^ (faults.find((f) => f.kind === 'corrupt')?.flipped ?? 0);
    expect(atDevice).to.deep.equal([0, 2, corrupted, 4, 5, 5, 6, 7, 8, 9]);
    expect(faults.map((f) => f.kind)).to.deep.equal(['drop', 'corrupt', 'duplicate', 'stall']);
  });

  it('pulls the cable and puts it back', () => {
    const { clock, port, device, received, atDevice, modem, faults, send } = setUp({
      events: [{ kind: 'unplug', atNs: 2_500_000, durationNs: 3_000_000 }],
    });
    device.modemControl(2);
    send(10);
    clock.advanceTo(3_000_000);
    port.transmit(Uint8Array.of(1), 0, 1);
    clock.advanceTo(20_000_000);
    port.transmit(Uint8Array.of(2), 0, 1);
    clock.advanceTo(30_000_000);
    expect(received.map((r) => r.byte)).to.deep.equal([0, 1, 5, 6, 7, 8, 9]);
    expect(atDevice).to.deep.equal([2]);
    expect(modem).to.deep.equal([MODEM_STATUS.cts, 0, MODEM_STATUS.cts]);
    expect(faults.map((f) => [f.kind, f.atNs])).to.deep.equal([
      ['unplug', 2_500_000],
      ['replug', 5_500_000],
    ]);
  });

  it('ends the port when the device does not come back', () => {
    const { port, received, errors, send, run } = setUp({ events: [{ kind: 'unplug', atIndex: 3 }] });
    send(10);
    run();
    expect(received).to.have.length(3);
    expect(errors.map((e) => e.code)).to.deep.equal(['HAL_DISCONNECTED']);
    port.transmit(Uint8Array.of(1), 0, 1);
    port.close();
    expect(() => port.transmit(Uint8Array.of(1), 0, 1))
      .to.throw()
      .with.property('code', 'HAL_CLOSED');
  });

  it('gives the same faults for the same seed and others for another', () => {
    const plan: FaultPlan = {
      receive: { drop: 0.02, corrupt: 0.02, duplicate: 0.02, parity: 0.02, framing: 0.02, break: 0.02, delay: 0.01 },
    };
    const history = (seed: string) => {
      const { received, faults, send, run } = setUp(plan, seed);
      send(2000);
      run();
      return JSON.stringify([received, faults]);
    };
    expect(history('one')).to.equal(history('one'));
    expect(history('one')).to.not.equal(history('two'));
  });

  it('strikes as often as the chances say and accounts for every character', () => {
    const { received, faults, send, run } = setUp({
      receive: { drop: 0.05, duplicate: 0.05, overrun: 0.002, overrunCount: 7 },
    });
    send(20_000);
    run();
    const count = (kind: string) => faults.filter((f) => f.kind === kind).reduce((sum, f) => sum + f.count, 0);
    expect(received).to.have.length(20_000 - count('drop') - count('overrun') + count('duplicate'));
    expect(faults.filter((f) => f.kind === 'drop').length).to.be.within(850, 1150);
    const flagged = received.filter((r) => r.status === LINE_STATUS.overrun).length;
    expect(flagged).to.equal(faults.filter((f) => f.kind === 'overrun').length);
  });

  const wrong: [FaultPlan, RegExp][] = [
    [{ receive: { drop: 1.5 } }, /receive\.drop/],
    [{ receive: { drop: 0.6, corrupt: 0.6 } }, /add up/],
    [{ transmit: { parity: 0.1 } }, /transmit\.parity/],
    [{ events: [{ kind: 'drop' }] }, /events\[0\]/],
    [{ events: [{ kind: 'drop', atIndex: 1, count: 0 }] }, /count/],
    [{ events: [{ kind: 'replug', atNs: 1 }] }, /replug|unplug/],
    [{ events: [{ kind: 'nonsense' as 'drop', atIndex: 1 }] }, /nonsense/],
  ];
  for (const [plan, message] of wrong) {
    it(`refuses the plan ${JSON.stringify(plan)} and names the field`, () => {
      expect(() => setUp(plan))
        .to.throw(message)
        .with.property('code', 'HAL_INVALID');
    });
  }
});
