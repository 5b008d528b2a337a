import { expect } from 'chai';
import { createRandom, WallClock } from '../../base/index.js';
import type { HalError } from '../errors.js';
import type { PortRestart } from '../host-process/device-keeper.js';
import { IoProcess } from '../host-process/io-process.js';
import { ptyMissing } from '../host-process/process-test-kit.js';
import { lineStatusOf, SerialRecord } from '../trace/rtac-serial.js';
import { openTraceBytes } from '../trace/trace-file.js';
import { TraceRecorder } from '../trace/trace-recorder.js';
import { MemorySink } from '../trace/trace-sink.js';
import { wallTime } from './passing-time.js';
import { PtyMaster } from './pty/pty-master.js';
import { openRealPort } from './real/real-binding.js';
import { openRestartingPort, type RestartingPort } from './restarting-port.js';
import { LINE_STATUS, type LineSettings } from './serial-port.js';
import { tapPort } from './tap.js';

const LINE: LineSettings = { baudRate: 115200, dataBits: 8, parity: 'none', stopBits: 1 };
const MARK = LINE_STATUS.break | LINE_STATUS.overrun;
const KILLS = 200;
const missing = ptyMissing();
const time = wallTime();
const pass = (durationMs: number): Promise<void> => time.pass(durationMs * 1e6);

/** A device that numbers its lines, and a port over it that notes what it hears. */
class Bench {
  readonly clock = new WallClock();
  readonly master = new PtyMaster(this.clock);
  readonly restarts: PortRestart[] = [];
  readonly errors: HalError[] = [];
  /** What the sink heard, without the marks; and where the marks stood. */
  readonly heard: number[] = [];
  readonly marks: number[] = [];
  readonly sink = new MemorySink();
  readonly trace = new TraceRecorder({ to: this.sink, clock: this.clock });
  /** What the I/O process had handed to this one. */
  readonly arrived: number[] = [];
  /** What the device heard. */
  readonly told: number[] = [];
  port!: RestartingPort;
  #line = 0;

  async open(io: IoProcess, attempts: number): Promise<void> {
    const { clock } = this;
    const { path } = this.master;
    this.master.onData = (bytes) => this.told.push(...bytes);
    this.port = await openRestartingPort({
      name: path,
      clock,
      line: LINE,
      attempts,
      pauseNs: 1_000_000,
      open: (line) =>
        openRealPort({ path, line, clock, hosts: io, onChunk: ({ bytes }) => this.arrived.push(...bytes) }),
      onRestart: (restart) => {
        this.restarts.push(restart);
        this.trace.note(restart.cause.message, clock.now());
      },
    });
    tapPort(this.port, this.trace.addSerial('device', LINE), clock).attach({
      receive: (byte, status) => {
        if (status === MARK) this.marks.push(this.heard.length);
        else this.heard.push(byte);
      },
      modemStatus: () => {},
      disconnected: (error) => this.errors.push(error),
    });
  }

  say(): void {
    const line = Buffer.from(`#${String(this.#line).padStart(8, '0')}\n`);
    if (this.master.write(line, 0, line.length) > 0) this.#line++;
  }

