/** The far end of a cable for measuring: a pseudo-terminal whose owner waits for each answer without an event loop in between. */

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { HalError } from '../../errors.js';
import { type LinuxCalls, libc } from './libc.js';

const O_CLOEXEC = 0o2000000;
const NAME_BYTES = 128;
const TERMIOS_BYTES = 256;
const TCSANOW = 0;
const POLLFD_BYTES = 8;
const POLLIN = 1;

/** Linux only. The thread that calls `exchange` stands still until the answer has come: give it a process of its own. */
export class BlockingTerminal {
  /** The terminal that the other end opens. */
  readonly path: string;
  readonly #linux: LinuxCalls;
  readonly #master: number;
  /** Held open, so that settings stay when the other end leaves. */
  readonly #slave: number;
  readonly #descriptor = Buffer.alloc(POLLFD_BYTES);
  readonly #byte = Buffer.alloc(1);

  /** Throws `HAL_UNSUPPORTED` without koffi or Linux, `HAL_IO` when the system gives no terminal. */
  constructor() {
    const calls = libc();
    if (calls.linux === undefined)
      throw new HalError('HAL_UNSUPPORTED', 'measuring on a pseudo-terminal needs Linux', {
        hint: 'measure on a Linux machine, or use the calibration that is shipped',
      });
    this.#linux = calls.linux;
    this.#master = calls.posix_openpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
    const name = Buffer.alloc(NAME_BYTES);
    const refused =
      this.#master < 0 ||
      calls.grantpt(this.#master) !== 0 ||
      calls.unlockpt(this.#master) !== 0 ||
      calls.ptsname_r(this.#master, name, NAME_BYTES) !== 0;
    if (refused) throw new HalError('HAL_IO', 'the system has no pseudo-terminal left');
    this.path = name.subarray(0, name.indexOf(0)).toString();
    this.#slave = openSync(this.path, constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
    const termios = Buffer.alloc(TERMIOS_BYTES);
    calls.tcgetattr(this.#slave, termios);
    calls.cfmakeraw(termios);
    calls.tcsetattr(this.#slave, TCSANOW, termios);
    this.#descriptor.writeInt32LE(this.#master, 0);
    this.#descriptor.writeInt16LE(POLLIN, 4);
  }

  /** Sends `byte` and waits for one back; -1 when none has come within `timeoutMs`. */
  exchange(byte: number, timeoutMs: number): number {
    this.#byte[0] = byte;
    writeSync(this.#master, this.#byte, 0, 1);
    return this.receive(timeoutMs);
  }

  /** Waits for one byte; -1 when none has come within `timeoutMs`. */
  receive(timeoutMs: number): number {
    if (this.#linux.poll(this.#descriptor, 1, timeoutMs) <= 0) return -1;
    return readSync(this.#master, this.#byte, 0, 1, null) === 1 ? this.#byte[0] : -1;
  }

  close(): void {
    closeSync(this.#slave);
    closeSync(this.#master);
  }
}
