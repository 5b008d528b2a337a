/** What carries one peer's output section to the other: within a process, between threads, between processes. */

/** The receiving end of a shared-memory channel. */
export interface SectionLink {
  /**
   * `length` bytes of `bytes`, from `from` on, have become the sender's output section at `offset`. They are in the
   * receiver's copy when this returns, if the receiver takes part.
   */
  carry(bytes: Uint8Array, from: number, offset: number, length: number): void;
  /** A doorbell of `vector`; whatever was carried before is seen before its interrupt. */
  ring(vector: number): void;
  /**
   * Bytes that can be carried now, with the doorbell behind them; negative when not even that has room. The doorbell waits
   * in the sender's memory then. Always enough when absent.
   */
  room?(): number;
}

/** Where doorbells of a peer go that is not there. */
export const NO_PEER: SectionLink = { carry: () => {}, ring: () => {} };
