/** Names of the registers, as assembly writes them. */

const ABI_NAMES: readonly string[] = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'],
  ...['a6', 'a7', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];

const FLOAT_ABI_NAMES: readonly string[] = [
  ...['ft0', 'ft1', 'ft2', 'ft3', 'ft4', 'ft5', 'ft6', 'ft7', 'fs0', 'fs1', 'fa0', 'fa1', 'fa2', 'fa3', 'fa4', 'fa5'],
  ...[
    'fa6',
    'fa7',
    'fs2',
    'fs3',
    'fs4',
    'fs5',
    'fs6',
    'fs7',
    'fs8',
    'fs9',
    'fs10',
    'fs11',
    'ft8',
    'ft9',
    'ft10',
    'ft11',
  ],
];

/** Number of a general register by its ABI name or as `x0`..`x31`, in lower case; undefined when there is none. */
export function registerNumber(name: string): number | undefined {
  if (name === 'fp') return 8;
  return numberIn(ABI_NAMES, 'x', name);
}

/** Number of a floating-point register by its ABI name or as `f0`..`f31`, in lower case; undefined when there is none. */
export function floatRegisterNumber(name: string): number | undefined {
  return numberIn(FLOAT_ABI_NAMES, 'f', name);
}

function numberIn(abiNames: readonly string[], prefix: string, name: string): number | undefined {
  const index = abiNames.indexOf(name);
  if (index >= 0) return index;
  const match = /^([xf])(\d|[12]\d|3[01])$/.exec(name);
  return match === null || match[1] !== prefix ? undefined : Number(match[2]);
}
