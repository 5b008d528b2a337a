/** The WebUSB contract on replays: what the suite does to a simulated device is recorded, and replayed to the suite. */

import { WallClock } from '../../base/index.js';
import { openTraceBytes } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { usbDeviceFromPort } from './device-from-port.js';
import { testUsbDevice, type UsbDeviceBench } from './device-suite.js';
import { openUsbReplay } from './replayed-port.js';
import { createSimulatedUsbPort } from './simulated-port.js';
import { tapUsbPort } from './tap.js';
import { TestPeripheral } from './test-peripheral.js';

const clock = new WallClock();
/** One for each test of the suite, in order. */
const recordings: MemorySink[] = [];
let replayed = 0;

async function recorded(): Promise<UsbDeviceBench> {
  const sink = new MemorySink();
  recordings.push(sink);
  const recorder = new TraceRecorder({ to: sink, clock });
  const device = new TestPeripheral();
  const simulated = createSimulatedUsbPort({ name: 'sim:loop', clock, device });
  const port = tapUsbPort(simulated, recorder.addUsb('loop', device.description), clock);
  return {
    device: usbDeviceFromPort(port, { clock }),
    unplug: () => simulated.unplug(),
    release: async () => void recorder.close(),
  };
}

async function replay(): Promise<UsbDeviceBench> {
  const trace = openTraceBytes(recordings[replayed++].bytes(), `recording ${replayed}`);
  const port = openUsbReplay(trace, { clock, policy: 'per-endpoint' });
  return {
    device: usbDeviceFromPort(port, { clock }),
    // It was pulled then, and is pulled now.
    unplug: () => {},
    release: async () => port.close(),
  };
}

testUsbDevice('a simulated port that is recorded', recorded, { hasTimeouts: true });
testUsbDevice('a replay of what was recorded', replay, { hasTimeouts: true });
