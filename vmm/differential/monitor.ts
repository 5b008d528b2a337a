/** The M-mode monitor that runs the programs of an image one after another, and the trap handlers that record and skip. */

import { assemble, type Program } from '../isa/assembler.js';
import { DESCRIPTOR_BIAS, FIELD, GLOBAL, IMAGE_BASE, recordedCsrs, SIGNAL, SIGNAL_GPA } from './image-layout.js';

const MSTATUS_FS = 0x6000;
const ALL_REGISTERS = Array.from({ length: 31 }, (_, i) => i + 1);

/** Text for a register width: loads and stores of whole registers, which the assembler knows for 32 bits only. */
interface Width {
  load(rd: number, offset: number, base: number): string;
  store(rs2: number, offset: number, base: number): string;
}

const iType = (opcode: number, funct3: number, rd: number, rs1: number, imm: number): string =>
  `.word ${((((imm & 0xfff) << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0).toString()}`;

const sType = (opcode: number, funct3: number, rs2: number, rs1: number, imm: number): string =>
  `.word ${((((imm & 0xfe0) << 20) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | ((imm & 0x1f) << 7) | opcode) >>> 0).toString()}`;

function widthOf(xlen: 32 | 64): Width {
  const funct3 = xlen === 32 ? 2 : 3;
  return {
    load: (rd, offset, base) => iType(0x03, funct3, rd, base, offset),
    store: (rs2, offset, base) => sType(0x23, funct3, rs2, base, offset),
  };
}

const SP = 2;
const T0 = 5;
const T1 = 6;
const T2 = 7;
const A0 = 10;
const A4 = 14;
const A5 = 15;

const field = (offset: number): number => offset - DESCRIPTOR_BIAS;
const lines = (...parts: (string | readonly string[])[]): string => parts.flat().join('\n');

/** The monitor for `IMAGE_BASE`. Its symbols `handler`, `supervisorHandler` and `supervisorEnd` go into image and descriptors. */
export function assembleMonitor(xlen: 32 | 64): Program {
  const w = widthOf(xlen);
  return assemble(
    lines(start(w), load(w, xlen), handler(w), resume(w), finish(w, xlen), done(), supervisor(w, xlen)),
    IMAGE_BASE,
  );
}

function start(w: Width): string {
  return lines(
    'start:',
    // The globals page is the one after this.
    'auipc t0, 1',
    w.load(T1, GLOBAL.handler, T0),
    'csrw mtvec, t1',
    'next:',
    w.load(T1, GLOBAL.remaining, T0),
    'beqz t1, done',
    'addi t1, t1, -1',
    w.store(T1, GLOBAL.remaining, T0),
    w.load(T2, GLOBAL.cursor, T0),
    w.load(SP, 0, T2),
    'addi t2, t2, 8',
    w.store(T2, GLOBAL.cursor, T0),
    'csrw mscratch, sp',
  );
}

/** From the descriptor at sp into the hart, and off into the program. */
function load(w: Width, xlen: 32 | 64): string {
  const csr = (number: number, at: number): string[] => [w.load(T1, field(at), SP), `csrw ${number}, t1`];
  const configs = xlen === 32 ? [0, 1, 2, 3] : [0, 2];
  return lines(
    Array.from({ length: 16 }, (_, i) => csr(0x3b0 + i, FIELD.pmpaddr + 8 * i)).flat(),
    configs.flatMap((n) => csr(0x3a0 + n, FIELD.pmpcfg + 4 * n)),
    // What a program does not set itself it must not find as the one before left it.
    ...['csrw mcause, x0', 'csrw mtval, x0'],
    csr(0x304, FIELD.mie),
    xlen === 32 ? [] : loadSupervisor(csr),
    csr(0x341, FIELD.mepc),
    csr(0x300, FIELD.mstatus),
    ALL_REGISTERS.filter((i) => i !== SP).map((i) => w.load(i, field(FIELD.x + 8 * i), SP)),
    w.load(SP, field(FIELD.x + 8 * SP), SP),
    'mret',
  );
}

function loadSupervisor(csr: (number: number, at: number) => string[]): string[] {
  return [
    ...csr(0x180, FIELD.satp),
    '.word 0x12000073', // sfence.vma
    ...csr(0x302, FIELD.medeleg),
    ...csr(0x303, FIELD.mideleg),
    ...csr(0x105, FIELD.stvec),
    ...csr(0x140, FIELD.sscratch),
    ...['csrw 0x141, x0', 'csrw 0x142, x0', 'csrw 0x143, x0'],
    `li t1, ${MSTATUS_FS}`,
    'csrs mstatus, t1',
    ...Array.from({ length: 32 }, (_, i) => iType(0x07, 3, i, SP, field(FIELD.f + 8 * i))),
    ...csr(0x003, FIELD.fcsr),
  ];
}

