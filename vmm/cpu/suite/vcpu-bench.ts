/** What the engine suite's tests stand on: a program in RAM, a vCPU of the engine under test, registers by name. */

import { expect } from 'chai';
import { assemble, type Program } from '../../isa/assembler.js';
import { CSR } from '../../isa/csr-numbers.js';
import { registerNumber } from '../../isa/registers.js';
import { GuestMemory } from '../guest-memory.js';
import type { Vcpu, VcpuHost, VmExit } from '../vcpu.js';

export interface EngineOptions {
  readonly memory: GuestMemory;
  readonly host: VcpuHost;
  readonly hypercalls: boolean;
}

/** Makes a vCPU of the engine under test. */
export type CreateVcpu = (options: EngineOptions) => Vcpu;

export interface BenchOptions {
  readonly hypercalls?: boolean;
  readonly ramBytes?: number;
  readonly host?: VcpuHost;
}

export const RAM_BASE = 0x8000_0000;
/** Where `VcpuBench.program` puts its text. */
export const TEXT = RAM_BASE;
/** An address that no RAM backs. */
export const DEVICE = 0x1000_0000;

/** `time` is the instruction count times ten, so that both can be told apart. */
const TEN_TICKS: VcpuHost = { readTime: (instret) => 10 * instret };

/** One vCPU that has been reset to the start of `text`. */
export class VcpuBench {
  readonly memory: GuestMemory;
  readonly vcpu: Vcpu;
  readonly program: Program;

  constructor(create: CreateVcpu, text: string, options: BenchOptions = {}) {
    this.memory = new GuestMemory(options.ramBytes ?? 0x2_0000, RAM_BASE);
    this.vcpu = create({
      memory: this.memory,
      host: options.host ?? TEN_TICKS,
      hypercalls: options.hypercalls ?? false,
    });
    this.program = assemble(text, TEXT);
    this.memory.write(TEXT, this.program.bytes);
    this.vcpu.reset(TEXT, 0, 0);
  }

  /** Runs `count` more instructions, or to an exit. */
  step(count = 1): VmExit {
    return this.vcpu.run(this.vcpu.instret + count);
  }

  /** Runs to the instruction at `label`, which must come within `limit` instructions. */
  runTo(label: string, limit = 1000): void {
    const target = BigInt(this.address(label));
    for (let i = 0; i < limit && this.vcpu.readPc() !== target; i++) {
      expect(this.step().reason, `exit before ${label}`).to.equal('until');
    }
    expect(this.vcpu.readPc(), `pc at ${label}`).to.equal(target);
  }

  /** Runs until a trap was taken and the first instruction at `handler`, a `nop`, has retired: no run stops between the two. */
  runToTrap(limit = 1000): void {
    const target = this.address('handler') + 4;
    for (let i = 0; i < limit && this.pc !== target; i++) {
      expect(this.step().reason, 'exit before the trap').to.equal('until');
    }
    expect(hex(this.pc), 'pc in the handler').to.equal(hex(target));
  }

  address(label: string): number {
    const found = this.program.symbols.get(label);
    if (found === undefined) throw new Error(`The program has no label "${label}".`);
    return found;
  }

  /** General register as an unsigned number. */
  get(name: string): number {
    return Number(this.vcpu.readRegister(numberOf(name)));
  }

  set(name: string, value: number): void {
    this.vcpu.writeRegister(numberOf(name), BigInt(value >>> 0));
  }

  get pc(): number {
    return Number(this.vcpu.readPc());
  }

  csr(name: keyof typeof CSR): number {
    const value = this.vcpu.readCsr(CSR[name]);
    if (value === undefined) throw new Error(`The vCPU has no ${name}.`);
    return Number(value);
  }

  /** The trap that was taken last, as the handler sees it. */
  get trap(): { cause: number; epc: number; tval: number } {
    return { cause: this.csr('mcause'), epc: this.csr('mepc'), tval: this.csr('mtval') };
  }
}

function numberOf(name: string): number {
  const number = registerNumber(name);
  if (number === undefined) throw new Error(`There is no register "${name}".`);
  return number;
}

/** `value` as assembly and failure messages show it. */
export const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;
