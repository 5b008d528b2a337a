/** Tests of injected USB faults: each kind does what it says and no more, and every transfer still completes once. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, Urb, VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { InjectedUsbFault, UsbFaultPlan } from './fault-plan.js';
import { injectUsbFaults } from './inject-faults.js';
import { encodeSetup } from './setup-packet.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { TEST_DEVICE, TestPeripheral } from './test-peripheral.js';
import type { UsbPort } from './usb-port.js';

const { bulk } = TRANSFER_TYPE;
const { loopIn, loopOut } = TEST_DEVICE;
const { ok, stall, protocol, shutdown, noDevice } = URB_STATUS;

class Bench {
  readonly clock = new VirtualClock();
  readonly device = new TestPeripheral();
  readonly faults: InjectedUsbFault[] = [];
  readonly done: { readonly urb: Urb; readonly atNs: number; readonly status: number }[] = [];
  readonly plugs: boolean[] = [];
  readonly port: UsbPort;
  #id = 0;

  constructor(plan: UsbFaultPlan, seed = 'faults') {
    const simulated = createSimulatedUsbPort({ name: 'sim:test', clock: this.clock, device: this.device });
    const listener = { fault: (fault: InjectedUsbFault) => this.faults.push(fault) };
    this.port = injectUsbFaults(simulated, { clock: this.clock, seed, plan, listener });
    this.port.attach({
      completed: (urb) => this.done.push({ urb, atNs: this.clock.now(), status: urb.status }),
      plugged: (present) => this.plugs.push(present),
      disconnected: () => {},
    });
    this.configure();
  }

  get kinds(): string[] {
    return this.faults.map(({ kind }) => kind);
  }

  configure(): void {
    const urb = new Urb();
    encodeSetup(urb.setup, { bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
    this.port.submit(urb);
    this.run(2e6);
    this.done.length = 0;
  }

  submit(endpointAddress: number, data: Uint8Array | number): Urb {
    const urb = new Urb();
    urb.id = ++this.#id;
    urb.transferType = bulk;
    urb.endpointAddress = endpointAddress;
    urb.data = typeof data === 'number' ? new Uint8Array(data) : data;
    urb.length = urb.data.length;
    this.port.submit(urb);
    return urb;
  }

  /** Puts bytes into the device that a loop transfer brings back, past the faults. */
  fill(...bytes: number[]): void {
    this.device.out(loopOut, Uint8Array.from(bytes), 0, bytes.length);
  }

  run(ns: number): void {
    this.clock.advanceTo(this.clock.now() + ns);
  }
}

const first = (kind: 'drop' | 'corrupt' | 'delay' | 'shortRead' | 'stall' | 'protocol'): UsbFaultPlan => ({
  events: [{ kind, atTransfer: 0 }],
});

