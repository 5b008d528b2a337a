/** A guest that does what a list says: stores, loads and worse, so that a seed can make a misbehaviour without a compiler. */

import { assemble, BOARD, type GuestImage } from '../../../vmm/index.js';

/** What one entry of a script does with its two numbers; see `Script`. */
const OP = {
  repeat: 0,
  word: 1,
  half: 2,
  load: 3,
  wait: 4,
  sleep: 5,
  illegal: 6,
  lockUp: 7,
  jump: 8,
  spin: 9,
  storm: 10,
};

const SCRIPT_GPA = BOARD.ram.base + 0x1000;
/** Entries of a script at most. */
const MOST_OPS = 2_000;
const OP_BYTES = 12;

/**
 * Whatever traps, the script goes on with its next entry. Interrupts stay off; bits 11 and 16 of `mip` end a sleep.
 * Instructions have 4 bytes each.
 */
const PROGRAM = `
  la t0, trapped
  csrw mtvec, t0
  li t0, 0x10800
  csrw mie, t0
  li s0, ${SCRIPT_GPA}
next:
  lw a0, 0(s0)
  lw a1, 4(s0)
  lw a2, 8(s0)
  addi s0, s0, ${OP_BYTES}
  slli a0, a0, 2
  la t0, table
  add t0, t0, a0
  jr t0
table:
  j repeat
  j word
  j half
  j load
  j wait
  j sleep
  j illegal
  j lock
  j jump
  j spin
  j storm
repeat:
  li s0, ${SCRIPT_GPA}
  j next
word:
  sw a2, 0(a1)
  j next
half:
  sh a2, 0(a1)
  j next
load:
  lw t0, 0(a1)
  j next
wait:
  addi a2, a2, -1
  bnez a2, wait
  j next
sleep:
  wfi
  li t0, 0x10000
  csrc mip, t0
  j next
lock:
  li t0, 0x40000000
  csrw mtvec, t0
illegal:
  .word 0xffffffff
jump:
  jr a1
spin:
  j spin
storm:
  sw a2, 0(a1)
  addi a2, a2, -1
  bnez a2, storm
  j next
  .align 2
trapped:
  la t0, next
  csrw mepc, t0
  mret
`;
const CODE = assemble(PROGRAM).bytes;

/** Entries in their order; what comes behind the last one begins again with the first. */
export class Script {
  readonly #ops: number[] = [];

  get length(): number {
    return this.#ops.length / 3;
  }

  /** Stores 32 bits. */
  word(address: number, value: number): void {
    this.#add(OP.word, address, value);
  }

  /** Stores 16 bits. */
  half(address: number, value: number): void {
    this.#add(OP.half, address, value);
  }

  load(address: number): void {
    this.#add(OP.load, address, 0);
  }

  /** Stores `count` words at one address, as fast as it goes: the numbers from `count` down to 1. */
  storm(address: number, count: number): void {
    this.#add(OP.storm, address, count);
  }

  /** Two instructions, `count` times. */
  wait(count: number): void {
    this.#add(OP.wait, 0, count);
  }

  /** Until the device has something; then its doorbell is cleared. */
  sleep(): void {
    this.#add(OP.sleep, 0, 0);
  }

  illegalInstruction(): void {
    this.#add(OP.illegal, 0, 0);
  }

  /** The first instruction of the trap handler traps as well. */
  lockUp(): void {
    this.#add(OP.lockUp, 0, 0);
  }

  jump(address: number): void {
    this.#add(OP.jump, address, 0);
  }

  spin(): void {
    this.#add(OP.spin, 0, 0);
  }

  /** The guest of this script; its image has no part in where rings lie. */
  image(): GuestImage {
    const bytes = new Uint8Array(4 * this.#ops.length + OP_BYTES);
    const view = new DataView(bytes.buffer);
    this.#ops.forEach((value, i) => {
      view.setUint32(4 * i, value, true);
    });
    return {
      name: 'scripted guest',
      format: 'raw',
      entry: BOARD.ram.base,
      xlen: undefined,
      segments: [
        { gpa: BOARD.ram.base, bytes: CODE, memoryBytes: CODE.length },
        { gpa: SCRIPT_GPA, bytes, memoryBytes: bytes.length },
      ],
      startPrivilege: 3,
      hypercalls: 'none',
    };
  }

  #add(op: number, address: number, value: number): void {
    if (this.length === MOST_OPS) throw new Error(`a script has at most ${MOST_OPS} entries`);
    this.#ops.push(op, address, value);
  }
}
