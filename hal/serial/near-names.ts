/** Names near a mistyped one. */

/** Edit distance: insertions, removals, replacements. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length];
}

/** Up to three of `names` that `wanted` may have meant, nearest first; at most a third of its letters differ. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
  const shortened = wanted.slice(0, 256);
  return names
    .map((name) => ({ name, away: distance(shortened, name) }))
    .filter(({ away }) => away <= Math.max(2, Math.floor(shortened.length / 3)))
    .sort((a, b) => a.away - b.away)
    .slice(0, 3)
    .map(({ name }) => name);
}
