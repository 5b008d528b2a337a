import { expect } from 'chai';
import { type Clock, type Timer, TimerQueue, VirtualClock } from '../../base/index.js';
import { LineDirection } from './line-direction.js';
import { formatLine } from './line-settings.js';
import { bitsPerCharacter, LINE_STATUS, type LineSettings } from './serial-port.js';

interface Arrival {
  readonly atNs: number;
  readonly byte: number;
  readonly status: number;
}

/** Comes round as rarely as it is told to, like wall time on a loaded host: what is due then is late. */
class LateClock implements Clock<'wall'> {
  readonly domain = 'wall';
  readonly #queue = new TimerQueue();
  #nowNs = 0;

  now(): number {
    return this.#nowNs;
  }

  schedule(timer: Timer, dueNs: number): void {
    this.#queue.add(timer, dueNs);
  }

  cancel(timer: Timer): void {
    this.#queue.remove(timer);
  }

  advanceTo(targetNs: number): void {
    this.#nowNs = targetNs;
    for (let timer = this.#queue.takeDue(targetNs); timer !== undefined; timer = this.#queue.takeDue(targetNs))
      timer.fire();
  }
}

function setUp(transmitter: LineSettings, receiver: LineSettings) {
  return setUpOn(new VirtualClock(), transmitter, receiver);
}

function setUpOn<C extends Clock>(clock: C, transmitter: LineSettings, receiver: LineSettings) {
  const arrivals: Arrival[] = [];
  const ends = { transmitter, receiver };
  const idleAtNs: number[] = [];
  const direction = new LineDirection({
    clock,
    where: 'test line',
    backlogLimit: 1 << 20,
    transmitter: () => ends.transmitter,
    receiver: () => ends.receiver,
    deliver: (byte, status) => arrivals.push({ atNs: clock.now(), byte, status }),
    idle: () => idleAtNs.push(clock.now()),
  });
  const send = (...bytes: number[]) => direction.transmit(Uint8Array.from(bytes), 0, bytes.length);
  return { clock, arrivals, ends, direction, send, idleAtNs };
}

function line(baudRate: number, frame: Partial<LineSettings> = {}): LineSettings {
  return { baudRate, dataBits: 8, parity: 'none', stopBits: 1, ...frame };
}

/** The exact end of character `index` in integers: no floating point is involved. */
function exactEndNs(settings: LineSettings, startNs: number, index: number): number {
  const halfBits = BigInt(bitsPerCharacter(settings) * 2);
  // Rates in thousandths of a baud, so that fractional rates are whole numbers too.
  const milliBaud = BigInt(Math.round(settings.baudRate * 1000));
  return startNs + Number((BigInt(index + 1) * halfBits * 1_000_000_000_000n) / (2n * milliBaud));
}

describe('LineDirection', () => {
  const settings = [
    line(4800),
    line(9600),
    line(9600, { dataBits: 7, parity: 'even', stopBits: 1.5 }),
    line(38400, { parity: 'odd', stopBits: 2 }),
    line(57600),
    line(115200),
    line(230400),
    line(460800, { dataBits: 5, stopBits: 1.5 }),
    line(921600),
    line(31250),
    line(9599.5),
    line(115384.615),
  ];
  for (const each of settings) {
    it(`delivers every character of a burst at its exact nanosecond at ${formatLine(each)}`, () => {
      const { clock, arrivals, direction } = setUp(each, each);
      clock.advanceTo(1_234_567);
      const bytes = Uint8Array.from({ length: 3000 }, (_, i) => i & ((1 << each.dataBits) - 1));
      direction.transmit(bytes, 0, bytes.length);
      clock.runUntilIdle(Number.MAX_SAFE_INTEGER);
      expect(arrivals.map((a) => a.byte)).to.deep.equal([...bytes]);
      expect(arrivals.map((a) => a.atNs)).to.deep.equal(arrivals.map((_, i) => exactEndNs(each, 1_234_567, i)));
      expect(arrivals.every((a) => a.status === 0)).to.equal(true);
    });
  }

  it('stays exact past the end of double arithmetic, in a burst longer than a second of characters', () => {
    const fast = line(921600);
    const { clock, arrivals, direction } = setUp(fast, fast);
    const bytes = new Uint8Array(1_000_000);
    direction.transmit(bytes, 0, bytes.length);
    clock.runUntilIdle(Number.MAX_SAFE_INTEGER);
    expect(arrivals[999_999].atNs).to.equal(exactEndNs(fast, 0, 999_999));
  });

  it('opens no gap and loses no fraction when the next bytes are queued at the very end of the last', () => {
    const settings = line(115200);
    const { clock, arrivals, send } = setUp(settings, settings);
    for (let i = 0; i < 100; i++) {
      send(i);
      clock.advanceTo(exactEndNs(settings, 0, i));
    }
    expect(arrivals.map((a) => a.atNs)).to.deep.equal(arrivals.map((_, i) => exactEndNs(settings, 0, i)));
    expect(arrivals).to.have.length(100);
  });

  it('gives the same characters at the same time when it samples bit by bit as when it does not', () => {
    const settings = line(57600, { parity: 'even' });
    const bytes = Array.from({ length: 256 }, (_, i) => i);
    const direct = setUp(settings, settings);
    direct.send(...bytes);
    direct.clock.runUntilIdle(1e12);
    const sampled = setUp(settings, settings);
    // An offset far below any tolerance forces the sampler without changing a single bit.
    sampled.ends.receiver = { ...settings, baudRate: settings.baudRate * (1 + 1e-12) };
    sampled.send(...bytes);
    sampled.clock.runUntilIdle(1e12);
    expect(sampled.arrivals.map((a) => [a.byte, a.status])).to.deep.equal(
      direct.arrivals.map((a) => [a.byte, a.status]),
    );
    for (const [i, a] of sampled.arrivals.entries()) expect(a.atNs).to.be.closeTo(direct.arrivals[i].atNs, 1);
  });

  it('receives cleanly with clocks 3 % apart and not with clocks 8 % apart', () => {
    const bytes = Array.from({ length: 256 }, (_, i) => i);
    for (const [ratio, clean] of [
      [1.03, true],
      [0.97, true],
      [1.08, false],
      [0.92, false],
    ] as const) {
      const { clock, arrivals, send } = setUp(line(9600), line(9600 * ratio));
      send(...bytes);
      clock.runUntilIdle(1e12);
      const same = arrivals.length === 256 && arrivals.every((a, i) => a.byte === i && a.status === 0);
      expect(same, `receiver at ${ratio} of the rate`).to.equal(clean);
    }
  });

  it('shows 0x55 sent at 9600 to a receiver at 5760 as what it samples', () => {
    // The receiver's bit is 5/3 of the sender's. On the line: 0 10101010 1, then high. Samples at 0.83 (start bit), then at
    // 2.5, 4.17, 5.83, 7.5, 9.17 ... of the sender's bits: 0 0 1 1 1 1 1 1, stop bit 1.
    const { clock, arrivals, send } = setUp(line(9600), line(5760));
    send(0x55);
    clock.runUntilIdle(1e12);
    expect(arrivals).to.deep.equal([{ atNs: 1_736_111, byte: 0xfc, status: 0 }]);
  });

  it('shows a slower transmitter as framing errors and rubbish, the same every time', () => {
    const run = () => {
      const { clock, arrivals, send } = setUp(line(4800), line(115200));
      send(0x00, 0x55, 0xff, 0x24);
      clock.runUntilIdle(1e12);
      return arrivals;
    };
    const first = run();
    expect(run()).to.deep.equal(first);
    expect(first[0]).to.include({ byte: 0, status: LINE_STATUS.break | LINE_STATUS.framing });
    expect(first.length).to.be.greaterThan(4);
  });

  it('flags parity when the ends disagree about it', () => {
    const even = setUp(line(9600, { dataBits: 7, parity: 'even' }), line(9600, { dataBits: 7, parity: 'odd' }));
    even.send(0x41, 0x43);
    even.clock.runUntilIdle(1e12);
    expect(even.arrivals.map((a) => [a.byte, a.status])).to.deep.equal([
      [0x41, LINE_STATUS.parity],
      [0x43, LINE_STATUS.parity],
    ]);
  });

  it('shows 8N1 to a 7E1 receiver with the eighth bit as parity', () => {
    const { clock, arrivals, send } = setUp(line(9600), line(9600, { dataBits: 7, parity: 'even' }));
    send(0x41, 0xc1, 0xc3);
    clock.runUntilIdle(1e12);
    expect(arrivals.map((a) => [a.byte, a.status])).to.deep.equal([
      [0x41, 0],
      [0x41, LINE_STATUS.parity],
      [0x43, 0],
    ]);
  });

  it('takes new settings of either end with the next character', () => {
    const { clock, arrivals, ends, send } = setUp(line(9600), line(9600));
    send(0x41, 0x42);
    clock.advanceTo(1_041_666);
    ends.transmitter = line(115200);
    ends.receiver = line(115200);
    clock.runUntilIdle(1e12);
    expect(arrivals.map((a) => a.byte)).to.deep.equal([0x41, 0x42]);
    send(0x43);
    const startNs = clock.now();
    clock.runUntilIdle(1e12);
    expect(arrivals[2]).to.deep.equal({ atNs: startNs + 86_805, byte: 0x43, status: 0 });
  });

  it('delivers one break when the line is low for longer than a character, however long', () => {
    const settings = line(9600);
    const { clock, arrivals, direction, send, idleAtNs } = setUp(settings, settings);
    send(0x41);
    direction.breakFor(5_000_000);
    send(0x42);
    clock.runUntilIdle(1e12);
    const breakStartNs = exactEndNs(settings, 0, 0);
    expect(arrivals.map((a) => [a.byte, a.status])).to.deep.equal([
      [0x41, 0],
      [0, LINE_STATUS.break | LINE_STATUS.framing],
      [0x42, 0],
    ]);
    expect(arrivals[1].atNs).to.equal(breakStartNs + 1_041_666);
    const resumeNs = breakStartNs + 5_000_000 + Math.ceil(1e9 / 9600);
    expect(arrivals[2].atNs).to.equal(resumeNs + 1_041_666);
    expect(idleAtNs).to.deep.equal([resumeNs + 1_041_666]);
  });

  it('shows a low line shorter than a character as a character with or without a framing error, not as a break', () => {
    const settings = line(9600);
    const short = setUp(settings, settings);
    // Start bit and four data bits low.
    short.direction.breakFor((5 * 1e9) / 9600);
    short.clock.runUntilIdle(1e12);
    expect(short.arrivals.map((a) => [a.byte, a.status])).to.deep.equal([[0xf0, 0]]);
  });

  it('ignores a low line shorter than half a bit', () => {
    const settings = line(9600);
    const { clock, arrivals, direction } = setUp(settings, settings);
    direction.breakFor(40_000);
    clock.runUntilIdle(1e12);
    expect(arrivals).to.deep.equal([]);
  });

  it('holds a break from the end of the character in progress until it is released', () => {
    const settings = line(9600);
    const { clock, arrivals, direction, send } = setUp(settings, settings);
    send(0x41, 0x42);
    clock.advanceTo(500_000);
    direction.holdBreak(true);
    clock.advanceTo(20_000_000);
    expect(arrivals.map((a) => [a.atNs, a.byte, a.status])).to.deep.equal([
      [1_041_666, 0x41, 0],
      [2_083_332, 0, LINE_STATUS.break | LINE_STATUS.framing],
    ]);
    direction.holdBreak(false);
    clock.runUntilIdle(1e12);
    expect(arrivals).to.have.length(3);
    expect(arrivals[2]).to.include({ byte: 0x42, status: 0, atNs: 20_000_000 + 104_167 + 1_041_666 });
  });

  it('counts what is queued, the character on the line included', () => {
    const settings = line(9600);
    const { clock, direction, send } = setUp(settings, settings);
    expect(direction.backlog).to.equal(0);
    send(1, 2, 3);
    expect(direction.backlog).to.equal(3);
    clock.advanceTo(1_041_666);
    expect(direction.backlog).to.equal(2);
    clock.runUntilIdle(1e12);
    expect(direction.backlog).to.equal(0);
  });

  it('refuses more than its backlog limit and takes nothing of it', () => {
    const { direction } = setUp(line(9600), line(9600));
    expect(() => direction.transmit(new Uint8Array((1 << 20) + 1), 0, (1 << 20) + 1))
      .to.throw()
      .with.property('code', 'HAL_OVERRUN');
    expect(direction.backlog).to.equal(0);
  });

  it('delivers nothing after it was stopped', () => {
    const { clock, arrivals, direction, send } = setUp(line(9600), line(9600));
    send(1, 2, 3);
    clock.advanceTo(1_100_000);
    direction.stop();
    clock.runUntilIdle(1e12);
    expect(arrivals).to.have.length(1);
    expect(clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
  });

  for (const ppm of [-200, -80, 80, 200])
    it(`loses and spoils nothing on a clock that comes round late, with a crystal ${ppm} ppm off`, () => {
      const { clock, arrivals, direction } = setUpOn(new LateClock(), line(115200 * (1 + ppm / 1e6)), line(115200));
      const bytes = Uint8Array.from({ length: 2000 }, (_, i) => (i * 7) & 0xff);
      direction.transmit(bytes, 0, bytes.length);
      // From a fraction of a character to some four hundred at once.
      for (const stepNs of [30_000, 90_000, 700_000, 5_000_000, 37_000_000, 1_100_000, 200_000_000])
        clock.advanceTo(clock.now() + stepNs);
      expect(arrivals.map((a) => a.byte)).to.deep.equal([...bytes]);
      expect(arrivals.every((a) => a.status === 0)).to.equal(true);
    });
});
