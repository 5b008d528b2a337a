/** Builds the RAM image of many programs: monitor, globals, list, and a slot for each program. */

import {
  DESCRIPTOR_BIAS,
  FIELD,
  GLOBAL,
  IMAGE,
  IMAGE_BASE,
  LIST_CAPACITY,
  SLOT,
  slotBytes,
  slotGpa,
} from './image-layout.js';
import { assembleMonitor } from './monitor.js';
import { identityEntry } from './paging.js';
import type { GeneratedProgram } from './program-generator.js';

export interface ProgramImage {
  readonly xlen: 32 | 64;
  readonly programs: readonly GeneratedProgram[];
  /** RAM from `IMAGE_BASE`; a multiple of 64 KiB. */
  readonly bytes: Uint8Array;
}

const MONITORS = { 32: assembleMonitor(32), 64: assembleMonitor(64) } as const;
const RAM_GRAIN = 0x1_0000;

function monitorSymbol(xlen: 32 | 64, name: string): bigint {
  const address = MONITORS[xlen].symbols.get(name);
  if (address === undefined) throw new Error(`The monitor has no symbol "${name}".`);
  return BigInt(address);
}

/** The programs run in the order given, each in its own slot. */
export function buildImage(xlen: 32 | 64, programs: readonly GeneratedProgram[]): ProgramImage {
  if (programs.length > LIST_CAPACITY) throw new Error(`An image holds at most ${LIST_CAPACITY} programs.`);
  const slots = 1 + Math.max(...programs.map(({ slot }) => slot));
  const used = IMAGE.slots + slots * slotBytes(xlen);
  const bytes = new Uint8Array(Math.ceil(used / RAM_GRAIN) * RAM_GRAIN);
  const view = new DataView(bytes.buffer);
  const put: Put = (offset, value) => view.setBigUint64(offset, BigInt.asUintN(xlen, value), true);
  bytes.set(MONITORS[xlen].bytes, IMAGE.monitor);
  if (xlen === 64) for (let i = 0; i < 512; i++) put(IMAGE.identityTable + 8 * i, identityEntry(i));
  put(IMAGE.globals + GLOBAL.handler, monitorSymbol(xlen, 'handler'));
  put(IMAGE.globals + GLOBAL.remaining, BigInt(programs.length));
  put(IMAGE.globals + GLOBAL.cursor, BigInt(IMAGE_BASE + IMAGE.programList));
  programs.forEach((program, i) => {
    const gpa = slotGpa(xlen, program.slot);
    put(IMAGE.programList + 8 * i, BigInt(gpa + DESCRIPTOR_BIAS));
    putSlot(program, bytes, put, gpa - IMAGE_BASE);
  });
  return { xlen, programs, bytes };
}

type Put = (offset: number, value: bigint) => void;

function putAll(offset: number, values: readonly bigint[], put: Put): void {
  for (const [i, value] of values.entries()) put(offset + 8 * i, value);
}

function putSlot(program: GeneratedProgram, bytes: Uint8Array, put: Put, base: number): void {
  const { xlen, csrs, protection } = program;
  const gpa = base + IMAGE_BASE;
  bytes.set(program.code, base + SLOT.code);
  bytes.set(program.data, base + SLOT.data);
  putAll(base + FIELD.x, program.x, put);
  putAll(base + FIELD.codeBases, program.codeBases, put);
  for (const name of ['mstatus', 'mie'] as const) put(base + FIELD[name], csrs[name]);
  put(base + FIELD.mepc, program.codeBases[program.traits.startMode] + BigInt(program.entry));
  put(base + FIELD.code, BigInt(gpa + SLOT.code));
  put(base + FIELD.mask, 0xfffn);
  put(base + FIELD.end, BigInt(program.end));
  put(base + FIELD.trapLimit, BigInt(program.trapLimit));
  put(base + FIELD.globals, BigInt(IMAGE_BASE + IMAGE.globals));
  put(base + FIELD.supervisorEnd, monitorSymbol(xlen, 'supervisorEnd'));
  bytes.set(program.traits.modes, base + FIELD.modes);
  bytes.set(protection.config, base + FIELD.pmpcfg);
  putAll(base + FIELD.pmpaddr, protection.address, put);
  if (xlen === 64) putSupervisor(program, put, base);
}

function putSupervisor(program: GeneratedProgram, put: Put, base: number): void {
  const { csrs, paging } = program;
  for (const { gpa, value } of paging?.entries ?? []) put(gpa - IMAGE_BASE, value);
  putAll(base + FIELD.f, program.f, put);
  for (const name of ['fcsr', 'satp', 'medeleg', 'mideleg'] as const) put(base + FIELD[name], csrs[name]);
  put(base + FIELD.stvec, monitorSymbol(64, 'supervisorHandler'));
  put(base + FIELD.sscratch, BigInt(base + IMAGE_BASE + DESCRIPTOR_BIAS));
  put(base + FIELD.supervisorTrapLimit, BigInt(program.supervisorTrapLimit));
}
