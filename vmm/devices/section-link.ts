/** What carries one peer's output section to the other: within a process today, between threads or processes behind the same seam. */

/** The receiving end of a shared-memory channel. */
export interface SectionLink {
  /**
   * `length` bytes of `bytes`, from `from` on, have become the sender's output section at `offset`. They are in the
   * receiver's copy when this returns, if the receiver takes part.
   */
  carry(bytes: Uint8Array, from: number, offset: number, length: number): void;
  /** A doorbell of `vector`; whatever was carried before is seen before its interrupt. */
  ring(vector: number): void;
}

/** Where doorbells of a peer go that is not there. */
export const NO_PEER: SectionLink = { carry: () => {}, ring: () => {} };
