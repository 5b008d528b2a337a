/** Measures a character's way from a pseudo-terminal through the I/O process to the frontend's door. */

import { WallClock } from '../../base/index.js';
import { type LineSettings, openPty, openRealPort, type SerialPort, type SerialSink } from '../../hal/index.js';
import { sleepMs } from '../wiring/host-time.js';

const LINE: LineSettings = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };
/** Between two characters sent: 1 to 3 ms, so that the reader sleeps each time. */
export const GAP_MS = [1, 3] as const;

/** A wire that sends one character now and then, and notes when. */
class Sender implements SerialPort {
  readonly name = 'sender';
  readonly sentNs: number[] = [];
  #sink: SerialSink | undefined;

  constructor(private readonly clock: WallClock) {}

  attach(sink: SerialSink): void {
    this.#sink = sink;
  }

  send(): void {
    this.sentNs.push(this.clock.now());
    this.#sink?.receive(0x55, 0);
  }

  configure(): void {}
  transmit(): void {}
  modemControl(): void {}
  close(): void {}
}

/** One character at a time over a pseudo-terminal into the process that owns the port; nanoseconds of each of three stations. Rejects with the error of the port. */
export async function measureArrivals(arrivals: number): Promise<Record<'hostOs' | 'ioProcess' | 'driver', number[]>> {
  const clock = new WallClock();
  const sender = new Sender(clock);
  const pty = await openPty({ port: sender, clock, line: LINE, start: 'now' });
  const result = { hostOs: [] as number[], ioProcess: [] as number[], driver: [] as number[] };
  let messageNs = 0;
  let received = 0;
  const port = await openRealPort({
    path: pty.path,
    line: LINE,
    clock,
    onChunk: ({ atNs }) => {
      messageNs = clock.now();
      result.hostOs.push(atNs - (sender.sentNs[received] ?? atNs));
      result.ioProcess.push(messageNs - atNs);
    },
  });
  port.attach({
    receive: () => {
      result.driver.push(clock.now() - messageNs);
      received++;
    },
    modemStatus: () => {},
    disconnected: () => {},
  });
  try {
    await sleepMs(200);
    for (let i = 0; i < arrivals; i++) {
      sender.send();
      const spread = ((i * 7919) % 1000) / 1000;
      await sleepMs(GAP_MS[0] + spread * (GAP_MS[1] - GAP_MS[0]));
    }
    await sleepMs(200);
  } finally {
    port.close();
    await port.whenClosed;
    await pty.close();
  }
  return result;
}
