/** One pseudo-terminal, seen from its master side: raw, non-blocking, and open for as many programs as come and go. */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { type Clock, Timer } from '../../../base/index.js';
import { HalError } from '../../errors.js';
import type { LineSettings } from '../serial-port.js';
import { type Libc, libc } from './libc.js';
import { readLine, writeLine } from './termios.js';

/** Not inherited by processes started later: they would keep the terminal alive after its end. */
const O_CLOEXEC = process.platform === 'linux' ? 0o2000000 : 0x1000000;
const TCSANOW = 0;
const TCIFLUSH = process.platform === 'linux' ? 0 : 1;
/** Large enough for `struct termios` of every platform. */
const TERMIOS_BYTES = 256;
const POLLHUP = 0x10;
/** `TIOCNXCL` of Linux (asm-generic/ioctls.h): ends the exclusive mode that a program asked for. */
const TIOCNXCL = 0x540d;
/** `struct pollfd`: descriptor, requested events, returned events. */
const POLLFD_BYTES = 8;
/** A program that does not read is looked at again after so long. */
const RETRY_NS = 2_000_000;
/** Bytes that wait for the kernel's buffer (some 20 KiB) to have room. */
const PENDING_BYTES = 1 << 16;

/** Bytes for the program go in by `write`; what it sends comes out by `onData`. */
export class PtyMaster {
  /** The terminal that a program opens: `/dev/pts/3`. */
  readonly path: string;
  /** A program has sent something; the chunk is valid during the call. */
  onData: (chunk: Uint8Array) => void = () => {};
  /** Everything written has reached the kernel's buffer. */
  onWritten: () => void = () => {};
  readonly #libc: Libc;
  readonly #clock: Clock;
  readonly #master: number;
  #slave: number;
  readonly #stream: ReadStream;
  readonly #retry = new Timer(() => this.#push());
  readonly #pending = Buffer.alloc(PENDING_BYTES);
  #pendingLength = 0;
  #pushPlanned = false;
  #closed = false;
  readonly #planned = () => {
    this.#pushPlanned = false;
    this.#push();
  };

  /** Throws `HAL_UNSUPPORTED` without koffi, `HAL_IO` when the system gives no terminal. */
  constructor(clock: Clock, line?: LineSettings) {
    this.#libc = libc();
    this.#clock = clock;
    this.#master = this.#libc.posix_openpt(constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC);
    if (this.#master < 0) throw new HalError('HAL_IO', 'the system has no pseudo-terminal left');
    try {
      this.path = this.#unlock();
      // Held open, so that the terminal and its settings stay when the last program leaves.
      this.#slave = this.#openSlave();
    } catch (error) {
      closeSync(this.#master);
      throw error;
    }
    this.#makeRaw(line);
    this.#stream = new ReadStream(this.#master);
    this.#stream.on('data', (chunk: Buffer) => {
      if (!this.#closed) this.onData(chunk);
    });
    // Programs come and go without ending the stream; an error here can only be the close below.
    this.#stream.on('error', () => {});
  }

  /** Whether a program has the terminal open now; true where the system does not tell. */
  get opened(): boolean {
    const { linux } = this.#libc;
    if (linux === undefined || this.#closed) return true;
    if (this.#slave < 0) return this.#regainSlave();
    // A program's exclusive mode outlives it here, and would keep this process and the next program out.
    linux.ioctl(this.#slave, TIOCNXCL);
    // Let go for a moment: the system then says whether anybody else holds on. Nothing else of this process runs meanwhile.
    closeSync(this.#slave);
    const descriptor = Buffer.alloc(POLLFD_BYTES);
    descriptor.writeInt32LE(this.#master, 0);
    linux.poll(descriptor, 1, 0);
    return this.#regainSlave() || (descriptor.readInt16LE(6) & POLLHUP) === 0;
  }

  /** Settings that a program gave the terminal; undefined where the system does not tell. */
  programLine(): LineSettings | undefined {
    const { linux } = this.#libc;
    return linux === undefined || this.#closed ? undefined : readLine(linux, this.#slave);
  }

  setLine(line: LineSettings): void {
    const { linux } = this.#libc;
    if (linux !== undefined && !this.#closed) writeLine(linux, this.#slave, line);
  }

  /** Bytes not yet in the kernel's buffer. */
  get pendingBytes(): number {
    return this.#pendingLength;
  }

  /** Takes bytes for the program; answers how many, the rest found no room. Bytes of one turn leave in one call. */
  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.#closed) return 0;
    const count = Math.min(length, PENDING_BYTES - this.#pendingLength);
    this.#pending.set(bytes.subarray(offset, offset + count), this.#pendingLength);
    this.#pendingLength += count;
    if (count > 0 && !this.#pushPlanned && !this.#retry.armed) {
      this.#pushPlanned = true;
      queueMicrotask(this.#planned);
    }
    return count;
  }

  /** Drops what waits for the program, in the kernel's buffer too. */
  dropUnread(): void {
    this.#pendingLength = 0;
    if (!this.#closed) this.#libc.tcflush(this.#slave, TCIFLUSH);
  }

  /** While paused, what programs send stays in the kernel, and holds them up when its buffer is full. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#closed) this.#stream.resume();
  }

  /** The terminal is gone: programs that have it open see a hang-up. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.cancel(this.#retry);
    this.#stream.destroy();
    if (this.#slave >= 0) closeSync(this.#slave);
  }

  #unlock(): string {
    const name = Buffer.alloc(128);
    const failed =
      this.#libc.grantpt(this.#master) !== 0 ||
      this.#libc.unlockpt(this.#master) !== 0 ||
      this.#libc.ptsname_r(this.#master, name, name.length) !== 0;
    if (failed) throw new HalError('HAL_IO', 'the system gave a pseudo-terminal and no name for it');
    return name.toString('utf8', 0, name.indexOf(0));
  }

  #makeRaw(line: LineSettings | undefined): void {
    const termios = Buffer.alloc(TERMIOS_BYTES);
    this.#libc.tcgetattr(this.#slave, termios);
    this.#libc.cfmakeraw(termios);
    this.#libc.tcsetattr(this.#slave, TCSANOW, termios);
    if (line !== undefined) this.setLine(line);
  }

  /** Answers whether a program keeps this process out, having turned exclusive in the very moment. */
  #regainSlave(): boolean {
    try {
      this.#slave = this.#openSlave();
      return false;
    } catch {
      this.#slave = -1;
      return true;
    }
  }

  #openSlave(): number {
    return openSync(this.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  }

  #push(): void {
    if (this.#closed || this.#pendingLength === 0) return;
    let written = 0;
    try {
      written = writeSync(this.#master, this.#pending, 0, this.#pendingLength);
    } catch {
      // No room in the kernel's buffer: the program does not read at the moment.
    }
    this.#pending.copyWithin(0, written, this.#pendingLength);
    this.#pendingLength -= written;
    if (this.#pendingLength > 0) this.#clock.schedule(this.#retry, this.#clock.now() + RETRY_NS);
    else this.onWritten();
  }
}
