/** The longest time that an interrupt can wait, computed from the guest's image and what exits cost. */

import { VmmError } from '../errors.js';
import { CodeView } from './code-view.js';
import { MaskedPaths, type PathCosts, type PathLength } from './masked-paths.js';

export interface LatencyBoundOptions {
  /** An ELF image of RV32 with symbols, whose trap vectors are at `rt_vectors`. */
  readonly image: Uint8Array;
  readonly name: string;
  /** Number of the interrupt: its bit of `mip`. */
  readonly interrupt: number;
  /** Interrupts that are taken first when both wait; each once, which holds while they come less often than the bound. */
  readonly ahead?: readonly number[];
  readonly costs: PathCosts;
  /** Longest absence of the vCPU from its core, by a cyclic schedule; 0 where the core is its own. */
  readonly absenceNs?: number;
}

/** One stretch of code with interrupts off. */
export interface MaskedRegion extends PathLength {
  /** Where it begins: a vector, or the instruction that turns interrupts off. */
  readonly place: string;
}

export interface LatencyBound {
  readonly ns: number;
  /** Every stretch, the longest first. */
  readonly regions: readonly MaskedRegion[];
  /** How the bound is composed, a line each. */
  readonly composition: readonly string[];
}

const VECTORS = 'rt_vectors';
const VECTOR_BYTES = 4;
/** Interrupts that the kernel enables: timer, external, doorbell, shared memory. */
const SERVED = [7, 11, 16, 17] as const;
/** What runs before the first task does, and what ends the machine. */
const START_UP: ReadonlySet<string> = new Set([
  '_start',
  'board_start',
  'main',
  'rt_start',
  'board_finish',
  'trap_entry',
]);
const ENDS: ReadonlySet<string> = new Set(['board_finish', 'rt_exception']);
/** The driver of the console's UART, which nobody calls where hypercalls are answered. */
const CONSOLE_DRIVER = 'ns16550a_';
const MSTATUS = 0x300;
const MIE_BIT = 8;

/**
 * An interrupt waits for the end of the stretch in which its event fell (at most the longest of all), or, with interrupts
 * on, for the end of one instruction with its exit; then for the handlers of the interrupts ahead of it; and as long as
 * the vCPU is away. Start-up is not counted, nor is the driver of the console's UART, which is idle where hypercalls are
 * answered. An access to a device in such a stretch is one where the image says so (`rt_exit_…`). Code that turns
 * interrupts off in a way whose end cannot be computed is refused (`VMM_IMAGE`).
 */
export function latencyBound(options: LatencyBoundOptions): LatencyBound {
  const { costs, interrupt, ahead = [], absenceNs = 0 } = options;
  const code = new CodeView(options.image, options.name);
  const vectors = code.address(VECTORS);
  if (vectors === undefined)
    throw new VmmError('VMM_IMAGE', `${options.name} has no symbol ${VECTORS}, so its handlers are not known`, {
      where: options.name,
      hint: 'Only guests on the real-time kernel of the SDK can be analysed.',
    });
  const paths = new MaskedPaths(code, { costs, ends: ENDS });
  const handler = (number: number): PathLength => {
    const length = paths.longestFrom(vectors + VECTOR_BYTES * number);
    return length ?? { ns: 0, instructions: 0, exits: 0 };
  };
  const regions: MaskedRegion[] = SERVED.map((number) => ({
    place: `handler of interrupt ${number}`,
    ...handler(number),
  }));
  for (const pc of maskingPoints(code)) {
    const length = paths.longestFrom(pc);
    if (length !== undefined) regions.push({ place: code.place(pc), ...length });
  }
  regions.sort((a, b) => b.ns - a.ns);
  const [worst] = regions;
  const exitNs = Math.max(costs.accessNs, costs.hypercallNs);
  const openNs = costs.instructionNs + exitNs;
  const waits = ahead.filter((number) => number !== interrupt).map((number) => ({ number, ...handler(number) }));
  const aheadNs = waits.reduce((total, { ns }) => total + ns, 0);
  const heldNs = Math.max(worst.ns, openNs);
  return {
    ns: heldNs + aheadNs + absenceNs,
    regions,
    composition: [
      `${heldNs} ns: ${worst.instructions} instructions with interrupts off, from ${worst.place}, with ${worst.exits} exits (with interrupts on: one instruction and its exit, ${openNs} ns)`,
      ...waits.map(
        ({ number, ns, instructions }) =>
          `${ns} ns: handler of interrupt ${number} ahead of it, ${instructions} instructions`,
      ),
      `${absenceNs} ns: absence from the core`,
    ],
  };
}

/** Instructions by which running code turns interrupts off. */
function maskingPoints(code: CodeView): number[] {
  const points: number[] = [];
  for (const { pc, name, imm, rs1 } of code.instructions()) {
    if (imm !== MSTATUS || !(name === 'csrrci' && (rs1 & MIE_BIT) !== 0)) continue;
    const home = code.functionOf(pc) ?? '';
    if (!START_UP.has(home) && !home.startsWith(CONSOLE_DRIVER)) points.push(pc);
  }
  return points;
}