describe('injected USB faults', () => {
  it('drop what a transfer brought, and let it wait on', () => {
    const bench = new Bench(first('drop'));
    const urb = bench.submit(loopIn, 64);
    bench.fill(1, 2, 3);
    bench.run(1e6);
    expect(urb.status).to.equal(URB_STATUS.inProgress);
    bench.fill(4);
    bench.run(1e6);
    expect([urb.status, ...urb.data.subarray(0, urb.actualLength)]).to.deep.equal([ok, 4]);
    expect(bench.faults).to.deep.include({ ...bench.faults[0], kind: 'drop', bytes: 3, endpointAddress: loopIn });
  });

  it('drop what the first of several transfers brought, and keep their order', () => {
    const bench = new Bench(first('drop'));
    const urbs = [bench.submit(loopIn, 64), bench.submit(loopIn, 64), bench.submit(loopIn, 64)];
    for (let value = 1; value <= 4; value++) {
      bench.fill(value);
      bench.run(1e6);
    }
    expect(bench.done.map(({ urb }) => urb)).to.deep.equal(urbs);
    expect(urbs.map(({ data }) => data[0])).to.deep.equal([2, 3, 4]);
    expect(bench.kinds).to.deep.equal(['drop']);
  });

  it('corrupt one bit', () => {
    const bench = new Bench(first('corrupt'));
    const urb = bench.submit(loopIn, 64);
    bench.fill(0, 0, 0, 0);
    bench.run(1e6);
    const bits = [...urb.data].reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    expect([urb.status, urb.actualLength, bits]).to.deep.equal([ok, 4, 1]);
  });

  it('delay a transfer for as long as its appointment says', () => {
    const bench = new Bench({ events: [{ kind: 'delay', atTransfer: 0, durationNs: 5e6 }], durationNs: 50e6 });
    bench.fill(1);
    const urb = bench.submit(loopIn, 64);
    bench.run(4e6);
    expect(bench.done).to.deep.equal([]);
    bench.run(2e6);
    expect(bench.done.map((done) => done.urb)).to.deep.equal([urb]);
  });

  it('delay a transfer, and those of its endpoint that come behind it', () => {
    const bench = new Bench({ ...first('delay'), durationNs: 50e6 });
    const urbs = [bench.submit(loopIn, 64), bench.submit(loopIn, 64)];
    const out = bench.submit(loopOut, Uint8Array.of(1));
    bench.run(2e6);
    bench.fill(2);
    bench.run(10e6);
    expect(
      bench.done.map(({ urb }) => urb),
      'the other endpoint goes on',
    ).to.deep.equal([out]);
    bench.run(50e6);
    expect(bench.done.slice(1).map(({ urb }) => urb)).to.deep.equal(urbs);
    expect(urbs.map(({ data }) => data[0])).to.deep.equal([1, 2]);
    expect(bench.kinds).to.deep.equal(['delay']);
  });

  it('read short, and bring the rest with the next transfer', () => {
    const bench = new Bench(first('shortRead'));
    const urbs = [bench.submit(loopIn, 256), bench.submit(loopIn, 256)];
    bench.fill(...Array.from({ length: 100 }, (_, i) => i));
    bench.run(1e6);
    expect(urbs.map(({ actualLength }) => actualLength)).to.deep.equal([64, 36]);
    expect(urbs[1].data[0]).to.equal(64);
    expect(urbs[0].length, 'the transfer is as it was').to.equal(256);
  });

  it('stall before the device is reached, and fail with what had come', () => {
    const stalled = new Bench(first('stall'));
    const out = stalled.submit(loopOut, Uint8Array.of(1));
    stalled.run(1e6);
    expect([out.status, out.actualLength]).to.deep.equal([stall, 0]);
    const failed = new Bench(first('protocol'));
    const urb = failed.submit(loopIn, 64);
    failed.fill(7, 8);
    failed.run(1e6);
    expect([urb.status, urb.actualLength, urb.data[1]]).to.deep.equal([protocol, 2, 8]);
  });

  it('unplug at their time, and put the device back', () => {
    const bench = new Bench({ events: [{ kind: 'unplug', atNs: 10e6, durationNs: 5e6 }] });
    const waiting = bench.submit(loopIn, 64);
    bench.run(9e6);
    expect([waiting.status, bench.plugs]).to.deep.equal([shutdown, [false]]);
    const late = bench.submit(loopIn, 64);
    bench.run(1e6);
    expect(late.status).to.equal(noDevice);
    bench.run(10e6);
    expect(bench.plugs).to.deep.equal([false, true]);
    bench.configure();
    const urb = bench.submit(loopIn, 64);
    bench.fill(1);
    bench.run(1e6);
    expect([urb.status, urb.actualLength]).to.deep.equal([ok, 1]);
    expect(bench.kinds).to.deep.equal(['unplug', 'replug']);
  });

  it('are refused where the plan does not fit, by the field', () => {
    for (const plan of [{ drop: 2 }, { events: [{ kind: 'unplug', atTransfer: 1 }] }, { drip: 0.1 }])
      try {
        new Bench(plan as UsbFaultPlan);
        expect.fail('it was accepted');
      } catch (error) {
        expect((error as HalError).code).to.equal('HAL_INVALID');
      }
  });

  it('are the same for the same seed, and every transfer still completes once', () => {
    const play = (seed: string): { faults: readonly InjectedUsbFault[]; done: readonly number[] } => {
      const random = createRandom(`plan ${seed}`);
      const plan: UsbFaultPlan = {
        drop: 0.05,
        corrupt: 0.05,
        delay: 0.1,
        shortRead: 0.1,
        stall: 0.05,
        protocol: 0.05,
        durationNs: 3_000_000,
        events: random.below(2) === 0 ? [{ kind: 'unplug', atNs: 20e6, durationNs: 20e6 }] : [],
      };
      const bench = new Bench(plan, seed);
      const urbs: Urb[] = [];
      for (let step = 0; step < 300; step++) {
        const turn = random.below(8);
        if (turn < 3) urbs.push(bench.submit(loopIn, 1 + random.below(300)));
        else if (turn < 6) urbs.push(bench.submit(loopOut, random.below(300)));
        else if (turn === 6 && random.below(3) === 0 && urbs.length > 0)
          bench.port.cancel(urbs[random.below(urbs.length)]);
        bench.run(random.below(500_000));
        if (bench.plugs.at(-1) === true) {
          bench.plugs.length = 0;
          const urb = new Urb();
          encodeSetup(urb.setup, { bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0, wLength: 0 });
          urbs.push(urb);
          bench.port.submit(urb);
        }
      }
      bench.port.close();
      expect(bench.done.length, seed).to.equal(urbs.length);
      expect(new Set(bench.done.map(({ urb }) => urb)).size, seed).to.equal(urbs.length);
      return { faults: bench.faults, done: bench.done.map(({ urb }) => urb.id) };
    };
    for (let round = 0; round < 50; round++) {
      const seed = `seed ${round}`;
      expect(play(seed)).to.deep.equal(play(seed));
    }
  });
});
