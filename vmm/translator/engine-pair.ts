/** What the translator's tests stand on: the same program on the interpreter and on the translator, compared wherever they stop. */

import { expect } from 'chai';
import { GuestMemory } from '../cpu/guest-memory.js';
import type { Vcpu, VcpuHost, VmExitReason } from '../cpu/vcpu.js';
import { assemble, type Program } from '../isa/assembler.js';
import { registerNumber } from '../isa/registers.js';
import { EngineVcpu } from '../vcpu/engine-vcpu.js';

/** Where the program is put and started. */
export const TEXT = 0x8000_0000;
/** An address that no RAM backs. */
export const DEVICE = 0x1000_0000;
/** Both widths that the engines are generated for. */
export const WIDTHS = [32, 64] as const;

const RAM_BYTES = 0x10_0000;
const TEN_TICKS: VcpuHost = { readTime: (instret) => 10 * instret };

/** A vCPU with the memory it runs in. */
export interface Side {
  readonly vcpu: Vcpu;
  readonly memory: GuestMemory;
}

/** Two vCPUs that have been reset to the start of `text`; the second translates whatever is jumped to. */
export class EnginePair {
  readonly program: Program;
  readonly interpreter: Side;
  readonly translator: Side;

  constructor(text: string, xlen: 32 | 64) {
    this.program = assemble(text, TEXT, xlen);
    this.interpreter = createSide(xlen, false);
    this.translator = createSide(xlen, true);
    this.both(({ vcpu, memory }) => {
      memory.write(TEXT, this.program.bytes);
      vcpu.reset(TEXT, 0, 0);
    });
  }

  both(action: (side: Side) => void): void {
    action(this.interpreter);
    action(this.translator);
  }

  /** Runs both `count` more instructions, or to an exit; throws unless they are alike then. */
  step(count: number): VmExitReason {
    const { vcpu } = this.interpreter;
    const start = vcpu.instret;
    const expected = vcpu.run(start + count);
    const actual = this.translator.vcpu.run(start + count);
    const at = `${start} + ${count}`;
    expect(actual.reason, at).to.equal(expected.reason);
    if (actual.reason === 'mmio-read' || actual.reason === 'mmio-write') expect(actual, at).to.deep.equal(expected);
    expect(stateOf(this.translator.vcpu), at).to.deep.equal(stateOf(vcpu));
    return expected.reason;
  }

  /** Address of a label. */
  address(label: string): number {
    const address = this.program.symbols.get(label);
    if (address === undefined) throw new Error(`The program has no label "${label}".`);
    return address;
  }

  /** A general register, the same in both. */
  get(name: string): bigint {
    return this.translator.vcpu.readRegister(registerNumber(name) ?? Number.NaN);
  }
}

/** pc, retired instructions and general registers. */
export function stateOf(vcpu: Vcpu): readonly string[] {
  const registers = Array.from({ length: 32 }, (_, i) => `x${i} ${vcpu.readRegister(i).toString(16)}`);
  return [`pc ${vcpu.readPc().toString(16)}`, `instret ${vcpu.instret}`, ...registers];
}

/** The 32-bit instruction that `text` stands for. */
export function encoded(text: string, xlen: 32 | 64): number {
  return new DataView(assemble(text, 0, xlen).bytes.buffer).getUint32(0, true);
}

function createSide(xlen: 32 | 64, translates: boolean): Side {
  const memory = new GuestMemory(RAM_BYTES, TEXT);
  const vcpu = new EngineVcpu({ translates, threshold: 1, xlen, memory, host: TEN_TICKS, hypercalls: 'none' });
  return { vcpu, memory };
}
