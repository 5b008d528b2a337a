/** The contract of a HID device as one mocha suite, passed by simulated devices, by those behind a port, and by real ones alike. */

import { expect } from 'chai';
import type { HalError } from '../errors.js';
import type { PassingTime } from '../serial/passing-time.js';
import type { HidDevice } from './hid-device.js';

/** A device of eight-byte reports in and out (id 1 where they are numbered) and one feature report that keeps what it is told. */
export interface HidFixture {
  readonly time: PassingTime;
  readonly vendorId: number;
  readonly productId: number;
  /** Reports begin with their id. */
  readonly numbered: boolean;
  /** Id and bytes (without the id) of the feature report. */
  readonly feature: { readonly id: number; readonly bytes: number };
  /** Opens the device with a queue of `queueReports` input reports; the suite closes it. */
  open(queueReports: number): Promise<HidDevice>;
  /** Makes the device send an input report, as it crosses the wire. */
  send(report: Uint8Array): void;
  /** Output reports that the device has received, as they cross the wire. */
  received(): readonly Uint8Array[];
  unplug(): void;
  close(): Promise<void>;
}

export interface HidTraits {
  /** Why nothing can run here: every case is pending with this reason. */
  readonly unavailable?: string;
  /** Why a case is pending for this implementation; left out, the case runs. */
  readonly withoutLeaving?: string;
}

const QUEUE = 8;
const LONG_MS = 1000;
const SETTLE_NS = 100_000_000;
const REPORT_BYTES = 8;

class Bench {
  constructor(
    readonly fixture: HidFixture,
    readonly device: HidDevice,
  ) {}

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.fixture.time.settle(promise);
  }

  pass(): Promise<void> {
    return this.fixture.time.pass(SETTLE_NS);
  }

  /** Report number `n`, as it crosses the wire. */
  report(n: number): Uint8Array {
    const body = Uint8Array.from({ length: REPORT_BYTES }, (_, i) => (n * 16 + i) & 0xff);
    return this.fixture.numbered ? Uint8Array.of(1, ...body) : body;
  }

  /** The same, as it is written: 0 in front where reports are not numbered. */
  written(n: number): Uint8Array {
    return this.fixture.numbered ? this.report(n) : Uint8Array.of(0, ...this.report(n));
  }

  async send(count: number, from = 0): Promise<void> {
    for (let n = from; n < from + count; n++) this.fixture.send(this.report(n));
    await this.pass();
  }

  async read(timeoutMs = LONG_MS): Promise<number[] | undefined> {
    const report = await this.settle(this.device.read(timeoutMs));
    return report === undefined ? undefined : [...report];
  }

  numbers(from: number, to: number): number[][] {
    return Array.from({ length: to - from }, (_, i) => [...this.report(from + i)]);
  }

  async refused(call: () => Promise<unknown>): Promise<HalError> {
    // Watched first, so that a rejection while time goes on counts as handled.
    const error = await this.settle(
      call().then(
        () => undefined,
        (e: unknown) => e,
      ),
    );
    expect(error, 'the call resolved').to.be.an.instanceOf(Error);
    return error as HalError;
  }
}

type Define = (title: string, run: (bench: Bench) => Promise<void>, without?: string) => void;

/**
 * Defines the suite for one implementation. `make` is called for each case; the suite closes the device and the fixture.
 */
export function testHidDevice(name: string, make: () => Promise<HidFixture>, traits: HidTraits = {}): void {
  describe(`HID device: ${name}`, () => {
    const define: Define = (title, run, without) => {
      const reason = traits.unavailable ?? without;
      if (reason !== undefined) {
        it(`${title} (pending: ${reason})`);
        return;
      }
      it(title, async () => {
        const fixture = await make();
        const device = await fixture.time.settle(fixture.open(QUEUE));
        try {
          await run(new Bench(fixture, device));
        } finally {
          await fixture.time.settle(device.close());
          await fixture.close();
        }
      });
    };
    defineReading(define);
    defineListening(define);
    defineWriting(define);
    defineEnding(define, traits);
  });
}

function defineReading(define: Define): void {
  define('reads reports whole and in order, with an id only where they have one', async (bench) => {
    await bench.send(QUEUE);
    for (const report of bench.numbers(0, QUEUE)) expect(await bench.read()).to.deep.equal(report);
  });

  define('waits for the next report', async (bench) => {
    const read = bench.read();
    await bench.send(1);
    expect(await read).to.deep.equal([...bench.report(0)]);
  });

  define('resolves with undefined when the time is over, and loses nothing by it', async (bench) => {
    expect(await bench.read(20)).to.equal(undefined);
    expect(await bench.read(0)).to.equal(undefined);
    await bench.send(2);
    expect(await bench.read(0)).to.deep.equal([...bench.report(0)]);
    expect(await bench.read()).to.deep.equal([...bench.report(1)]);
  });

  define('takes one read at a time', async (bench) => {
    const first = bench.read();
    expect((await bench.refused(() => bench.device.read(LONG_MS))).code).to.equal('HAL_INVALID');
    await bench.send(1);
    expect(await first).to.deep.equal([...bench.report(0)]);
  });

  define('drops the oldest reports beyond its queue, and counts them', async (bench) => {
    for (let n = 0; n < QUEUE + 5; n++) await bench.send(1, n);
    expect(bench.device.lost).to.equal(5);
    for (const report of bench.numbers(5, QUEUE + 5)) expect(await bench.read()).to.deep.equal(report);
    expect(await bench.read(0)).to.equal(undefined);
  });
}

