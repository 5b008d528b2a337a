/** Our engines against QEMU on the same ELF files, in alternating rounds: A B C, A B C, …. */

import { engineRows, type ProgramFigures, printFigures } from './engine-figures.js';
import { EMPTY, ENGINES, PROGRAMS, type Program, runInProcess, whyMissing, type Xlen } from './engine-programs.js';
import { choice, count } from './options.js';
import { type QemuMode, qemuVersion, runQemu } from './qemu.js';
import { alternate, median, type Row } from './table.js';

const ROUNDS = 5;
const QEMU_MODES: readonly QemuMode[] = ['tcg', 'icount'];
/** QEMU's start varies by some milliseconds, so that the difference of a short program could come out below zero. */
const SHORTEST_S = 0.001;

/** Who takes part in one width. */
interface Contenders {
  readonly modes: readonly QemuMode[];
  readonly engines: readonly string[];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function contenders(xlen: Xlen, among: readonly string[]): Contenders {
  const version = qemuVersion(xlen);
  say(
    version === undefined
      ? `RV${xlen}: qemu-system-riscv${xlen} is not installed (Debian: qemu-system-misc), so our own figures stand alone`
      : `RV${xlen}: ${version}`,
  );
  const engines = among.filter((engine) => {
    const reason = whyMissing(engine, xlen);
    if (reason !== undefined) say(`RV${xlen}: ${engine} left out: ${reason}`);
    return reason === undefined;
  });
  return { modes: version === undefined ? [] : QEMU_MODES, engines };
}

/**
 * One program by everyone in turn. Each run has a process of its own, as QEMU has, and is timed from the machine's first
 * instruction: what an engine compiles counts. QEMU's process is timed as a whole, less the empty guest's of that round.
 */
function measure({ name, kind }: Program, xlen: Xlen, { modes, engines }: Contenders, rounds: number): ProgramFigures {
  let instructions: number | undefined;
  const turns = new Map<string, () => number>();
  for (const mode of modes) {
    turns.set(mode, () => {
      const emptySeconds = runQemu(mode, EMPTY, xlen);
      return Math.max(SHORTEST_S, runQemu(mode, name, xlen) - emptySeconds);
    });
  }
  for (const engine of engines) {
    turns.set(engine, () => {
      const run = runInProcess(engine, name, xlen);
      if (instructions !== undefined && instructions !== run.instructions) {
        throw new Error(`${name}: ${engine} retired ${run.instructions} instructions, before it ${instructions}.`);
      }
      instructions = run.instructions;
      return run.seconds;
    });
  }
  const seconds = alternate(rounds, turns);
  return {
    name,
    kind,
    seconds: new Map([...seconds].map(([contender, values]) => [contender, median(values)])),
    instructions,
  };
}

/** `--only NAME,NAME`, `--xlen 32|64`, `--engines NAME`, `--rounds N`. Prints a table a width; the rows are the geometric means. */
export function benchEngines(args: readonly string[]): Row[] {
  const rounds = count(args, 'rounds', ROUNDS);
  const names = choice(
    args,
    'only',
    PROGRAMS.map(({ name }) => name),
  );
  const chosen = choice(args, 'xlen', ['32', '64']);
  const engines = choice(args, 'engines', ENGINES);
  const rows: Row[] = [];
  for (const xlen of [32, 64] as const) {
    if (!chosen.includes(String(xlen))) continue;
    const programs = PROGRAMS.filter(({ name, xlens }) => names.includes(name) && xlens.includes(xlen));
    const who = contenders(xlen, engines);
    if (programs.length === 0 || who.modes.length + who.engines.length === 0) continue;
    const figures = programs.map((program) => {
      process.stderr.write(`RV${xlen} ${program.name}: ${rounds} rounds\n`);
      return measure(program, xlen, who, rounds);
    });
    printFigures(xlen, figures, who.modes, who.engines);
    for (const engine of who.engines) rows.push(...engineRows(engine, xlen, figures));
  }
  return rows;
}
