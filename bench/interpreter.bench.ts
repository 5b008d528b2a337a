/** What the interpreter does: guest instructions a second on small integer programs, and the cost of an exit without a machine. */

import { assemble, createVcpu, GuestMemory, type Vcpu } from '../vmm/index.js';
import { timeNs } from './clock.js';
import { alternate, type Row, toRow } from './table.js';

const ORIGIN = 0x8000_0000;
const INSTRUCTIONS = 20_000_000;
const EXITS = 200_000;
const BAR_PER_SECOND = 80e6;
const BAR_EXIT_NS = 200;

/** Primes below 65,536, again and again. */
const SIEVE = `
again: la s0, flags
    li s1, 65536
    mv t0, s0
    add t1, s0, s1
    li t2, 1
set: sb t2, 0(t0)
    addi t0, t0, 1
    bne t0, t1, set
    li s2, 2
next: add t0, s0, s2
    lbu t2, 0(t0)
    beqz t2, composite
    slli t3, s2, 1
strike: bgeu t3, s1, composite
    add t0, s0, t3
    sb x0, 0(t0)
    add t3, t3, s2
    j strike
composite: addi s2, s2, 1
    bne s2, s1, next
    j again
    .align 4
flags:
`;

/** Bitwise CRC-32 over its own text and what lies behind it. */
const CRC = `
again: li s0, 0x80000000
    li s1, 4096
    li a0, -1
    li s2, 0xedb88320
byte: lbu t0, 0(s0)
    xor a0, a0, t0
    li t1, 8
bit: andi t2, a0, 1
    srli a0, a0, 1
    neg t2, t2
    and t2, t2, s2
    xor a0, a0, t2
    addi t1, t1, -1
    bnez t1, bit
    addi s0, s0, 1
    addi s1, s1, -1
    bnez s1, byte
    j again
`;

/** Recursive quicksort of 4,096 pseudo-random words, made anew for each round. */
const QUICKSORT = `
    li sp, 0x80100000
again: la s0, numbers
    li t1, 4096
    li t2, 12345
    li t3, 1664525
    li t4, 1013904223
    mv t0, s0
fill: mul t2, t2, t3
    add t2, t2, t4
    sw t2, 0(t0)
    addi t0, t0, 4
    addi t1, t1, -1
    bnez t1, fill
    mv a0, s0
    addi a1, t0, -4
    call sort
    j again
sort: bgeu a0, a1, sorted
    addi sp, sp, -16
    sw ra, 0(sp)
    sw a1, 4(sp)
    sub t0, a1, a0
    srli t0, t0, 3
    slli t0, t0, 2
    add t0, t0, a0
    lw t0, 0(t0)
    mv t1, a0
    mv t2, a1
up: lw t3, 0(t1)
    bgeu t3, t0, down
    addi t1, t1, 4
    j up
down: lw t4, 0(t2)
    bgeu t0, t4, meet
    addi t2, t2, -4
    j down
meet: bltu t2, t1, split
    sw t4, 0(t1)
    sw t3, 0(t2)
    addi t1, t1, 4
    addi t2, t2, -4
    bgeu t2, t1, up
split: sw t1, 8(sp)
    mv a1, t2
    call sort
    lw a0, 8(sp)
    lw a1, 4(sp)
    call sort
    lw ra, 0(sp)
    addi sp, sp, 16
sorted: ret
    .align 4
numbers:
`;

const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['sieve', SIEVE],
  ['crc32', CRC],
  ['quicksort', QUICKSORT],
]);

const READ_DEVICE = 'li a0, 0x10000000\nloop: lw a1, 0(a0)\nj loop';

function load(source: string): Vcpu {
  const memory = new GuestMemory(0x20_0000, ORIGIN);
  memory.write(ORIGIN, assemble(source, ORIGIN).bytes);
  const vcpu = createVcpu({
    engine: 'interpreter',
    xlen: 32,
    memory,
    host: { readTime: (instret) => instret },
    hypercalls: 'none',
  });
  vcpu.reset(ORIGIN, 0, 0);
  return vcpu;
}

/** Instructions a second over the next stretch of a program that never ends. */
function measureSpeed(vcpu: Vcpu): number {
  const until = vcpu.instret + INSTRUCTIONS;
  const ns = timeNs(() => {
    const { reason } = vcpu.run(until);
    if (reason !== 'until') throw new Error(`The benchmark's guest left with ${reason}.`);
  });
  return (INSTRUCTIONS / ns) * 1e9;
}

/** Nanoseconds for exit, answer and the way back, with the two instructions of the loop. */
function measureExit(vcpu: Vcpu): number {
  const ns = timeNs(() => {
    for (let i = 0; i < EXITS; i++) {
      const { reason } = vcpu.run(Number.MAX_SAFE_INTEGER);
      if (reason !== 'mmio-read') throw new Error(`The benchmark's guest left with ${reason}.`);
      vcpu.completeMmioRead(i);
    }
  });
  return ns / EXITS;
}

/** Figures for `npm run bench`, each a value a round: V8 has optimised everything before the first. */
function measure(rounds: number): Map<string, number[]> {
  const guests = [...PROGRAMS].map(([name, source]) => [name, load(source)] as const);
  const device = load(READ_DEVICE);
  const measurements = new Map(guests.map(([name, vcpu]) => [name, () => measureSpeed(vcpu)]));
  measurements.set('exit', () => measureExit(device));
  alternate(1, measurements);
  return alternate(rounds, measurements);
}

/** Rows for the table, with the bars of the design. */
export function benchInterpreter(rounds: number): Row[] {
  const figures = measure(rounds);
  const rows = [...PROGRAMS.keys()].map((name) => {
    const row = toRow(`interpreter: ${name}`, figures.get(name) ?? [], 'instructions/s');
    return { ...row, bar: { text: '>= 80 M/s', met: row.value >= BAR_PER_SECOND } };
  });
  const exit = toRow('interpreter: exit, complete, run again', figures.get('exit') ?? [], 'ns');
  return [...rows, { ...exit, bar: { text: `< ${BAR_EXIT_NS} ns`, met: exit.value < BAR_EXIT_NS } }];
}
