/** The contract of a serial binding as one mocha suite, passed by simulated, replayed, real and pseudo-terminal ports alike. */

import { expect } from 'chai';
import type { BindingInterface, BindingPortInterface } from './binding-types.js';
import type { PassingTime } from './passing-time.js';

/** What the device of a fixture does, in order; it goes on to the next step when a step is complete. */
export type DialogueStep =
  | { readonly deviceSends: Uint8Array }
  /** The device waits until it has received these very bytes. */
  | { readonly hostSends: Uint8Array }
  | { readonly deviceLeaves: true };

export interface SerialBindingFixture {
  readonly binding: BindingInterface;
  /** A port whose device plays the dialogue. */
  readonly path: string;
  /** A path that is no port. */
  readonly missingPath: string;
  readonly baudRate: number;
  readonly time: PassingTime;
  /** The device begins its dialogue; called after `open`. A device that begins by itself does nothing here. */
  start(): void;
  /** Everything the device has received so far. */
  received(): Uint8Array;
  close(): Promise<void>;
}

export interface SerialBindingTraits {
  /** Why nothing can run here: every case is pending with this reason. */
  readonly unavailable?: string;
  /** Why a case is pending for this implementation; left out, the case runs. */
  readonly withoutList?: string;
  readonly withoutModemLines?: string;
  readonly withoutLock?: string;
  readonly withoutLeaving?: string;
}

export type MakeSerialFixture = (dialogue: readonly DialogueStep[]) => Promise<SerialBindingFixture>;

/** Every byte value, so that no code, XON and NUL included, is treated in a special way. */
const ALL_VALUES = Uint8Array.from({ length: 256 }, (_, i) => i);
const GREETING = new TextEncoder().encode('hello host');
const QUESTION = new TextEncoder().encode('who are you?');
const ANSWER = new TextEncoder().encode('a device');

class Bench {
  readonly #opened: BindingPortInterface[] = [];

  constructor(readonly fixture: SerialBindingFixture) {}

  async open(): Promise<BindingPortInterface> {
    const { binding, path, baudRate, time } = this.fixture;
    const port = await time.settle(binding.open({ path, baudRate }));
    this.#opened.push(port);
    this.fixture.start();
    return port;
  }

