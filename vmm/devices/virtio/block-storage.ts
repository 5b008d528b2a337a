/** The seam between a virtio block device and what holds its sectors, and a storage in memory. */

import { PieceOverlay } from '../../../base/index.js';

export const SECTOR_BYTES = 512;

/**
 * Sectors of 512 bytes. Calls are synchronous and never throw; false means that the medium failed, and the guest is told.
 * Callers stay within the storage, pass whole sectors only, and write to none that is read-only.
 */
export interface BlockStorage {
  /** Size in sectors; does not change. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Copies `bytes` bytes from `sector` on to `target` at `offset`. */
  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean;
  /** Copies `bytes` bytes of `source` from `offset` on to `sector` and those behind it. */
  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean;
  /** What was written before stays, whatever happens to the host. */
  flush(): boolean;
}

export interface MemoryStorageOptions {
  readonly readOnly?: boolean;
  /** Size when it is more than `base` fills; the rest reads as zero. */
  readonly sectors?: number;
}

/** A storage over `base`, which stays untouched: what the guest writes is kept beside it and is gone with this object. */
export class MemoryStorage implements BlockStorage {
  readonly sectors: number;
  readonly readOnly: boolean;
  readonly #overlay: PieceOverlay;

  constructor(base: Uint8Array, options: MemoryStorageOptions = {}) {
    this.sectors = Math.max(Math.ceil(base.length / SECTOR_BYTES), options.sectors ?? 0);
    this.readOnly = options.readOnly === true;
    this.#overlay = new PieceOverlay(this.sectors * SECTOR_BYTES, (position, target, offset, length) => {
      const present = Math.max(0, Math.min(length, base.length - position));
      for (let i = 0; i < present; i++) target[offset + i] = base[position + i];
      target.fill(0, offset + present, offset + length);
      return true;
    });
  }

  read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean {
    return this.#overlay.read(sector * SECTOR_BYTES, target, offset, bytes);
  }

  write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean {
    return this.#overlay.write(sector * SECTOR_BYTES, source, offset, bytes);
  }

  flush(): boolean {
    return true;
  }
}
