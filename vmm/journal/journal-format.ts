/** The numbers of the journal's binary format; `docs/journal-format.md` describes it. */

import type { HypercallMode } from '../cpu/vcpu.js';
import type { VcpuStart } from '../machine/create-vcpu.js';

/** Raised with every change that an older reader would misread. */
export const JOURNAL_VERSION = 2;

/** `RJ`, the first two bytes of every chunk. */
export const JOURNAL_MAGIC = 0x4a52;

/** Magic u16, version u8, zero u8, sequence u32, entries u32, first instret u64; little-endian. */
export const CHUNK_HEADER_BYTES = 20;

/** A chunk is handed on when the next entry would make it longer than this. */
export const CHUNK_BYTES = 32_768;

/** Longest run of bytes one DMA write entry holds; longer writes take several entries at the same instruction. */
export const MAX_DMA_PIECE = 8_192;

/** Low three bits of an entry's first byte. */
export const KIND = {
  mmioRead: 0,
  mmioWrite: 1,
  interruptSet: 2,
  interruptClear: 3,
  time: 4,
  dmaRead: 5,
  dmaWrite: 6,
  other: 7,
} as const;

/** High five bits of the first byte of an MMIO or DMA entry. */
export const SLOT = {
  /** Slots 0..29 name an (address, length) pair that the chunk has named before. */
  count: 30,
  /** DMA only: begins where the last entry of this kind ended; a length follows. */
  contiguous: 30,
  /** An address and a length follow, and take the next slot, round robin. */
  fresh: 31,
} as const;

/** High five bits of the first byte of a `time` entry. */
export const TIME_FORM = { delta: 0, absolute: 1 } as const;

/** High five bits of the first byte of an entry of kind `other`. */
export const OTHER = {
  start: 0,
  end: 1,
  /** The load that made an MMIO exit takes an access fault. */
  loadFault: 2,
  /** The store of the preceding `mmioWrite` takes an access fault. */
  storeFault: 3,
  hypercall: 4,
  hypercallResult: 5,
  /** An MMIO read has begun; the DMA entries until its `mmioRead` happened inside it. */
  mmioReadOpen: 6,
  /** The guest's trap handler traps itself; it retires nothing more. */
  lockup: 7,
} as const;

/** What `hypercalls` is as a number. */
export const HYPERCALL_MODES: readonly HypercallMode[] = ['none', 'machine', 'supervisor'];

/** What the machine was when its guest started; the first entry of a journal. */
export interface JournalStart extends VcpuStart {
  readonly xlen: 32 | 64;
  readonly ramBase: number;
  readonly ramBytes: number;
  /** Which `ecall` is answered. */
  readonly hypercalls: HypercallMode;
  /** Where the guest's console is; its transmit register tells a replay what the guest printed. */
  readonly consoleGpa: number;
  /** 0 when there is none. */
  readonly reportRingGpa: number;
  /** `imageDigest` of the image. */
  readonly image: string;
}

/** What a guest left behind; the last entry of a complete journal. */
export interface JournalEnd {
  readonly instret: number;
  /** `OutputDigest.hex()`. */
  readonly outputDigest: string;
  /** SHA-256 of guest RAM, hexadecimal. */
  readonly ramDigest: string;
  /** SHA-256 of pc, privilege and general registers, hexadecimal. */
  readonly stateDigest: string;
}