  /** Numbers of the whole lines between marks. */
  runs(): number[][] {
    const cuts = [0, ...this.marks, this.heard.length];
    return cuts.slice(1).map((end, n) => {
      const text = Buffer.from(this.heard.slice(cuts[n], end)).toString('latin1');
      return [...text.matchAll(/#(\d{8})\n/g)].map(([, number]) => Number(number));
    });
  }

  /** The recording, read back: characters received, where among them marks stand, and the notes. */
  recorded(): { bytes: Buffer; marks: number[]; notes: string[] } {
    this.trace.close();
    const record = new SerialRecord();
    const bytes: number[] = [];
    const marks: number[] = [];
    const notes: string[] = [];
    let status = 0;
    for (const packet of openTraceBytes(this.sink.bytes()).packets()) {
      if (packet.interfaceIndex !== 0) notes.push(Buffer.from(packet.bytes).toString('latin1'));
      else if (record.decode(packet)) {
        if (record.hasData && !record.outbound)
          bytes.push(...packet.bytes.subarray(record.offset, record.offset + record.length));
        status = record.hasData ? 0 : status | lineStatusOf(record.event);
        // The errors of a character stand behind it.
        if (status === MARK) marks.push(bytes.length - 1);
        if (status === MARK) status = 0;
      }
    }
    return { bytes: Buffer.from(bytes), marks, notes };
  }

  async close(): Promise<void> {
    this.port.close();
    await this.port.whenClosed;
    this.master.close();
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 20_000) throw new Error('it never came');
    await pass(1);
  }
}

describe(`openRestartingPort${missing === undefined ? '' : ` (pending: ${missing})`}`, () => {
  let io: IoProcess;
  let benches: Bench[] = [];
  before(function () {
    if (missing !== undefined) this.skip();
  });
  afterEach(async () => {
    for (const bench of benches) await bench.close();
    benches = [];
    await io.end();
  });

  async function open(count: number, restartsPerMinute = 1000, attempts = 100): Promise<Bench[]> {
    io = new IoProcess({ restartsPerMinute, restartDelayMs: 1, maxRestartDelayMs: 1 });
    benches = Array.from({ length: count }, () => new Bench());
    for (const bench of benches) await bench.open(io, attempts);
    return benches;
  }

  it('delivers what had arrived once and in order through 200 kills of the process of 4 ports, and works again', async function () {
    this.timeout(300_000);
    const four = await open(4);
    const random = createRandom('kills');
    const talk = setInterval(() => {
      for (const bench of four) for (let line = 0; line < 4; line++) bench.say();
    }, 1);
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        // Every third moment comes while devices are still being opened again.
        if (kill % 3 !== 2) await until(() => four.every(({ port }) => port.present));
        await pass(random.below(20));
        await until(() => io.pid !== undefined);
        process.kill(io.pid ?? 0, 'SIGKILL');
        await until(() => io.losses === kill + 1);
      }
      await until(() => four.every(({ port }) => port.present));
    } finally {
      clearInterval(talk);
    }
    for (const bench of four) {
      const before = bench.heard.length;
      await until(() => {
        bench.say();
        return bench.heard.length > before + 100;
      });
      expect(bench.errors).to.deep.equal([]);
      expect(Buffer.from(bench.heard).equals(Buffer.from(bench.arrived))).to.equal(true);
      expect(bench.marks.length).to.equal(bench.port.restarts);
      expect(bench.restarts.length)
        .to.equal(bench.port.restarts)
        .and.to.be.within(KILLS / 3, KILLS);
      const numbers = bench.runs().flat();
      numbers.forEach((number, n) => {
        if (n > 0) expect(number, 'twice or out of order').to.be.above(numbers[n - 1]);
      });
      for (const run of bench.runs().filter(({ length }) => length > 0))
        expect(run[run.length - 1] - run[0], 'lost without a mark').to.equal(run.length - 1);
    }
  });

  it('leaves in a recording every character once, the mark of each restart at its place, and the note of it', async () => {
    const [bench] = await open(1);
    for (let kill = 0; kill < 3; kill++) {
      const before = bench.heard.length;
      await until(() => {
        bench.say();
        return bench.heard.length > before + 30;
      });
      process.kill(io.pid ?? 0, 'SIGKILL');
      await until(() => bench.restarts.length === kill + 1);
    }
    const { bytes, marks, notes } = bench.recorded();
    const expected = bench.marks.map((at, n) => at + n);
    expect(marks).to.deep.equal(expected).and.to.have.length(3);
    expect(Buffer.from(bytes.filter((_, at) => !marks.includes(at)))).to.deep.equal(Buffer.from(bench.heard));
    expect(notes.filter((note) => note.includes('SIGKILL'))).to.have.length(3);
  });

  it('says what an outage was, drops what is sent meanwhile, and keeps the settings asked for last', async () => {
    const [bench] = await open(1);
    bench.port.configure({ ...LINE, stopBits: 2 });
    process.kill(io.pid ?? 0, 'SIGKILL');
    await until(() => !bench.port.present);
    bench.port.transmit(Uint8Array.of(1, 2, 3), 0, 3);
    bench.port.configure({ ...LINE, baudRate: 57600 });
    await until(() => bench.restarts.length === 1);
    const [{ cause, droppedBytes, outageNs }] = bench.restarts;
    expect(cause.code).to.equal('HAL_HOST_PROCESS');
    expect(cause.message).to.include('SIGKILL');
    expect(droppedBytes).to.equal(3);
    expect(outageNs).to.be.above(0);
    expect(bench.marks).to.deep.equal([0]);
    bench.port.transmit(Uint8Array.of(65), 0, 1);
    await until(() => bench.told.length > 0);
    expect(bench.told).to.deep.equal([65]);
    expect(bench.master.programLine()?.baudRate).to.equal(57600);
  });

  it('ends with the sentence of the process when that is given up', async () => {
    const [bench] = await open(1, 0, 5);
    process.kill(io.pid ?? 0, 'SIGKILL');
    await until(() => bench.errors.length === 1);
    expect(bench.errors[0].message).to.match(/lost once within a minute and is not started again/);
    expect(bench.port.present).to.equal(false);
  });

  it('ends at once when the device itself is gone', async () => {
    const [bench] = await open(1);
    bench.say();
    await until(() => bench.heard.length > 0);
    bench.master.close();
    await until(() => bench.errors.length === 1);
    expect(bench.errors[0].code).to.equal('HAL_DISCONNECTED');
    expect(bench.port.restarts).to.equal(0);
  });
});
