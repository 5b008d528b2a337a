/** A HID device recorded and replayed: the same program sees the same reports, and diverges where it does something else. */

import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { virtualTime } from '../serial/passing-time.js';
import { createVellemanK8055 } from '../simulators/velleman-k8055/device.js';
import { openTraceBytes } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { openUsbReplay } from '../usb/replayed-port.js';
import { createSimulatedUsbPort } from '../usb/simulated-port.js';
import { tapUsbPort } from '../usb/tap.js';
import type { UsbPort } from '../usb/usb-port.js';
import { openHid } from './hid-from-usb-port.js';

/** Sets outputs now and then and keeps what it sees. */
async function program(port: UsbPort, clock: VirtualClock, dac: number): Promise<string[]> {
  const time = virtualTime(clock);
  const device = await time.settle(openHid(port, { clock }));
  const seen: string[] = [];
  device.on('data', (report) => seen.push(report.toString('hex')));
  for (let i = 0; i < 5; i++) {
    await time.settle(device.write([0, 5, i, dac + i, 0, 0, 0, 0, 0]));
    await time.pass(200e6);
  }
  await time.settle(device.close());
  return seen;
}

async function record(): Promise<{ readonly bytes: Uint8Array; readonly seen: readonly string[] }> {
  const clock = new VirtualClock();
  const sink = new MemorySink();
  const recorder = new TraceRecorder({ to: sink, clock });
  const device = createVellemanK8055(
    { digital: [{ kind: 'square', frequencyHz: 30 }] },
    { clock, random: createRandom('replay') },
  );
  const simulated = createSimulatedUsbPort({ name: 'sim:velleman-k8055', clock, device });
  const port = tapUsbPort(simulated, recorder.addUsb('k8055', device.description), clock);
  const seen = await program(port, clock, 100);
  recorder.close();
  return { bytes: sink.bytes(), seen };
}

describe('a recorded HID device', () => {
  it('gives the same program the same reports, without divergence', async () => {
    const { bytes, seen } = await record();
    const clock = new VirtualClock();
    const port = openUsbReplay(openTraceBytes(bytes), { clock });
    const again = await program(port, clock, 100);
    expect(seen.length).to.be.greaterThan(90);
    expect(again).to.deep.equal(seen);
    expect(port.divergence()).to.include({ differences: 0 });
  });

  it('names the report of another program that differs', async () => {
    const { bytes } = await record();
    const clock = new VirtualClock();
    const port = openUsbReplay(openTraceBytes(bytes), { clock });
    await program(port, clock, 101).catch(() => {});
    const report = port.divergence();
    expect(report.differences).to.be.greaterThan(0);
    expect(JSON.stringify(report)).to.contain('data');
  });
});
