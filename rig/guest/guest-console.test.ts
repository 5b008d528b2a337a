/** Tests of a guest's console on the terminal: what comes out, what goes in, and the rig's own keys. */

import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import type { CharacterFrontend } from '../../vmm/index.js';
import { ConsoleFeed } from './console-feed.js';
import { EscapeFilter, type KeyboardStream, openKeyboard } from './console-keyboard.js';
import { ConsoleOutput } from './console-output.js';
import { TextWatch } from './text-watch.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Iterable<number>): string => String.fromCharCode(...bytes);

describe('ConsoleOutput', () => {
  it('writes every byte as it is, when the event loop turns and when it is told', async () => {
    const stream = new PassThrough();
    const output = new ConsoleOutput(stream);
    const all = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
    for (const byte of all.subarray(0, 5000)) output.put(byte);
    expect(stream.readableLength).to.equal(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.readableLength).to.equal(5000);
    for (const byte of all.subarray(5000)) output.put(byte);
    output.flush();
    expect(new Uint8Array(stream.read() as Buffer)).to.deep.equal(all);
  });

  it('makes the guest wait for a reader that is slow, and goes on when it has read', async () => {
    let finish: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 10,
      write: (_chunk, _encoding, done) => {
        finish = done;
      },
    });
    const output = new ConsoleOutput(slow);
    let full = 0;
    output.attach(() => full++);
    for (let i = 0; i < 1 << 20; i++) output.put(0x41);
    expect(full).to.equal(1);
    let isDrained = false;
    const drained = output.drained().then(() => {
      isDrained = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDrained).to.equal(false);
    finish?.();
    await drained;
  });

  it('waits for nobody when the reader has left', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const output = new ConsoleOutput(stream);
    output.put(1);
    output.put(2);
    const drained = output.drained();
    stream.destroy();
    await drained;
    expect(output.isClosed).to.equal(true);
    output.put(3);
    await output.drained();
  });
});

describe('ConsoleFeed', () => {
  /** An NS16550A with FIFOs that its guest reads when it is told. */
  class Uart implements CharacterFrontend {
    readonly fifo: number[] = [];
    depth = 16;
    most = 0;
    attach(): void {}
    room(): number {
      return this.depth - this.fifo.length;
    }
    receive(byte: number): boolean {
      if (this.room() === 0) return false;
      this.fifo.push(byte);
      this.most = Math.max(this.most, this.fifo.length);
      return true;
    }
    overrun(): void {}
    modemStatus(): void {}
  }

  for (const depth of [16, 1]) {
    it(`gives one character at a time to a UART of depth ${depth}, the next when the guest has taken it`, () => {
      const clock = new VirtualClock();
      const uart = new Uart();
      uart.depth = depth;
      const feed = new ConsoleFeed(clock, uart);
      feed.type(bytesOf('he'));
      feed.type(bytesOf('y'));
      clock.advanceTo(1e6);
      expect(textOf(uart.fifo)).to.equal('h');
      let seen = '';
      for (let ms = 2; feed.waiting > 0 || uart.fifo.length > 0; ms++) {
        seen += textOf(uart.fifo.splice(0));
        clock.advanceTo(ms * 1e6);
      }
      expect(seen).to.equal('hey');
      expect(uart.most).to.equal(1);
      expect(clock.nextDueNs()).to.equal(Number.POSITIVE_INFINITY);
    });
  }

  it('goes on when the guest turns its FIFOs off or on', () => {
    const clock = new VirtualClock();
    const uart = new Uart();
    const feed = new ConsoleFeed(clock, uart);
    feed.type(bytesOf('abc'));
    clock.advanceTo(1e6);
    for (const depth of [1, 16]) {
      uart.fifo.length = 0;
      uart.depth = depth;
      clock.advanceTo(clock.now() + 1e6);
    }
    expect(feed.waiting).to.equal(0);
  });

  it('asks for a pause when too much waits', () => {
    const feed = new ConsoleFeed(new VirtualClock(), new Uart());
    feed.type(new Uint8Array(4095));
    expect(feed.isFull).to.equal(false);
    feed.type(new Uint8Array(1));
    expect(feed.isFull).to.equal(true);
    feed.stop();
    expect(feed.waiting).to.equal(0);
  });
});

describe('TextWatch', () => {
  it('sees a text wherever it begins, also inside a beginning of itself', () => {
    const watch = new TextWatch('aab');
    const seen = [...bytesOf('aaab aabaab ab')].map((byte) => (watch.see(byte) ? 1 : 0));
    expect(seen.join('')).to.equal('00010001001000');
  });
});

describe('the keyboard', () => {
  let log: string[];
  const handlers = {
    typed: (bytes: Uint8Array) => log.push(`typed ${textOf(bytes)}`),
    quit: () => log.push('quit'),
    help: () => log.push('help'),
  };
  beforeEach(() => {
    log = [];
  });

  it('keeps Ctrl-A for the rig and gives everything else to the guest', () => {
    const filter = new EscapeFilter(handlers);
    filter.see(bytesOf('a\x03b\x01'));
    filter.see(bytesOf('c\x01\x01z\x01x\x01q'));
    expect(log).to.deep.equal(['typed a\x03b', 'help', 'quit', 'typed \x01z']);
  });

  it('is raw on a terminal until it is closed', () => {
    const raw: boolean[] = [];
    const stream = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (mode: boolean) => raw.push(mode) });
    const keyboard = openKeyboard(stream as KeyboardStream, handlers);
    expect(keyboard.isTerminal).to.equal(true);
    keyboard.close();
    expect(raw).to.deep.equal([true, false]);
    expect(stream.listenerCount('data')).to.equal(0);
  });

  it('passes what is piped in as it is', async () => {
    const stream = new PassThrough();
    const keyboard = openKeyboard(stream, handlers);
    stream.end('x\x01x');
    await new Promise((resolve) => stream.once('end', resolve));
    expect(keyboard.isTerminal).to.equal(false);
    expect(log).to.deep.equal(['typed x\x01x']);
    keyboard.close();
  });
});
