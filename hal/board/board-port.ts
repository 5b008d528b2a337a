/**
 * The contract of a data acquisition board on a memory bus as its owner sees it: registers, a DMA master and one interrupt
 * line; synchronous, clocked, without a promise or an allocation. Simulators and bindings of real boards are written against it.
 */

import type { HalError } from '../errors.js';

/** Who made the board, as PCI's configuration space says it (PCI Local Bus Specification 3.0, section 6.2.1). */
export interface BoardIdentity {
  /** 16 bits each. */
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** Bytes of base address registers 0, 1, …, each a power of two; BAR 0 holds the registers. */
  readonly barBytes: readonly number[];
}

/**
 * The memory that a host lets a board master. Addresses are exact integers below 2^53. An access that is not wholly inside
 * is refused: nothing is read or written, and the answer is false (a board sees a master abort).
 */
export interface BoardMemory {
  /** Copies `length` bytes at `address` to `target` from `offset` on. */
  read(address: number, target: Uint8Array, offset: number, length: number): boolean;
  /** Copies `length` bytes of `source` from `offset` on to `address`. Takes effect in the order of the calls. */
  write(address: number, source: Uint8Array, offset: number, length: number): boolean;
}

/** The host side of a board. */
export interface BoardSink {
  /** The interrupt line has changed to `level`, at the clock's present time. May come from inside `writeRegister` and `readRegister`. */
  interrupt(level: boolean): void;
  /** The board ended by itself: unbound, host process lost. Called at most once; registers read all ones from then on. */
  disconnected(error: HalError): void;
}

export interface BoardPort {
  /** How a person names it: `uio:0`, `sim:rv-daq16`. */
  readonly name: string;
  readonly identity: BoardIdentity;
  /** Connects the host side and the memory that the board may master; once, before anything else. */
  attach(sink: BoardSink, memory: BoardMemory): void;
  /**
   * The 32-bit register at `offset` of BAR 0, unsigned. An offset that is no multiple of 4 or lies outside reads as
   * 0xFFFFFFFF, as an aborted PCI read does. After `close` too.
   */
  readRegister(offset: number): number;
  /** Writes a register; what no register takes is ignored, also after `close`. `value` is taken modulo 2^32. */
  writeRegister(offset: number, value: number): void;
  /** Stops the board's DMA for good, lowers the line without a call, frees what is held. Idempotent. */
  close(): void;
}