function defineListening(define: Define): void {
  define('gives every listener a report of its own', async (bench) => {
    const heard: number[][] = [];
    bench.device.on('data', (report) => {
      heard.push([...report]);
      report.fill(0);
    });
    bench.device.on('data', (report) => heard.push([...report]));
    await bench.send(1);
    expect(heard).to.deep.equal([[...bench.report(0)], [...bench.report(0)]]);
    expect((await bench.refused(() => bench.device.read())).code).to.equal('HAL_INVALID');
  });

  define('hands a listener first what had come before it', async (bench) => {
    await bench.send(3);
    const heard: number[][] = [];
    bench.device.on('data', (report) => heard.push([...report]));
    await bench.send(2, 3);
    expect(heard).to.deep.equal(bench.numbers(0, 5));
  });

  define('lets a listener go, and reads again', async (bench) => {
    const heard: number[][] = [];
    const listener = (report: Buffer): void => {
      heard.push([...report]);
    };
    bench.device.on('data', listener);
    await bench.send(1);
    bench.device.off('data', listener);
    await bench.send(1, 1);
    expect(heard).to.deep.equal(bench.numbers(0, 1));
    expect(await bench.read()).to.deep.equal([...bench.report(1)]);
  });

  define('holds reports back while paused', async (bench) => {
    const heard: number[][] = [];
    bench.device.on('data', (report) => heard.push([...report]));
    bench.device.pause();
    await bench.send(4);
    expect(heard).to.deep.equal([]);
    bench.device.resume();
    await bench.pass();
    expect(heard).to.deep.equal(bench.numbers(0, 4));
  });
}

function defineWriting(define: Define): void {
  define('writes output reports in order, and answers the bytes with the id', async (bench) => {
    for (let n = 0; n < 5; n++)
      expect(await bench.settle(bench.device.write(bench.written(n)))).to.equal(REPORT_BYTES + 1);
    expect(await bench.settle(bench.device.write([...bench.written(5)]))).to.equal(REPORT_BYTES + 1);
    await bench.pass();
    expect(bench.fixture.received().map((report) => [...report])).to.deep.equal(bench.numbers(0, 6));
  });

  define('keeps feature reports, with the id in front', async (bench) => {
    const { id, bytes } = bench.fixture.feature;
    const report = Uint8Array.from([id, ...Array.from({ length: bytes }, (_, i) => 0xa0 + i)]);
    expect(await bench.settle(bench.device.sendFeatureReport(report))).to.equal(bytes + 1);
    expect([...(await bench.settle(bench.device.getFeatureReport(id, bytes + 1)))]).to.deep.equal([...report]);
    expect([...(await bench.settle(bench.device.getFeatureReport(id, 5)))]).to.deep.equal([...report.subarray(0, 5)]);
  });

  define('says when the device refuses a report', async (bench) => {
    const unknown = 99;
    expect((await bench.refused(() => bench.device.getFeatureReport(unknown, 9))).code).to.equal('HAL_STALL');
    const report = new Uint8Array(9).fill(unknown);
    expect((await bench.refused(() => bench.device.sendFeatureReport(report))).code).to.equal('HAL_STALL');
  });

  define('refuses what is no report', async (bench) => {
    for (const call of [
      () => bench.device.write([]),
      () => bench.device.write([0, 256]),
      () => bench.device.sendFeatureReport([]),
      () => bench.device.getFeatureReport(256, 8),
      () => bench.device.getFeatureReport(1, 0),
    ])
      expect((await bench.refused(call)).code).to.equal('HAL_INVALID');
  });

  define('says what it is', async (bench) => {
    const info = await bench.settle(bench.device.getDeviceInfo());
    expect([info.vendorId, info.productId]).to.deep.equal([bench.fixture.vendorId, bench.fixture.productId]);
    expect(info.interface).to.be.a('number');
  });
}

function defineEnding(define: Define, { withoutLeaving }: HidTraits): void {
  define(
    'rejects a waiting read when the device goes, tells it once, and refuses what comes later',
    async (bench) => {
      const errors: string[] = [];
      bench.device.on('error', (error) => errors.push((error as HalError).code));
      const read = bench.refused(() => bench.device.read());
      await bench.pass();
      bench.fixture.unplug();
      expect((await read).code).to.equal('HAL_DISCONNECTED');
      await bench.pass();
      expect(errors).to.deep.equal(['HAL_DISCONNECTED']);
      expect((await bench.refused(() => bench.device.write(bench.written(0)))).code).to.equal('HAL_DISCONNECTED');
      expect((await bench.refused(() => bench.device.read())).code).to.equal('HAL_DISCONNECTED');
    },
    withoutLeaving,
  );

  define(
    'still hands over what had come before the device went',
    async (bench) => {
      await bench.send(2);
      bench.fixture.unplug();
      await bench.pass();
      expect(await bench.read()).to.deep.equal([...bench.report(0)]);
      expect(await bench.read()).to.deep.equal([...bench.report(1)]);
      expect((await bench.refused(() => bench.device.read())).code).to.equal('HAL_DISCONNECTED');
    },
    withoutLeaving,
  );

  define('ends a waiting read when it is closed, tells it once, and refuses what comes later', async (bench) => {
    let closes = 0;
    bench.device.on('close', () => closes++);
    const read = bench.refused(() => bench.device.read());
    await bench.pass();
    await bench.settle(bench.device.close());
    await bench.settle(bench.device.close());
    expect((await read).code).to.equal('HAL_CLOSED');
    expect(closes).to.equal(1);
    for (const call of [
      () => bench.device.read(),
      () => bench.device.write(bench.written(0)),
      () => bench.device.sendFeatureReport([1]),
      () => bench.device.getFeatureReport(1, 8),
      () => bench.device.getDeviceInfo(),
    ])
      expect((await bench.refused(call)).code).to.equal('HAL_CLOSED');
  });
}
