/** Tests of the simulated K8055: its reports, the wires between outputs and inputs, debouncing and counting. */

import { expect } from 'chai';
import { createRandom, TRANSFER_TYPE, URB_STATUS, VirtualClock } from '../../../base/index.js';
import { parseDevice } from '../../usb/descriptors.js';
import { TestHost } from '../../usb/test-host.js';
import { createVellemanK8055, type K8055Device } from './device.js';
import type { DigitalSettings, K8055Parameters } from './parameters.js';
import { debounceNs, INPUT_ENDPOINT, OUTPUT_ENDPOINT } from './protocol.js';
import { PulseCounter } from './pulse-counter.js';

const POLL_NS = 10e6;

class Bench {
  readonly clock = new VirtualClock();
  readonly device: K8055Device;
  readonly host: TestHost;

  constructor(parameters: K8055Parameters = {}) {
    this.device = createVellemanK8055(parameters, { clock: this.clock, random: createRandom('k8055') });
    this.host = new TestHost(this.device, this.clock).configure();
  }

  write(...bytes: number[]): void {
    const urb = this.host.submit(TRANSFER_TYPE.interrupt, OUTPUT_ENDPOINT, Uint8Array.from(bytes));
    this.host.run(2 * POLL_NS);
    expect(urb.status).to.equal(URB_STATUS.ok);
  }

  read(): Buffer {
    const urb = this.host.submit(TRANSFER_TYPE.interrupt, INPUT_ENDPOINT, 8);
    this.host.run(2 * POLL_NS);
    expect([urb.status, urb.actualLength]).to.deep.equal([URB_STATUS.ok, 8]);
    return Buffer.from(urb.data);
  }

  counters(): [number, number] {
    const report = this.read();
    return [report.readUInt16LE(4), report.readUInt16LE(6)];
  }
}

/** The same counter, stepped microsecond by microsecond. */
function bruteForce(
  input: DigitalSettings & { kind: 'square' },
  changes: ReadonlyMap<number, number>,
  untilUs: number,
) {
  const periodUs = 1e6 / input.frequencyHz;
  let debounceUs = changes.get(0) ?? 0;
  let closedSince = -1;
  let counted = false;
  let count = 0;
  for (let us = 0; us <= untilUs; us++) {
    const phase = us % periodUs;
    const isClosed = phase < input.duty * periodUs;
    if (isClosed && closedSince < 0) {
      closedSince = us;
      counted = false;
    }
    if (!isClosed) closedSince = -1;
    if (closedSince >= 0 && !counted && us - closedSince >= debounceUs) {
      counted = true;
      count++;
    }
    const change = us > 0 ? changes.get(us) : undefined;
    if (change !== undefined) debounceUs = change;
  }
  return count;
}

