/** Guest RAM and the vCPU's state area in one shared WebAssembly memory; nothing outside RAM is reachable by address. */

import { VmmError } from '../errors.js';
import { createSharedMemory, type SharedWasmMemory } from '../wasm/web-assembly.js';
import { CODE_AREA_BYTES } from './code-page-layout.js';
import { RAM_OFFSET } from './state-layout.js';

export type { SharedWasmMemory };

const WASM_PAGE = 0x1_0000;
const HIGHEST_RAM_BYTES = 0x8000_0000;
const PAGE_BYTES = 0x1000;

/**
 * RAM of one guest. The typed views begin at RAM: index 0 is `ramBase`, and no index reaches the state area.
 * The methods take guest physical addresses. An address that a guest controls must pass `contains` first: the methods
 * throw `VMM_ENGINE` outside RAM, because a caller that did not ask is a defect of the monitor, not of the guest.
 */
export class GuestMemory {
  /** State area (see `STATE`), RAM from `RAM_OFFSET`, then what the engines keep about code; shared with workers. */
  readonly memory: SharedWasmMemory;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i16: Int16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  /** Where decoded code lies in the memory, and a byte for each page of RAM that says whether it holds code. */
  readonly codeAreaOffset: number;
  readonly codeStateOffset: number;
  readonly #view: DataView;

  /**
   * `ramBytes` is a multiple of 64 KiB, `ramBase` of 4 KiB, and the end lies within 4 GiB; else `VMM_CONFIG`.
   * `memory`, when given, is one that another thread made with the same sizes.
   */
  constructor(
    readonly ramBytes: number,
    readonly ramBase = 0x8000_0000,
    memory?: SharedWasmMemory,
  ) {
    checkSizes(ramBytes, ramBase);
    this.codeAreaOffset = RAM_OFFSET + ramBytes;
    this.codeStateOffset = this.codeAreaOffset + CODE_AREA_BYTES;
    const pages = Math.ceil((this.codeStateOffset + ramBytes / PAGE_BYTES) / WASM_PAGE);
    this.memory = memory ?? allocate(pages, ramBytes);
    const { buffer } = this.memory;
    if (buffer.byteLength !== pages * WASM_PAGE) {
      throw new VmmError('VMM_CONFIG', `The shared memory has ${buffer.byteLength} bytes, not ${pages * WASM_PAGE}.`);
    }
    this.u8 = new Uint8Array(buffer, RAM_OFFSET, ramBytes);
    this.i8 = new Int8Array(buffer, RAM_OFFSET, ramBytes);
    this.u16 = new Uint16Array(buffer, RAM_OFFSET, ramBytes / 2);
    this.i16 = new Int16Array(buffer, RAM_OFFSET, ramBytes / 2);
    this.u32 = new Uint32Array(buffer, RAM_OFFSET, ramBytes / 4);
    this.i32 = new Int32Array(buffer, RAM_OFFSET, ramBytes / 4);
    this.#view = new DataView(buffer, RAM_OFFSET, ramBytes);
  }

  /** Whether all of [gpa, gpa + length) is RAM. */
  contains(gpa: number, length: number): boolean {
    return length >= 0 && gpa >= this.ramBase && gpa + length <= this.ramBase + this.ramBytes;
  }

  /** A copy of `length` bytes from `gpa`. */
  read(gpa: number, length: number): Uint8Array {
    const offset = this.#offset(gpa, length);
    return new Uint8Array(this.u8.subarray(offset, offset + length));
  }

  /** Code in the range needs `Vcpu.invalidateCode` afterwards. */
  write(gpa: number, bytes: Uint8Array): void {
    this.u8.set(bytes, this.#offset(gpa, bytes.length));
  }

  readU8(gpa: number): number {
    return this.#view.getUint8(this.#offset(gpa, 1));
  }

  readU16(gpa: number): number {
    return this.#view.getUint16(this.#offset(gpa, 2), true);
  }

  readU32(gpa: number): number {
    return this.#view.getUint32(this.#offset(gpa, 4), true);
  }

  writeU8(gpa: number, value: number): void {
    this.#view.setUint8(this.#offset(gpa, 1), value);
  }

  writeU16(gpa: number, value: number): void {
    this.#view.setUint16(this.#offset(gpa, 2), value, true);
  }

  writeU32(gpa: number, value: number): void {
    this.#view.setUint32(this.#offset(gpa, 4), value, true);
  }

  #offset(gpa: number, length: number): number {
    if (this.contains(gpa, length)) return gpa - this.ramBase;
    throw new VmmError('VMM_ENGINE', `An access of ${length} bytes at 0x${gpa.toString(16)} is outside guest RAM.`, {
      where: `0x${gpa.toString(16)}`,
    });
  }
}

function checkSizes(ramBytes: number, ramBase: number): void {
  if (!Number.isInteger(ramBytes) || ramBytes <= 0 || ramBytes % WASM_PAGE !== 0 || ramBytes > HIGHEST_RAM_BYTES) {
    throw new VmmError('VMM_CONFIG', `Guest RAM of ${ramBytes} bytes is impossible.`, {
      hint: 'Choose a multiple of 64 KiB, at most 2 GiB.',
    });
  }
  if (!Number.isInteger(ramBase) || ramBase < 0 || ramBase % 0x1000 !== 0 || ramBase + ramBytes > 2 ** 32) {
    throw new VmmError('VMM_CONFIG', `Guest RAM cannot start at 0x${ramBase.toString(16)}.`, {
      hint: 'Choose a multiple of 4 KiB such that RAM ends within 4 GiB.',
    });
  }
}

function allocate(pages: number, ramBytes: number): SharedWasmMemory {
  try {
    return createSharedMemory(pages);
  } catch (cause) {
    throw new VmmError('VMM_CONFIG', `This host has no room for ${ramBytes} bytes of guest RAM.`, {
      hint: 'Give the guest less RAM.',
      cause,
    });
  }
}
