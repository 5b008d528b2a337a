/** When the RV-DAQ16 asks for service: so many blocks wait for its host, or one has waited so long. */

const NEVER = Number.POSITIVE_INFINITY;
const HALF = 0x7fff_ffff;

/** Blocks are counted freely modulo 2^32, as in HEAD and ACKNOWLEDGE. */
export class Coalescing {
  /** Since when the oldest block that is not acknowledged has waited. */
  #pendingNs = NEVER;

  reset(): void {
    this.#pendingNs = NEVER;
  }

  /** A block is done. */
  completed(atNs: number): void {
    if (this.#pendingNs === NEVER) this.#pendingNs = atNs;
  }

  /** The host has changed ACKNOWLEDGE: what it has not seen waits anew. */
  acknowledged(head: number, acknowledge: number, nowNs: number): void {
    this.#pendingNs = head === acknowledge ? NEVER : nowNs;
  }

  /** When the oldest has waited long enough. */
  dueNs(coalesceUs: number): number {
    return this.#pendingNs + coalesceUs * 1000;
  }
}

/** Completed blocks that the host has not acknowledged; none when it acknowledges what it has not got. */
export function unseenBlocks(head: number, acknowledge: number): number {
  const unseen = (head - acknowledge) >>> 0;
  return unseen > HALF ? 0 : unseen;
}
