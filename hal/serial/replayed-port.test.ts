import { expect } from 'chai';
import { createRandom, Timer, VirtualClock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { openTraceBytes, type TraceFile } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import type { Divergence } from './replay-divergence.js';
import { createReplayedPort, type ReplayedPort } from './replayed-port.js';
import type { LineSettings, SerialPort, SerialSink } from './serial-port.js';
import { tapPort } from './tap.js';

const LINE: LineSettings = { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Records what `script` makes of a tap. */
function record(script: (tap: ReturnType<TraceRecorder['addSerial']>) => void, line = LINE): TraceFile {
  const sink = new MemorySink();
  const trace = new TraceRecorder({ to: sink, clock: new VirtualClock() });
  script(trace.addSerial('port', line));
  trace.close();
  return openTraceBytes(sink.bytes(), 'made.pcapng');
}

class Host implements SerialSink {
  readonly events: (string | number)[][] = [];
  error: HalError | undefined;

  constructor(readonly clock: VirtualClock) {}

  receive(byte: number, lineStatus: number): void {
    this.events.push([this.clock.now(), byte, lineStatus]);
  }

  modemStatus(bits: number): void {
    this.events.push([this.clock.now(), 'modem', bits]);
  }

  disconnected(error: HalError): void {
    this.events.push([this.clock.now(), 'disconnected', error.code]);
    this.error = error;
  }
}

function replay(
  trace: TraceFile,
  options: Partial<Parameters<typeof createReplayedPort>[0]> = {},
): { clock: VirtualClock; host: Host; port: ReplayedPort } {
  const clock = new VirtualClock();
  const host = new Host(clock);
  const port = createReplayedPort({ trace, clock, ...options });
  return { clock, host, port };
}

/** The blocks of a trace that hold packets. */
function packetBytes(trace: TraceFile): string[] {
  const reader = trace.reader();
  const blocks: string[] = [];
  while (reader.next())
    if (reader.kind === 'packet')
      blocks.push(
        Buffer.from(reader.rawBytes.slice(reader.rawOffset, reader.rawOffset + reader.blockLength)).toString('hex'),
      );
  return blocks;
}

/** A peer with bursts of its own, answers, errors and modem lines, as a port would show them to a sink. */
class NoisyPeer implements SerialPort {
  readonly name = 'noisy';
  #sink: SerialSink | undefined;
  readonly #timers: Timer[] = [];

  constructor(readonly clock: VirtualClock) {}

  attach(sink: SerialSink): void {
    this.#sink = sink;
    const random = createRandom('noisy peer');
    let atNs = 0;
    for (let burst = 0; burst < 60; burst++) {
      atNs += 1 + random.below(20_000_000);
      const startNs = atNs;
      const character = (1e10 / 9600) * (1 + (random.float() - 0.5) / 1000);
      const count = 1 + random.below(400);
      for (let k = 0; k < count; k++) {
        if (random.below(10) > 0 || k === 0) atNs = startNs + Math.floor((k + 1) * character);
        const status = random.below(60) === 0 ? [2, 4, 8, 0x10, 0x0c][random.below(5)] : 0;
        const byte = random.below(256);
        this.#at(atNs, () => sink.receive(byte, status));
      }
      const bits = random.below(16);
      if (random.below(3) === 0) this.#at(atNs, () => sink.modemStatus(bits));
    }
    this.#at(atNs + 5, () => this.#sink?.disconnected(new HalError('HAL_DISCONNECTED', 'pulled')));
  }

  #at(atNs: number, act: () => void): void {
    const timer = new Timer(act);
    this.#timers.push(timer);
    this.clock.schedule(timer, atNs);
  }

  configure(): void {}
  transmit(): void {}
  modemControl(): void {}
  close(): void {}
}

describe('createReplayedPort', () => {
  it('gives the very packets again: record, replay, record', () => {
    const run = (make: (clock: VirtualClock) => SerialPort): { trace: TraceFile; events: (string | number)[][] } => {
      const clock = new VirtualClock();
      const sink = new MemorySink();
      const recorder = new TraceRecorder({ to: sink, clock });
      const port = tapPort(make(clock), recorder.addSerial('port', LINE), clock);
      const host = new Host(clock);
      port.attach(host);
      const commands = new Timer(() => {
        port.transmit(text('PING\r\n'), 0, 6);
        if (clock.now() < 2e9) clock.schedule(commands, clock.now() + 333_333_333);
      });
      port.configure({ ...LINE, baudRate: 19_200 });
      clock.schedule(commands, 5_000);
      clock.runUntilIdle(60e9);
      recorder.close();
      return { trace: openTraceBytes(sink.bytes()), events: host.events };
    };
    const original = run((clock) => new NoisyPeer(clock));
    expect(original.events).to.have.length.greaterThan(5000);
    const again = run((clock) => createReplayedPort({ trace: original.trace, clock, policy: 'strict' }));
    expect(again.events).to.deep.equal(original.events);
    expect(packetBytes(again.trace)).to.deep.equal(packetBytes(original.trace));
  });

  it('plays relative to the clock it is given, and hands over at once what came before it was attached', () => {
    const trace = record((tap) => {
      tap.received(1, 0, 1_000_000);
      tap.received(2, 8, 5_000_000);
      tap.modemStatus(3, 6_000_000);
    });
    const { clock, host, port } = replay(trace, { originNs: 10_000_000 });
    expect(port.nextDueNs).to.equal(11_000_000);
    clock.advanceTo(12_000_000);
    port.attach(host);
    expect(host.events).to.deep.equal([[12_000_000, 1, 0]]);
    expect(port.remaining()).to.equal(1);
    clock.advanceTo(20_000_000);
    expect(host.events.slice(1)).to.deep.equal([
      [15_000_000, 2, 8],
      [16_000_000, 'modem', 3],
    ]);
    expect(port.ended).to.equal(true);
    expect(port.remaining()).to.equal(0);
    expect(port.delivered).to.equal(2);
    expect(port.nextDueNs).to.equal(Number.POSITIVE_INFINITY);
  });

  it('tells once that the recording has ended', () => {
    let ends = 0;
    const trace = record((tap) => tap.received(1, 0, 1000));
    const { clock, host, port } = replay(trace, { onEnd: () => ends++ });
    port.attach(host);
    expect(ends).to.equal(0);
    clock.advanceTo(1e9);
    clock.advanceTo(2e9);
    expect(ends).to.equal(1);
  });

  const dialogue = (): TraceFile =>
    record((tap) => {
      tap.transmitted(text('abcdef'), 0, 6, 100);
      tap.configured({ ...LINE, parity: 'even' }, 200);
      tap.transmitted(text('gh'), 0, 2, 300);
      tap.received(0x41, 0, 10_000_000);
    });

  it('finds nothing where the host sends what was recorded, in other pieces and at other times', () => {
    const { clock, host, port } = replay(dialogue());
    port.attach(host);
    port.transmit(text('ab'), 0, 2);
    clock.advanceTo(50_000_000);
    port.transmit(text('cdef'), 0, 4);
    port.configure({ ...LINE, parity: 'even' });
    port.transmit(text('g'), 0, 1);
    expect(port.divergence()).to.deep.equal({
      policy: 'strict',
      transmitted: 7,
      matched: 7,
      differences: 0,
      first: undefined,
      unconsumed: 1,
    });
    expect(host.error).to.equal(undefined);
  });

  it('says where a strict replay parts from the recording, what was expected and what came', () => {
    const found: Divergence[] = [];
    const { clock, host, port } = replay(dialogue(), { onDivergence: (divergence) => found.push(divergence) });
    port.attach(host);
    clock.advanceTo(77);
    port.transmit(text('abcxyz'), 0, 6);
    port.transmit(text('zz'), 0, 2);
    expect(found).to.have.lengthOf(1);
    expect(found[0]).to.deep.equal({
      kind: 'byte',
      position: 3,
      atNs: 77,
      recordedNs: 100,
      expected: [...text('def')],
      actual: [...text('xyz')],
      fields: [{ field: 'byte', expected: 0x64, actual: 0x78 }],
      message: 'after 3 bytes the host sends 78 79 7a where 64 65 66 was recorded',
    });
    clock.advanceTo(20_000_000);
    expect(host.events).to.deep.equal([[10_000_000, 0x41, 0]]);
    expect(port.divergence()).to.include({ transmitted: 8, matched: 3, differences: 5, unconsumed: 0 });
  });

  it('names the line settings that differ, and what was sent beyond the recording', () => {
    const found: Divergence[] = [];
    const first = replay(dialogue(), { onDivergence: (divergence) => found.push(divergence) });
    first.port.configure({ baudRate: 4800, dataBits: 7, parity: 'none', stopBits: 1 });
    first.port.transmit(text('a'), 0, 1);
    expect(found[0].kind).to.equal('line');
    expect(found[0].fields).to.deep.equal([
      { field: 'baudRate', expected: 9600, actual: 4800 },
      { field: 'dataBits', expected: 8, actual: 7 },
    ]);
    const second = replay(record((tap) => tap.received(1, 0, 1)));
    second.port.transmit(text('!'), 0, 1);
    expect(second.port.divergence().first).to.include({ kind: 'extra', position: 0, recordedNs: -1 });
  });

  it('ends a strict port that nobody watches with HAL_DIVERGED, by the clock and not inside the call', () => {
    const { clock, host, port } = replay(dialogue());
    port.attach(host);
    port.transmit(text('q'), 0, 1);
    expect(host.events).to.deep.equal([]);
    clock.advanceTo(1e9);
    expect(host.events).to.deep.equal([[0, 'disconnected', 'HAL_DIVERGED']]);
  });

  it('only counts differences when it is lenient', () => {
    const { clock, host, port } = replay(dialogue(), { policy: 'lenient' });
    port.attach(host);
    port.transmit(text('q'), 0, 1);
    clock.advanceTo(1e9);
    expect(host.events).to.deep.equal([[10_000_000, 0x41, 0]]);
    expect(port.divergence()).to.include({ policy: 'lenient', differences: 1 });
  });

  it('goes on comparing after the last received character', () => {
    const { clock, host, port } = replay(dialogue());
    port.attach(host);
    clock.advanceTo(1e9);
    expect(port.ended).to.equal(true);
    port.transmit(text('abc'), 0, 3);
    expect(port.divergence()).to.include({ matched: 3, differences: 0 });
  });

  it('plays a cut-off trace to its cut, and ends a strict replay at damage', () => {
    const sink = new MemorySink();
    const recorder = new TraceRecorder({ to: sink, clock: new VirtualClock() });
    const tap = recorder.addSerial('port', LINE);
    for (let i = 1; i <= 5; i++) tap.received(i, 0, i * 100_000_000);
    recorder.flush();
    const bytes = sink.bytes();
    const cut = replay(openTraceBytes(bytes.subarray(0, bytes.length - 7)));
    cut.port.attach(cut.host);
    cut.clock.advanceTo(1e9);
    expect(cut.host.events.map((event) => event[1])).to.deep.equal([1, 2, 3, 4]);
    const length = new DataView(bytes.buffer).getUint32(bytes.length - 4, true);
    const damaged = bytes.slice();
    damaged.fill(0xff, bytes.length - 3 * length, bytes.length - 3 * length + 8);
    for (const [policy, expected] of [
      ['strict', [1, 2, 'disconnected']],
      ['lenient', [1, 2, 4, 5]],
    ] as const) {
      const { clock, host, port } = replay(openTraceBytes(damaged), { policy });
      port.attach(host);
      clock.advanceTo(1e9);
      expect(
        host.events.map((event) => event[1]),
        policy,
      ).to.deep.equal(expected);
      if (policy === 'strict') expect(host.error?.code).to.equal('HAL_TRACE');
    }
  });

  it('lets answers wait for a host that is later than it was, and shifts what follows', () => {
    const trace = record((tap) => {
      tap.received(1, 0, 1_000_000);
      tap.transmitted(text('ask'), 0, 3, 5_000_000);
      tap.received(2, 0, 9_000_000);
      tap.transmitted(text('more'), 0, 4, 12_000_000);
      tap.received(3, 0, 13_000_000);
    });
    const { clock, host, port } = replay(trace, { pacing: 'causal' });
    port.attach(host);
    clock.advanceTo(20_000_000);
    expect(host.events).to.deep.equal([[1_000_000, 1, 0]]);
    expect(port.nextDueNs).to.equal(Number.POSITIVE_INFINITY);
    port.transmit(text('as'), 0, 2);
    clock.advanceTo(30_000_000);
    port.transmit(text('k'), 0, 1);
    expect(port.nextDueNs).to.equal(34_000_000);
    clock.advanceTo(35_000_000);
    port.transmit(text('more'), 0, 4);
    clock.advanceTo(100_000_000);
    expect(host.events.slice(1)).to.deep.equal([
      [34_000_000, 2, 0],
      [38_000_000, 3, 0],
    ]);
    expect(port.divergence()).to.include({ matched: 7, differences: 0, unconsumed: 0 });
  });

  it('stops at close, and refuses to send after it', () => {
    const { clock, host, port } = replay(dialogue());
    port.attach(host);
    port.close();
    port.close();
    clock.advanceTo(1e9);
    expect(host.events).to.deep.equal([]);
    expect(() => port.transmit(text('a'), 0, 1))
      .to.throw(HalError)
      .with.property('code', 'HAL_CLOSED');
  });

  it('names the interfaces there are when the one wanted is not among them', () => {
    const trace = dialogue();
    expect(() => replay(trace, { interface: 'other' }))
      .to.throw(HalError, /has no interface other; it has #0 port/)
      .with.property('code', 'HAL_NOT_FOUND');
    expect(replay(trace, { interface: 'port' }).port.name).to.equal('replay:made.pcapng#0');
    expect(replay(trace, { interface: '#0' }).port.name).to.equal('replay:made.pcapng#0');
  });
});
