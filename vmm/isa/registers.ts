/** Names of the general registers, as assembly writes them. */

const ABI_NAMES: readonly string[] = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'],
  ...['a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

/** Number of a register by its ABI name or as `x0`..`x31`, in lower case; undefined when there is none. */
export function registerNumber(name: string): number | undefined {
  if (name === 'fp') return 8;
  const index = ABI_NAMES.indexOf(name);
  if (index >= 0) return index;
  const match = /^x(\d|[12]\d|3[01])$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
