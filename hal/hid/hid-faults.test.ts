/** Seeded faults under a HID device: no report is lost unreported, nothing hangs, and it goes on or says why not. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import { virtualTime } from '../serial/passing-time.js';
import type { InjectedUsbFault, UsbFaultPlan } from '../usb/fault-plan.js';
import { injectUsbFaults } from '../usb/inject-faults.js';
import { createSimulatedUsbPort } from '../usb/simulated-port.js';
import { openHid } from './hid-from-usb-port.js';
import { portFromHid } from './port-from-hid.js';
import { TestHidPeripheral } from './test-hid-peripheral.js';

const SEQUENCES = 300;
const REPORTS = 100;
/** Statuses after which a HID device is lost; the others it overcomes. */
const ENDS = ['HAL_DISCONNECTED', 'HAL_STALL', 'HAL_IO', 'HAL_OVERRUN'];

function numberedReport(n: number): Uint8Array {
  // The number twice, so that a report that was changed on its way is known.
  return Uint8Array.of(1, n, n >> 8, ~n, ~(n >> 8), 0, 0, 0, 0);
}

function numberOf(report: Uint8Array): number | undefined {
  const isWhole =
    report.length === 9 && report.every((byte, i) => byte === numberedReport(report[1] | (report[2] << 8))[i]);
  return isWhole ? report[1] | (report[2] << 8) : undefined;
}

async function run(seed: string, through: 'port' | 'round trip') {
  const random = createRandom(seed);
  const clock = new VirtualClock();
  const time = virtualTime(clock);
  const peripheral = new TestHidPeripheral({ numbered: true, withOutput: true });
  const simulated = createSimulatedUsbPort({ name: 'sim:hid', clock, device: peripheral });
  const rate = (): number => (random.below(2) === 0 ? 0 : random.float() * 0.05);
  const plan: UsbFaultPlan = {
    drop: rate(),
    corrupt: rate(),
    delay: rate(),
    shortRead: rate(),
    stall: rate(),
    protocol: rate(),
    events: random.below(4) === 0 ? [{ kind: 'unplug', atNs: 50e6 + random.below(100e6) }] : [],
  };
  const faults: InjectedUsbFault[] = [];
  const faulty = injectUsbFaults(simulated, {
    plan,
    clock,
    seed,
    listener: { fault: (fault) => faults.push(fault) },
  });
  const inner = await time.settle(openHid(faulty, { clock, timeoutMs: 100 }));
  const { description } = simulated;
  const device =
    through === 'port'
      ? inner
      : await time.settle(openHid(portFromHid(inner, { name: 'hid:faulty', clock, description }), { clock }));
  const seen: number[] = [];
  let damaged = 0;
  let end: string | undefined;
  device.on('data', (report) => {
    const n = numberOf(report);
    if (n === undefined) damaged++;
    else seen.push(n);
  });
  device.on('error', (error) => {
    end = (error as HalError).code;
  });
  for (let n = 0; n < REPORTS; n++) {
    peripheral.send(numberedReport(n));
    clock.advanceTo(clock.now() + 2e6);
    await time.pass(0);
  }
  const written = await time.settle(
    device.write(numberedReport(REPORTS)).then(
      () => 'sent',
      (error: HalError) => error.code,
    ),
  );
  await time.pass(1e9);
  const { lost } = inner;
  await time.settle(device.close());
  return { seen, damaged, end, lost, written, faults };
}

describe('a HID device under faults', () => {
  for (const through of ['port', 'round trip'] as const)
    it(`loses no report unreported and never hangs (${through})`, async function () {
      this.timeout(60_000);
      const ends = new Map<string, number>();
      for (let sequence = 0; sequence < SEQUENCES; sequence++) {
        const seed = `hid faults ${through} ${sequence}`;
        const { seen, damaged, end, lost, written, faults } = await run(seed, through);
        for (let i = 1; i < seen.length; i++) expect(seen[i], seed).to.be.greaterThan(seen[i - 1]);
        // The loopback brings back what was written.
        const sent = REPORTS + (written === 'sent' ? 1 : 0);
        const dropped = faults.filter(({ kind, bytes }) => kind === 'drop' && bytes > 0).length;
        if (end === undefined) expect(seen.length + damaged + lost + dropped, seed).to.be.at.least(sent);
        else expect(ENDS, seed).to.include(end);
        if (!faults.some(({ kind }) => kind !== 'delay')) expect(seen, seed).to.have.length(sent);
        ends.set(end ?? 'goes on', (ends.get(end ?? 'goes on') ?? 0) + 1);
      }
      expect(ends.get('goes on')).to.be.greaterThan(SEQUENCES / 3);
      expect(ends.get('HAL_DISCONNECTED')).to.be.greaterThan(SEQUENCES / 10);
    });
});
