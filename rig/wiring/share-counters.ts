/** What one guest got of its device, and which characters on the wire those were. */

export class ShareCounters {
  /** Characters handed to the frontend. */
  delivered = 0;
  /** Characters from the device that this guest will never see. */
  lost = 0;
  transmitted = 0;
  /** Characters the guest sent that found no room. */
  transmitLost = 0;
  /** Pairs (delivered when it happened, lost so far), one a gap. */
  readonly #gaps: [number, number][] = [];

  /** One character is lost behind the `after` characters that were or will be delivered. */
  lose(after = this.delivered): void {
    this.lost++;
    const last = this.#gaps.at(-1);
    if (last !== undefined && last[0] === after) last[1] = this.lost;
    else this.#gaps.push([after, this.lost]);
  }

  /** Number on the wire (0 = first) of the guest's character number `index` (0 = first). */
  wireIndex(index: number): number {
    let skipped = 0;
    for (const [delivered, lost] of this.#gaps) {
      if (delivered > index) break;
      skipped = lost;
    }
    return index + skipped;
  }
}
