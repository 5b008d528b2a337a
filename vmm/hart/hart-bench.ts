/** What the tests of the hart stand on: a hart, one instruction at a time, page tables by hand. */

import { GuestMemory } from '../cpu/guest-memory.js';
import { STATE } from '../cpu/state-layout.js';
import type { HypercallMode, VcpuHost, VmExitReason } from '../cpu/vcpu.js';
import { assemble } from '../isa/assembler.js';
import { CSR } from '../isa/csr-numbers.js';
import { registerNumber } from '../isa/registers.js';
import type { Hart } from './hart.js';
import { PRIVILEGE, type Xlen } from './hart-state.js';
import { PlainVcpu } from './plain-vcpu.js';

export const RAM_BASE = 0x8000_0000;
/** Where pc is until something moves it. */
export const CODE = RAM_BASE;
/** A page of RAM that nothing else uses. */
export const DATA = RAM_BASE + 0x1_0000;
/** An address that no RAM backs. */
export const DEVICE = 0x1000_0000;
/** Where `stvec` and `mtvec` point. */
export const S_HANDLER = RAM_BASE + 0x2000;
export const M_HANDLER = RAM_BASE + 0x3000;

/** Bits of a page table entry. */
export const PTE = { v: 1, r: 2, w: 4, x: 8, u: 0x10, g: 0x20, a: 0x40, d: 0x80 } as const;

const ROOT = RAM_BASE + 0x10_0000;
const RAM_BYTES = 0x40_0000;
const SV39 = 8n << 60n;
const DELEGATED = 0xb1ffn;
const TEN_TICKS: VcpuHost = { readTime: (instret) => 10 * instret };

export interface HartBenchOptions {
  readonly xlen?: Xlen;
  readonly hypercalls?: HypercallMode;
  readonly host?: VcpuHost;
  /** Whether PMP denies S and U mode everything, as after a reset; else entry 15 opens all memory. */
  readonly closed?: boolean;
}

export type CsrName = keyof typeof CSR;

/** A hart in M mode at `CODE`, exceptions delegated to S mode where it exists, `ecall` from S mode apart. */
export class HartBench {
  readonly memory = new GuestMemory(RAM_BYTES, RAM_BASE);
  readonly codeState = new Uint8Array(RAM_BYTES / 0x1000);
  readonly vcpu: PlainVcpu;
  readonly hart: Hart;
  readonly xlen: Xlen;
  #nextTable = ROOT + 0x1000;

  constructor(options: HartBenchOptions = {}) {
    const { xlen = 64, hypercalls = 'none', host = TEN_TICKS, closed = false } = options;
    const { memory, codeState } = this;
    this.xlen = xlen;
    this.vcpu = new PlainVcpu({ memory, xlen, host, hypercalls, codeState });
    this.hart = this.vcpu.hart;
    this.vcpu.reset(CODE, 0, 0);
    this.setCsr('mtvec', BigInt(M_HANDLER));
    if (xlen === 64) {
      this.setCsr('stvec', BigInt(S_HANDLER));
      this.setCsr('medeleg', DELEGATED);
    }
    if (!closed) this.protect(15, 0x1f, -1n);
  }

  /** Executes one instruction as if it stood at pc. */
  do(text: string): VmExitReason | undefined {
    const { bytes } = assemble(text, 0, this.xlen);
    return this.vcpu.execute(new DataView(bytes.buffer).getUint32(0, true));
  }

  get(name: string): bigint {
    return this.vcpu.readRegister(numberOf(name));
  }

  set(name: string, value: bigint | number): void {
    this.vcpu.writeRegister(numberOf(name), BigInt(value));
  }

  csr(name: CsrName): bigint {
    const value = this.vcpu.readCsr(CSR[name]);
    if (value === undefined) throw new Error(`The hart has no ${name}.`);
    return value;
  }

  setCsr(name: CsrName, value: bigint): void {
    if (!this.vcpu.writeCsr(CSR[name], value)) throw new Error(`The hart has no writable ${name}.`);
  }

  /** Writes the configuration byte and the address of a PMP entry. */
  protect(entry: number, config: number, address: bigint): void {
    const { pmp, state } = this.hart;
    pmp.writeAddress(entry, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
    state.pmpcfg[entry] = config;
    this.hart.mmu.reset();
  }

  get pc(): number {
    return Number(this.vcpu.readPc());
  }

  mode(privilege: keyof typeof PRIVILEGE): void {
    this.vcpu.writePrivilege(PRIVILEGE[privilege]);
  }

  /** Turns Sv39 on and changes to `privilege`. */
  paged(privilege: keyof typeof PRIVILEGE): void {
    this.setCsr('satp', SV39 | BigInt(ROOT / 0x1000));
    this.mode(privilege);
  }

  /** Maps the page (level 1 and 2: superpage) at `va` to `gpa`. */
  map(va: bigint, gpa: number, flags: number, level = 0): void {
    this.writePte(va, (BigInt(gpa / 0x1000) << 10n) | BigInt(flags), level);
  }

  writePte(va: bigint, entry: bigint, level = 0): void {
    const at = this.pteAddress(va, level);
    this.memory.writeU32(at, Number(entry & 0xffff_ffffn));
    this.memory.writeU32(at + 4, Number((entry >> 32n) & 0xffff_ffffn));
  }

  /** Flags of the entry for `va`. */
  pteFlags(va: bigint, level = 0): number {
    return this.memory.readU32(this.pteAddress(va, level)) & 0x3ff;
  }

  /** Guest physical address of the entry for `va` in a table of `level`; tables on the way are made. */
  pteAddress(va: bigint, level = 0): number {
    let table = ROOT;
    for (let at = 2; ; at--) {
      const entry = table + 8 * (Number(va >> BigInt(12 + 9 * at)) & 0x1ff);
      if (at === level) return entry;
      if (this.memory.readU32(entry) === 0) {
        this.memory.writeU32(entry, ((this.#nextTable / 0x1000) << 10) | PTE.v);
        this.#nextTable += 0x1000;
      }
      table = (this.memory.readU32(entry) >>> 10) * 0x1000;
    }
  }

  /** The 32-bit word of the state area at this offset (`STATE`). */
  state(name: keyof typeof STATE): number {
    return this.hart.state.words[STATE[name] >> 2];
  }

  /** Whether the set that is in force for reads, writes or fetches answers for the page of `va`. */
  isCached(kind: 'tlbRead' | 'tlbWrite' | 'tlbFetch', va: bigint): boolean {
    return this.cached(kind, va) !== undefined;
  }

  /** The addend in the set that is in force for reads, writes or fetches. */
  cached(kind: 'tlbRead' | 'tlbWrite' | 'tlbFetch', va: bigint): number | undefined {
    const { tlb } = this.hart.mmu;
    return tlb.lookUp(this.state(kind), Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n)));
  }

  /** The trap that S mode took last. */
  get supervisorTrap(): { cause: bigint; epc: bigint; tval: bigint } {
    return { cause: this.csr('scause'), epc: this.csr('sepc'), tval: this.csr('stval') };
  }

  /** The trap that M mode took last. */
  get machineTrap(): { cause: bigint; epc: bigint; tval: bigint } {
    return { cause: this.csr('mcause'), epc: this.csr('mepc'), tval: this.csr('mtval') };
  }
}

function numberOf(name: string): number {
  const number = registerNumber(name);
  if (number === undefined) throw new Error(`There is no register "${name}".`);
  return number;
}
