import { VirtualClock } from '../../base/index.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { type DialogueStep, describeSerialBinding } from './binding-suite.js';
import { virtualTime } from './passing-time.js';
import { createReplayedPort } from './replayed-port.js';
import { ScriptedDevice } from './scripted-device.js';
import type { LineSettings, SerialPort } from './serial-port.js';
import { simulatedBinding } from './simulated-binding.js';
import { createSimulatedPort } from './simulated-port.js';
import { tapPort } from './tap.js';

const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };

/** A recording of a host that holds the dialogue with a simulated device. */
function recordDialogue(dialogue: readonly DialogueStep[]): TraceFile {
  const clock = new VirtualClock();
  const sink = new MemorySink();
  const recorder = new TraceRecorder({ to: sink, clock });
  const device = new ScriptedDevice(LINE, dialogue, () => simulated.unplug());
  const simulated = createSimulatedPort({ name: 'sim:scripted', clock, device });
  const port: SerialPort = tapPort(simulated, recorder.addSerial('scripted', LINE), clock);
  port.attach({ receive: () => {}, modemStatus: () => {}, disconnected: () => {} });
  port.configure(LINE);
  for (const step of dialogue) {
    clock.runUntilIdle(1e12);
    if ('hostSends' in step) port.transmit(step.hostSends, 0, step.hostSends.length);
  }
  clock.runUntilIdle(1e12);
  recorder.close();
  return openTraceBytes(sink.bytes(), 'dialogue');
}

describeSerialBinding('replayed', async (dialogue) => {
  const trace = recordDialogue(dialogue);
  const clock = new VirtualClock();
  const received: number[] = [];
  const path = 'replay:dialogue#0';
  const create = (): SerialPort => {
    const port = createReplayedPort({ trace, clock, pacing: 'causal', policy: 'strict' });
    return {
      name: port.name,
      attach: (sink) => port.attach(sink),
      configure: (settings) => port.configure(settings),
      transmit: (bytes, offset, length) => {
        received.push(...bytes.subarray(offset, offset + length));
        port.transmit(bytes, offset, length);
      },
      modemControl: (bits) => port.modemControl(bits),
      close: () => port.close(),
    };
  };
  return {
    binding: simulatedBinding({ clock, ports: [{ path, create }] }),
    path,
    missingPath: 'replay:dialoge#0',
    baudRate: LINE.baudRate,
    time: virtualTime(clock),
    start: () => {},
    received: () => Uint8Array.from(received),
    close: async () => {},
  };
});
