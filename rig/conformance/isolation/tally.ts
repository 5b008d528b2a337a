/** Counts what was done and how it ended, by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Sum of all whose name begins so. */
  sum(prefix = ''): number {
    let sum = 0;
    for (const [name, count] of this.#counts) if (name.startsWith(prefix)) sum += count;
    return sum;
  }

  /** One line a name, most frequent first. */
  lines(): string[] {
    const byCount = [...this.#counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
    return byCount.map(([name, count]) => `${count} ${name}`);
  }
}