describe('the simulated K8055', () => {
  it('is known by its address, in the product id and in the reports', () => {
    for (const address of [0, 1, 2, 3]) {
      const bench = new Bench({ address });
      expect(parseDevice(bench.device.description.device)).to.include({
        idVendor: 0x10cf,
        idProduct: 0x5500 + address,
      });
      expect(bench.read()[1]).to.equal(address + 1);
    }
  });

  it('sends a report at each poll, every ten milliseconds', () => {
    const bench = new Bench();
    const atNs: number[] = [];
    bench.host.onDone = (urb) => {
      atNs.push(bench.clock.now());
      bench.host.port.submit(urb);
    };
    bench.host.submit(TRANSFER_TYPE.interrupt, INPUT_ENDPOINT, 8);
    bench.host.run(1e9);
    expect(atNs).to.have.length.within(99, 101);
    for (const [i, at] of atNs.slice(1).entries()) expect(at - atNs[i]).to.equal(POLL_NS);
  });

  it('shows the five switches at their bits', () => {
    const bits = [0x10, 0x20, 0x01, 0x40, 0x80];
    for (const [i, bit] of bits.entries()) {
      const digital = bits.map((_, k) => ({ kind: 'constant' as const, closed: k === i }));
      expect(new Bench({ digital }).read()[0], `I${i + 1}`).to.equal(bit);
    }
  });

  it('brings outputs to the inputs that are wired to them', () => {
    const bench = new Bench({ analog: [{ from: 'dac2' }, { from: 'dac1' }] });
    bench.write(5, 0xa5, 10, 250, 0, 0, 0, 0);
    expect([...bench.read().subarray(2, 4)]).to.deep.equal([250, 10]);
    expect(bench.device.outputs).to.deep.equal({ digital: 0xa5, dac1: 10, dac2: 250 });
  });

  it('takes 0 to 5 V at its analogue inputs', () => {
    const at = (value: number): number => new Bench({ analog: [{ signal: { kind: 'constant', value } }] }).read()[2];
    expect([-1, 0, 1, 2.5, 5, 9].map(at)).to.deep.equal([0, 0, 51, 128, 255, 255]);
  });

  it('debounces by 0.115 ms times the square of a byte', () => {
    expect([0, 1, 4, 66, 255].map(debounceNs)).to.deep.equal([0, 115_000, 1_840_000, 500_940_000, 7_477_875_000]);
  });

  it('counts what a counter that is stepped through every microsecond counts', function () {
    this.timeout(20_000);
    const random = createRandom('debounce');
    for (let round = 0; round < 60; round++) {
      // Whole microseconds, so that both see the same edges.
      const periodUs = 2 * (50 + random.below(2000));
      const input = { kind: 'square' as const, frequencyHz: 1e6 / periodUs, duty: 0.5 };
      const first = random.below(periodUs / 2);
      const changes = new Map([[0, first]]);
      const counter = new PulseCounter(input, 0, first * 1000);
      let changeUs = 0;
      for (let i = 0; i < 3; i++) {
        changeUs += 1 + random.below(20_000);
        const next = random.below(periodUs / 2);
        changes.set(changeUs, next);
        counter.setDebounce(next * 1000, changeUs * 1000 + 1);
      }
      const untilUs = changeUs + 50_000;
      expect(counter.value(untilUs * 1000 + 1), `round ${round}`).to.equal(bruteForce(input, changes, untilUs));
    }
  });

  it('does not count pulses that are shorter than the debounce time', () => {
    const bench = new Bench({ digital: [{ kind: 'square', frequencyHz: 100, duty: 0.5 }] });
    bench.write(1, 0, 0, 0, 0, 0, 7, 0);
    bench.write(3, 0, 0, 0, 0, 0, 0, 0);
    bench.host.run(1e9);
    expect(bench.counters()[0]).to.equal(0);
    bench.write(1, 0, 0, 0, 0, 0, 6, 0);
    const [before] = bench.counters();
    bench.host.run(1e9 - 2 * POLL_NS);
    expect(bench.counters()[0] - before).to.be.within(99, 101);
  });

  it('counts 16 bits, each counter by itself, from its own reset', () => {
    const square = { kind: 'square' as const, frequencyHz: 10_000, duty: 0.5 };
    const bench = new Bench({ digital: [square, { ...square, frequencyHz: 100 }] });
    bench.write(1, 0, 0, 0, 0, 0, 0, 0);
    bench.write(3, 0, 0, 0, 0, 0, 0, 0);
    bench.write(4, 0, 0, 0, 0, 0, 0, 0);
    const [, second] = bench.counters();
    bench.host.run(7e9);
    const [first, later] = bench.counters();
    expect(first).to.be.closeTo(70_600 - 65_536, 600);
    expect(later - second).to.be.closeTo(700, 5);
    bench.write(3, 0, 0, 0, 0, 0, 0, 0);
    const after = bench.counters();
    expect(after[0]).to.be.lessThan(800);
    expect(after[1]).to.be.greaterThan(later);
  });

  it('answers and takes reports by control requests too', () => {
    const bench = new Bench();
    expect(bench.host.control(0x21, 9, 0x0200, 0, Uint8Array.of(5, 1, 2, 3, 0, 0, 0, 0)).status).to.equal(0);
    const report = bench.host.control(0xa1, 1, 0x0100, 0, 8);
    expect([...report.data.subarray(2, 4)]).to.deep.equal([2, 3]);
    expect(bench.host.control(0xa1, 1, 0x0300, 0, 8).status).to.equal(URB_STATUS.stall);
  });

  it('takes whatever it is sent, and still counts', () => {
    const random = createRandom('k8055 fuzz');
    const bench = new Bench({ digital: [{ kind: 'square', frequencyHz: 50 }] });
    for (let step = 0; step < 10_000; step++) {
      const data = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
      const turn = random.below(3);
      if (turn === 0) bench.host.submit(TRANSFER_TYPE.interrupt, OUTPUT_ENDPOINT, data);
      else if (turn === 1) bench.host.submit(TRANSFER_TYPE.interrupt, INPUT_ENDPOINT, data);
      else bench.host.request(random.below(2) === 0 ? 0x21 : 0xa1, random.below(12), random.below(0x400), 0, data);
      bench.host.run(random.below(20_000_000));
      if (step % 500 === 0) bench.host.done.length = 0;
    }
    bench.host.run(1e9);
    bench.write(0, 0, 0, 0, 0, 0, 0, 0);
    bench.host.run(1e9);
    expect(bench.counters()[0]).to.be.within(50, 54);
  });
});
