/** A board whose registers and DMA memory are mapped into this process and whose interrupts come from a descriptor: a BoardPort. */

import { HalError } from '../../errors.js';
import type { BoardIdentity, BoardMemory, BoardPort, BoardSink } from '../board-port.js';
import { InterruptDescriptor } from './interrupt-descriptor.js';
import { type MappedMemory, memoryCalls } from './memory-calls.js';
import type { RegisterTranslation } from './register-translation.js';

export interface MappedBoardParts {
  readonly name: string;
  readonly identity: BoardIdentity;
  /** What knows the registers; made for mappings that live until `release`. */
  readonly translation: RegisterTranslation;
  /** Readable when the board has interrupted; owned by the port. */
  readonly interruptFd: number;
  /** Lets interrupts through again; throws when the board is gone. */
  readonly rearm: () => void;
  readonly mappings: readonly MappedMemory[];
  /** Closes what else is held; after the mappings are gone. */
  readonly release: () => void;
}

const ABORTED = 0xffff_ffff;

/**
 * Registers are accessed when the host accesses them; DMA goes through memory that the board can reach and is copied, so the
 * host's addresses need not be the board's. A register access is no system call; an interrupt is a wait, a read and a write.
 */
export class MappedBoard implements BoardPort {
  readonly name: string;
  readonly identity: BoardIdentity;
  readonly #parts: MappedBoardParts;
  readonly #interrupts: InterruptDescriptor;
  readonly #line = {
    set: (level: boolean): void => this.#sink?.interrupt(level),
    rearm: (): void => this.#rearm(),
  };
  #sink: BoardSink | undefined;
  #isGone = false;
  /** Calls of the translation that have not returned: what is mapped is let go behind the last. */
  #inside = 0;

  constructor(parts: MappedBoardParts) {
    this.name = parts.name;
    this.identity = parts.identity;
    this.#parts = parts;
    this.#interrupts = new InterruptDescriptor({
      where: parts.name,
      fd: parts.interruptFd,
      calls: memoryCalls(),
      fired: () => this.#fired(),
      lost: (error) => this.#lose(error),
    });
  }

  attach(sink: BoardSink, memory: BoardMemory): void {
    if (this.#sink !== undefined) throw new HalError('HAL_IN_USE', `${this.name} has a host already.`);
    this.#sink = sink;
    if (this.#isGone) return;
    this.#inside++;
    this.#parts.translation.attach(memory, this.#line);
    this.#leave();
    this.#interrupts.start();
  }

  readRegister(offset: number): number {
    if (this.#isGone || offset % 4 !== 0) return ABORTED;
    this.#inside++;
    try {
      return this.#parts.translation.read(offset);
    } finally {
      this.#leave();
    }
  }

  writeRegister(offset: number, value: number): void {
    if (this.#isGone || offset % 4 !== 0) return;
    this.#inside++;
    try {
      this.#parts.translation.write(offset, value);
    } finally {
      this.#leave();
    }
  }

  close(): void {
    if (this.#isGone) return;
    this.#parts.translation.stop();
    this.#isGone = true;
    if (this.#inside === 0) this.#release();
  }

  #fired(): void {
    if (this.#isGone) return;
    this.#inside++;
    try {
      this.#parts.translation.interrupted();
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#inside--;
    if (this.#isGone && this.#inside === 0) this.#release();
  }

  #rearm(): void {
    if (this.#isGone) return;
    try {
      this.#parts.rearm();
    } catch (error) {
      this.#lose(
        new HalError('HAL_DISCONNECTED', `${this.name} is gone: its interrupt cannot be let through again`, {
          where: this.name,
          cause: error,
          hint: 'The driver was unbound or the process behind the board has ended; bind or start it again.',
        }),
      );
    }
  }

  #lose(error: HalError): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (this.#inside === 0) this.#release();
    this.#sink?.disconnected(error);
  }

  #release(): void {
    this.#interrupts.close();
    for (const mapping of this.#parts.mappings) mapping.unmap();
    this.#parts.release();
  }
}
