/** What recording costs: nanoseconds for each character that crosses a tapped port, and writing speed. */

import { VirtualClock } from '../base/index.js';
import { MemorySink, TraceRecorder } from '../hal/index.js';
import { timeNs } from './clock.js';
import { type Row, toRow } from './table.js';

const CHARACTERS = 1_000_000;
const LINE = { baudRate: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const;
const CHARACTER_NS = (10 * 1e9) / LINE.baudRate;
const EPOCH = 500;

/** Bursts of 500 characters, as a receiver sends them. */
function recordOnce(): number {
  const clock = new VirtualClock();
  const recorder = new TraceRecorder({ to: new MemorySink(), clock });
  const tap = recorder.addSerial('bench', LINE);
  let atNs = 0;
  const ns = timeNs(() => {
    for (let i = 0; i < CHARACTERS; i++) {
      const inBurst = i % EPOCH;
      if (inBurst === 0) atNs += 1e8;
      tap.received(0x24 + (i & 0x3f), 0, Math.floor(atNs + (inBurst + 1) * CHARACTER_NS));
    }
    recorder.close();
  });
  return ns / CHARACTERS;
}

export function benchRecord(rounds: number): Row[] {
  recordOnce();
  const costs = Array.from({ length: rounds }, recordOnce);
  return [toRow('recording, per character', costs, 'ns')];
}
