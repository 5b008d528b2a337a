/** JSON with sorted keys. */

/** The same text for values that mean the same, in whatever order their keys were written. */
export function stableJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_, item: unknown) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : item,
    indent,
  );
}
