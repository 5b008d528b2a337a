import { expect } from 'chai';
import { createRandom, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { createReplayedPort } from '../serial/replayed-port.js';
import { mutate } from './mutate-bytes.js';
import { MAX_READ_BLOCK_BYTES } from './pcapng-format.js';
import { PcapngReader } from './pcapng-reader.js';
import { openTraceBytes } from './trace-file.js';
import { TraceRecorder } from './trace-recorder.js';
import { MemorySink } from './trace-sink.js';
import { memorySource } from './trace-source.js';

function sampleTrace(): Uint8Array {
  const sink = new MemorySink();
  const trace = new TraceRecorder({ to: sink, clock: new VirtualClock(), manifest: { plan: 'fuzz' } });
  const line = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 } as const;
  const tap = trace.addSerial('gnss', line);
  const reports = trace.addUpper('reports', 'text');
  for (let i = 0; i < 120; i++) {
    tap.received(i, i % 17 === 0 ? 8 : 0, Math.floor(((i + 1) * 1e10) / 9602));
    if (i % 20 === 0) reports.text(`report ${i}`, i * 1_100_000, tap.lastReceivedId);
    if (i === 50) tap.configured({ ...line, baudRate: 4800 }, 60_000_000);
    if (i === 70) tap.transmitted(Uint8Array.of(1, 2, 3), 0, 3, 80_000_000);
  }
  trace.close({ verdict: 'PASS' });
  return sink.bytes();
}

/** Reads and counts, and replays when asked; answers what was made of it. */
function digest(bytes: Uint8Array, withReplay: boolean): 'refused' | 'damaged' | 'truncated' | 'whole' {
  try {
    const trace = openTraceBytes(bytes);
    const info = trace.info();
    const clock = new VirtualClock();
    if (withReplay && trace.interfaces.some((described) => described.linkType === 250)) {
      const port = createReplayedPort({ trace, interface: 0, clock, policy: 'lenient' });
      port.attach({ receive: () => {}, modemStatus: () => {}, disconnected: () => {} });
      for (let n = 0; n < 2000 && clock.nextDueNs() < Number.POSITIVE_INFINITY; n++) clock.advanceTo(clock.nextDueNs());
      port.transmit(Uint8Array.of(1, 2, 3, 4), 0, 4);
      port.close();
    }
    if (info.damageCount > 0) return 'damaged';
    return info.truncatedAt === undefined ? 'whole' : 'truncated';
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    return 'refused';
  }
}

describe('hostile traces', function () {
  this.timeout(120_000);

  it('are read, reported or refused with a HalError, 20,000 mutations long', () => {
    const original = sampleTrace();
    const random = createRandom('hostile traces');
    const counts = { refused: 0, damaged: 0, truncated: 0, whole: 0 };
    for (let i = 0; i < 20_000; i++) counts[digest(mutate(original, random), i % 4 === 0)]++;
    for (const [kind, count] of Object.entries(counts)) expect(count, kind).to.be.greaterThan(200);
  });

  it('never make the reader ask for more memory than the file has, or than the largest block', () => {
    const original = sampleTrace();
    const random = createRandom('memory');
    for (let i = 0; i < 2000; i++) {
      const bytes = mutate(original, random);
      let largest = 0;
      const source = memorySource(bytes);
      const watched = {
        name: source.name,
        size: source.size,
        read: (target: Uint8Array, offset: number, length: number, position: number): number => {
          largest = Math.max(largest, target.length);
          return source.read(target, offset, length, position);
        },
        close: (): void => {},
      };
      try {
        const reader = new PcapngReader(watched, 4096);
        while (reader.next());
      } catch (error) {
        expect(error).to.be.instanceOf(HalError);
      }
      expect(largest).to.be.at.most(Math.max(4096, Math.min(bytes.length, MAX_READ_BLOCK_BYTES)));
    }
  });

  it('cost time linear in their size: heads of blocks without end', () => {
    const bytes = new Uint8Array(1 << 20);
    bytes.set(sampleTrace().subarray(0, 44));
    for (let at = 44; at + 12 <= bytes.length; at += 4) new DataView(bytes.buffer).setUint32(at, 6, true);
    let reads = 0;
    const source = memorySource(bytes);
    const reader = new PcapngReader(
      {
        name: 'heads',
        size: source.size,
        read: (target, offset, length, position) => {
          reads++;
          return source.read(target, offset, length, position);
        },
        close: () => {},
      },
      65_536,
    );
    while (reader.next());
    expect(reader.damageCount).to.equal(1);
    expect(reads).to.be.lessThan(100);
  });

  it('with more interfaces than any trace has are refused with HAL_TRACE', () => {
    const head = [...sampleTrace().subarray(0, 44)];
    const bytes = new Uint8Array(44 + 2000 * 20);
    bytes.set(head);
    for (let i = 0; i < 2000; i++)
      bytes.set([1, 0, 0, 0, 20, 0, 0, 0, 250, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0], 44 + i * 20);
    expect(() => {
      const reader = new PcapngReader(memorySource(bytes));
      while (reader.next());
    })
      .to.throw(HalError, /more than 1024 interfaces/)
      .with.property('code', 'HAL_TRACE');
  });
});
