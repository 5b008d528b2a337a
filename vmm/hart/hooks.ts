/** What the slow path tells the owner of the decoded code. */

export interface HartHooks {
  /**
   * A page of RAM whose byte in `codeState` is not 0 is about to be written; pages count from the start of RAM. Called
   * before every such write until the owner has set that byte to 0.
   */
  codeWritten(page: number): void;
  /** `fence.i`: fetches from now on see every write before it. */
  synchronizeCode(): void;
  /** PMP entries changed: code that was decoded as permitted may no longer be, and the other way round. */
  protectionChanged(): void;
}