/** Records the trap, then decides where to go on. a0 to a3: cause, epc, tval, status; a5: the offset in the code page. */
function handler(w: Width): string {
  return lines(
    '.align 2',
    'handler:',
    'csrrw sp, mscratch, sp',
    ALL_REGISTERS.filter((i) => i !== SP).map((i) => w.store(i, field(FIELD.resultX + 8 * i), SP)),
    'csrr t0, mscratch',
    w.store(T0, field(FIELD.resultX + 8 * SP), SP),
    'csrw mscratch, sp',
    ...['csrr a0, mcause', 'csrr a1, mepc', 'csrr a2, mtval', 'csrr a3, mstatus'],
    w.load(T0, field(FIELD.trapCount), SP),
    'slli t1, t0, 5',
    'add t1, t1, sp',
    [0, 1, 2, 3].map((i) => w.store(A0 + i, field(FIELD.traps + 8 * i), T1)),
    'addi t0, t0, 1',
    w.store(T0, field(FIELD.trapCount), SP),
    w.load(T1, field(FIELD.trapLimit), SP),
    'bgeu t0, t1, finish',
    // A program that reads them must not see what harts may differ in.
    ...['csrw mcause, t0', 'csrw mtval, t0'],
    w.load(A4, field(FIELD.mask), SP),
    'and a5, a1, a4',
    'bltz a0, interrupted',
    ...['li t1, 1', 'beq a0, t1, lost', 'li t1, 12', 'beq a0, t1, lost'],
    ...['li t1, 8', 'beq a0, t1, called', 'li t1, 9', 'beq a0, t1, called', 'li t1, 11', 'beq a0, t1, called'],
    'skip:',
    w.load(T1, field(FIELD.code), SP),
    ...['add t1, t1, a5', 'lhu t2, 0(t1)', 'andi t2, t2, 3', 'addi a5, a5, 2', 'li t1, 3'],
    ...['bne t2, t1, resume', 'addi a5, a5, 2', 'j resume'],
  );
}

/** What `called`, `lost` and `interrupted` do, and the return to the program at offset a5 of its code page. */
function resume(w: Width): string {
  return lines(
    'called:',
    w.load(T1, field(FIELD.supervisorEnd), SP),
    'beq a1, t1, finish',
    w.load(T1, field(FIELD.end), SP),
    'bgeu a5, t1, finish',
    // The next mode is the one in the table that the trap count chooses.
    ...['andi t1, t0, 7', 'add t1, t1, sp', `lbu t1, ${field(FIELD.modes)}(t1)`, 'slli t1, t1, 11'],
    ...['li t2, 0x1800', 'csrc mstatus, t2', 'csrs mstatus, t1', 'j skip'],
    'lost:',
    // Nothing can be fetched there: go on where ra points to.
    w.load(A5, field(FIELD.resultX + 8), SP),
    'j resume',
    'interrupted:',
    ...['li t1, 1', 'sll t1, t1, a0', 'csrc mip, t1', 'csrc mie, t1'],
    'resume:',
    // Rights are lent up to the next trap only.
    ...[
      'li t1, 0x20000',
      'csrc mstatus, t1',
      'and a5, a5, a4',
      'csrr t1, mstatus',
      'srli t1, t1, 11',
      'andi t1, t1, 3',
      'slli t1, t1, 3',
      'add t1, t1, sp',
    ],
    w.load(T1, field(FIELD.codeBases), T1),
    ...['add t1, t1, a5', 'csrw mepc, t1'],
    ALL_REGISTERS.filter((i) => i !== SP).map((i) => w.load(i, field(FIELD.resultX + 8 * i), SP)),
    w.load(SP, field(FIELD.resultX + 8 * SP), SP),
    'mret',
  );
}