  /** Closes what a failed case left open, then the fixture. */
  async close(): Promise<void> {
    for (const port of this.#opened) if (port.isOpen) await this.settle(port.close()).catch(() => {});
    await this.fixture.close();
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.fixture.time.settle(promise);
  }

  /** Reads exactly `count` bytes, at most `atMost` a call. */
  async read(port: BindingPortInterface, count: number, atMost = 65536): Promise<Uint8Array> {
    const buffer = Buffer.alloc(count);
    for (let have = 0; have < count; ) {
      const { bytesRead } = await this.settle(port.read(buffer, have, Math.min(atMost, count - have)));
      expect(bytesRead).to.be.within(1, Math.min(atMost, count - have));
      have += bytesRead;
    }
    return Uint8Array.from(buffer);
  }

  async refused(promise: Promise<unknown>): Promise<Error & { code?: string; canceled?: boolean }> {
    // Watched first, so that a rejection while time goes on counts as handled.
    const outcome = promise.then(
      () => undefined,
      (error: unknown) => error,
    );
    const error = await this.settle(outcome);
    expect(error, 'the call resolved').to.be.an.instanceOf(Error);
    return error as Error;
  }
}

type Case = (bench: Bench) => Promise<void>;
type Define = (title: string, dialogue: readonly DialogueStep[], run: Case, without?: string) => void;

/**
 * Defines the suite for one implementation. `make` is called for each case with the dialogue of its device; the port is
 * closed by the suite where the case is not about closing, and the fixture always.
 */
export function describeSerialBinding(name: string, make: MakeSerialFixture, traits: SerialBindingTraits = {}): void {
  describe(`serial binding: ${name}`, () => {
    const define: Define = (title, dialogue, run, without) => {
      const reason = traits.unavailable ?? without;
      if (reason !== undefined) {
        it(`${title} (pending: ${reason})`);
        return;
      }
      it(title, async () => {
        const bench = new Bench(await make(dialogue));
        try {
          await run(bench);
        } finally {
          await bench.close();
        }
      });
    };
    defineOpening(define, traits);
    defineReading(define);
    defineWriting(define);
    defineControl(define, traits);
    defineClosing(define, traits);
  });
}

function defineOpening(define: Define, traits: SerialBindingTraits): void {
  define(
    'lists its ports with their paths',
    [],
    async (bench) => {
      const ports = await bench.settle(bench.fixture.binding.list());
      expect(ports.map((port) => port.path)).to.include(bench.fixture.path);
    },
    traits.withoutList,
  );
  define('opens a port with the options it was given and defaults for the others', [], async (bench) => {
    const port = await bench.open();
    expect(port.isOpen).to.equal(true);
    expect(port.openOptions).to.include({ path: bench.fixture.path, baudRate: bench.fixture.baudRate });
    expect(port.openOptions).to.include({ dataBits: 8, stopBits: 1, parity: 'none', lock: true, hupcl: true });
    await bench.settle(port.close());
  });
  define('refuses a port that does not exist and names it', [], async (bench) => {
    const { binding, missingPath, baudRate } = bench.fixture;
    const error = await bench.refused(binding.open({ path: missingPath, baudRate }));
    expect(error.code).to.equal('HAL_NOT_FOUND');
    expect(error.message).to.include(missingPath);
  });
  define('refuses to open without a path or a baud rate', [], async (bench) => {
    const { binding, path } = bench.fixture;
    for (const options of [{ path: '', baudRate: 9600 }, { path } as { path: string; baudRate: number }]) {
      const error = await bench.refused(binding.open(options));
      expect(error.code).to.equal('HAL_INVALID');
    }
  });
  define(
    'refuses to open a port that is open already',
    [],
    async (bench) => {
      const port = await bench.open();
      const { binding, path, baudRate } = bench.fixture;
      const error = await bench.refused(binding.open({ path, baudRate }));
      expect(error.code).to.equal('HAL_IN_USE');
      expect(port.isOpen).to.equal(true);
      await bench.settle(port.close());
    },
    traits.withoutLock,
  );
  define('opens again after it was closed', [{ deviceSends: GREETING }], async (bench) => {
    const { binding, path, baudRate } = bench.fixture;
    const first = await bench.settle(binding.open({ path, baudRate }));
    await bench.settle(first.close());
    const second = await bench.open();
    expect(await bench.read(second, GREETING.length)).to.deep.equal(GREETING);
    await bench.settle(second.close());
  });
}

function defineReading(define: Define): void {
  define('reads every byte value unchanged and in order', [{ deviceSends: ALL_VALUES }], async (bench) => {
    const port = await bench.open();
    expect(await bench.read(port, ALL_VALUES.length)).to.deep.equal(ALL_VALUES);
    await bench.settle(port.close());
  });
  define('never reads more than it was asked for and keeps the rest', [{ deviceSends: GREETING }], async (bench) => {
    const port = await bench.open();
    expect(await bench.read(port, GREETING.length, 3)).to.deep.equal(GREETING);
    await bench.settle(port.close());
  });
  define('reads to the offset it was given and touches nothing else', [{ deviceSends: GREETING }], async (bench) => {
    const port = await bench.open();
    const buffer = Buffer.alloc(8, 0xee);
    const { bytesRead, buffer: same } = await bench.settle(port.read(buffer, 3, 1));
    expect(bytesRead).to.equal(1);
    expect(same).to.equal(buffer);
    expect([...buffer]).to.deep.equal([0xee, 0xee, 0xee, GREETING[0], 0xee, 0xee, 0xee, 0xee]);
    await bench.settle(port.close());
  });
  define('waits for the first byte when there is none yet', [{ hostSends: QUESTION }, { deviceSends: ANSWER }], async (
    bench,
  ) => {
    const port = await bench.open();
    const buffer = Buffer.alloc(64);
    let done = false;
    const reading = port.read(buffer, 0, 64).then((result) => {
      done = true;
      return result;
    });
    await bench.fixture.time.pass(20_000_000);
    expect(done).to.equal(false);
    await bench.settle(port.write(Buffer.from(QUESTION)));
    const { bytesRead } = await bench.settle(reading);
    const rest = await bench.read(port, ANSWER.length - bytesRead);
    expect([...buffer.subarray(0, bytesRead), ...rest]).to.deep.equal([...ANSWER]);
    await bench.settle(port.close());
  });
  define('refuses to read to where the buffer has no room', [], async (bench) => {
    const port = await bench.open();
    for (const [offset, length] of [
      [0, 9],
      [8, 1],
      [-1, 2],
      [0, 0],
      [Number.NaN, 1],
    ])
      expect((await bench.refused(port.read(Buffer.alloc(8), offset, length))).code).to.equal('HAL_INVALID');
    expect((await bench.refused(port.read('text' as unknown as Buffer, 0, 1))).code).to.equal('HAL_INVALID');
    await bench.settle(port.close());
  });
}

function defineWriting(define: Define): void {
  define('writes every byte value unchanged and in order', [{ hostSends: ALL_VALUES }], async (bench) => {
    const port = await bench.open();
    await bench.settle(port.write(Buffer.from(ALL_VALUES)));
    await bench.settle(port.drain());
    await bench.fixture.time.pass(50_000_000);
    expect(bench.fixture.received()).to.deep.equal(ALL_VALUES);
    await bench.settle(port.close());
  });
  const long = Uint8Array.from({ length: 6000 }, (_, i) => (i * 7) & 0xff);
  define('writes more than any buffer holds and drains when all of it has left', [{ hostSends: long }], async (
    bench,
  ) => {
    const port = await bench.open();
    await bench.settle(port.write(Buffer.from(long)));
    await bench.settle(port.drain());
    await bench.fixture.time.pass(50_000_000);
    expect(Buffer.compare(bench.fixture.received(), long)).to.equal(0);
    await bench.settle(port.close());
  });
  define('writes one piece after the other in order', [{ hostSends: ALL_VALUES }], async (bench) => {
    const port = await bench.open();
    for (let i = 0; i < 256; i += 32) await bench.settle(port.write(Buffer.from(ALL_VALUES.subarray(i, i + 32))));
    await bench.settle(port.drain());
    await bench.fixture.time.pass(50_000_000);
    expect(bench.fixture.received()).to.deep.equal(ALL_VALUES);
    await bench.settle(port.close());
  });
  define('takes an empty write', [], async (bench) => {
    const port = await bench.open();
    await bench.settle(port.write(Buffer.alloc(0)));
    await bench.settle(port.drain());
    expect(bench.fixture.received()).to.have.length(0);
    await bench.settle(port.close());
  });
  define('refuses to write what is not a buffer', [], async (bench) => {
    const port = await bench.open();
    expect((await bench.refused(port.write('text' as unknown as Buffer))).code).to.equal('HAL_INVALID');
    await bench.settle(port.close());
  });
  define('holds a dialogue', [
    { deviceSends: GREETING },
    { hostSends: QUESTION },
    { deviceSends: ANSWER },
    { hostSends: GREETING },
  ], async (bench) => {
    const port = await bench.open();
    expect(await bench.read(port, GREETING.length)).to.deep.equal(GREETING);
    await bench.settle(port.write(Buffer.from(QUESTION)));
    expect(await bench.read(port, ANSWER.length)).to.deep.equal(ANSWER);
    await bench.settle(port.write(Buffer.from(GREETING)));
    await bench.settle(port.drain());
    await bench.fixture.time.pass(50_000_000);
    expect(bench.fixture.received()).to.deep.equal(Uint8Array.from([...QUESTION, ...GREETING]));
    await bench.settle(port.close());
  });
}

function defineControl(define: Define, traits: SerialBindingTraits): void {
  define('flushes what was received and not read', [
    { deviceSends: GREETING },
    { hostSends: QUESTION },
    { deviceSends: ANSWER },
  ], async (bench) => {
    const port = await bench.open();
    await bench.read(port, 1);
    await bench.fixture.time.pass(100_000_000);
    await bench.settle(port.flush());
    await bench.settle(port.write(Buffer.from(QUESTION)));
    expect(await bench.read(port, ANSWER.length)).to.deep.equal(ANSWER);
    await bench.settle(port.close());
  });
  define('changes the baud rate and tells it', [], async (bench) => {
    const port = await bench.open();
    expect(await bench.settle(port.getBaudRate())).to.deep.equal({ baudRate: bench.fixture.baudRate });
    await bench.settle(port.update({ baudRate: 57600 }));
    expect(await bench.settle(port.getBaudRate())).to.deep.equal({ baudRate: 57600 });
    await bench.settle(port.close());
  });
  define('refuses an update without a baud rate', [], async (bench) => {
    const port = await bench.open();
    expect((await bench.refused(port.update({} as { baudRate: number }))).code).to.equal('HAL_INVALID');
    await bench.settle(port.close());
  });
  define(
    'sets its outputs and gets its inputs',
    [],
    async (bench) => {
      const port = await bench.open();
      await bench.settle(port.set({ dtr: false, rts: true }));
      expect(await bench.settle(port.get())).to.have.all.keys('cts', 'dsr', 'dcd');
      await bench.settle(port.close());
    },
    traits.withoutModemLines,
  );
  if (traits.withoutModemLines !== undefined)
    define('says that it has no modem lines and stays open', [{ deviceSends: GREETING }], async (bench) => {
      const port = await bench.open();
      expect((await bench.refused(port.get())).code).to.equal('HAL_UNSUPPORTED');
      expect((await bench.refused(port.set({ dtr: true }))).code).to.equal('HAL_UNSUPPORTED');
      expect(await bench.read(port, GREETING.length)).to.deep.equal(GREETING);
      await bench.settle(port.close());
    });
}

function defineClosing(define: Define, traits: SerialBindingTraits): void {
  define('cancels a waiting read when it is closed', [], async (bench) => {
    const port = await bench.open();
    const refused = bench.refused(port.read(Buffer.alloc(8), 0, 8));
    await bench.fixture.time.pass(5_000_000);
    await bench.settle(port.close());
    expect(await refused).to.have.property('canceled', true);
    expect(port.isOpen).to.equal(false);
  });
  define('refuses every call after it was closed', [], async (bench) => {
    const port = await bench.open();
    await bench.settle(port.close());
    const calls = [
      () => port.read(Buffer.alloc(8), 0, 8),
      () => port.write(Buffer.from('x')),
      () => port.drain(),
      () => port.flush(),
      () => port.update({ baudRate: 9600 }),
      () => port.set({}),
      () => port.get(),
      () => port.getBaudRate(),
      () => port.close(),
    ];
    for (const call of calls) expect((await bench.refused(call())).code).to.equal('HAL_CLOSED');
  });
  define(
    'hands over what came before the device left, then says so, and is not canceled',
    [{ deviceSends: GREETING }, { hostSends: QUESTION }, { deviceLeaves: true }],
    async (bench) => {
      const port = await bench.open();
      const first = await bench.read(port, 1);
      await bench.fixture.time.pass(50_000_000);
      await bench.settle(port.write(Buffer.from(QUESTION)));
      await bench.fixture.time.pass(50_000_000);
      const rest = await bench.read(port, GREETING.length - 1);
      expect([...first, ...rest]).to.deep.equal([...GREETING]);
      const error = await bench.refused(port.read(Buffer.alloc(8), 0, 8));
      expect(error.code).to.equal('HAL_DISCONNECTED');
      expect(error.canceled).to.not.equal(true);
      await bench.settle(port.close().catch(() => {}));
    },
    traits.withoutLeaving,
  );
}