/** The program is over: records CSRs and floating-point registers, undoes what binds the next program. */
function finish(w: Width, xlen: 32 | 64): string {
  const recorded = recordedCsrs(xlen).flatMap(([name, csr], i) => [
    `csrr t1, ${csr}`,
    // The board's timer is not part of this.
    ...(name === 'mip' ? ['andi t1, t1, -129'] : []),
    w.store(T1, field(FIELD.resultCsr + 8 * i), SP),
  ]);
  return lines(
    'finish:',
    recorded,
    xlen === 32 ? [] : finishSupervisor(w),
    ...['csrw mstatus, x0', 'csrw mie, x0', 'csrw mcounteren, x0', 'li t1, 0x222', 'csrc mip, t1'],
    (xlen === 32 ? [0, 1, 2, 3] : [0, 2]).map((n) => `csrw pmpcfg${n}, x0`),
    ...[`li t1, ${SIGNAL_GPA}`, `li t2, ${SIGNAL.programEnded}`, 'sb t2, 0(t1)'],
    w.load(T0, field(FIELD.globals), SP),
    'j next',
  );
}

function finishSupervisor(w: Width): string[] {
  return [
    `li t1, ${MSTATUS_FS}`,
    'csrs mstatus, t1',
    'csrr t1, 0x003',
    w.store(T1, field(FIELD.resultCsr + 8 * 15), SP),
    ...Array.from({ length: 32 }, (_, i) => sType(0x27, 3, i, SP, field(FIELD.resultF + 8 * i))),
    ...['csrw 0x180, x0', 'csrw 0x106, x0', 'csrw 0x302, x0', 'csrw 0x303, x0'],
  ];
}

function done(): string {
  return lines(
    'done:',
    `li t1, ${SIGNAL_GPA}`,
    `li t2, ${SIGNAL.imageEnded}`,
    'sb t2, 0(t1)',
    'asleep:',
    'wfi',
    'j asleep',
  );
}

const SPILLED = [T0, T1, T2, A0, A4, A5] as const;
const SRET = '.word 0x10200073';

/** The handler of delegated traps: it runs at its physical address, which supervisor page tables map to itself. */
function supervisor(w: Width, xlen: 32 | 64): string {
  if (xlen === 32) return lines('supervisorHandler:', 'supervisorEnd:');
  const reload = (): string[] => SPILLED.map((r, i) => w.load(r, field(FIELD.spill + 8 * i), SP));
  return lines(
    '.align 2',
    'supervisorHandler:',
    'csrrw sp, 0x140, sp',
    SPILLED.map((r, i) => w.store(r, field(FIELD.spill + 8 * i), SP)),
    w.load(T0, field(FIELD.supervisorTrapCount), SP),
    ...['slli t1, t0, 5', 'add t1, t1, sp'],
    [0x142, 0x141, 0x143, 0x100].flatMap((csr, i) => [
      `csrr t2, ${csr}`,
      w.store(T2, field(FIELD.supervisorTraps + 8 * i), T1),
    ]),
    'addi t0, t0, 1',
    w.store(T0, field(FIELD.supervisorTrapCount), SP),
    w.load(T1, field(FIELD.supervisorTrapLimit), SP),
    ...['csrr a0, 0x142', 'csrw 0x142, t0', 'csrw 0x143, t0', 'bgeu t0, t1, giveUp'],
    w.load(A4, field(FIELD.mask), SP),
    ...['csrr a5, 0x141', 'and a5, a5, a4', 'bltz a0, disable'],
    // An `ecall` at the program's end is for the monitor.
    ...['li t1, 8', 'bne a0, t1, step'],
    w.load(T1, field(FIELD.end), SP),
    'bgeu a5, t1, giveUp',
    'step:',
    w.load(T1, field(FIELD.code), SP),
    ...['add t1, t1, a5', 'lhu t2, 0(t1)', 'andi t2, t2, 3', 'addi a5, a5, 2', 'li t1, 3'],
    ...['bne t2, t1, leave', 'addi a5, a5, 2', 'j leave'],
    'disable:',
    ...['li t1, 1', 'sll t1, t1, a0', 'csrc 0x144, t1', 'csrc 0x104, t1'],
    'leave:',
    // U mode or S mode is the bit SPP.
    ...['and a5, a5, a4', 'csrr t1, 0x100', 'srli t1, t1, 8', 'andi t1, t1, 1', 'slli t1, t1, 3', 'add t1, t1, sp'],
    w.load(T1, field(FIELD.codeBases), T1),
    ...['add t1, t1, a5', 'csrw 0x141, t1'],
    reload(),
    'csrrw sp, 0x140, sp',
    SRET,
    'giveUp:',
    reload(),
    'csrrw sp, 0x140, sp',
    'supervisorEnd:',
    'ecall',
  );
}
