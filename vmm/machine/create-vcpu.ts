/** The one place that chooses what executes a guest, and the state in which every guest starts. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { HypercallMode, Vcpu, VcpuHost } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';
import { EngineVcpu } from '../vcpu/engine-vcpu.js';

/** What executes guest instructions. All retire them alike, so a journal of one replays with another. */
export type EngineName = 'interpreter' | 'translator';

export const ENGINE_NAMES: readonly EngineName[] = ['interpreter', 'translator'];

export interface VcpuOptions {
  readonly engine: EngineName;
  readonly xlen: 32 | 64;
  readonly memory: GuestMemory;
  readonly host: VcpuHost;
  readonly hypercalls: HypercallMode;
}

/** A vCPU that `startVcpu` has yet to start. Throws `VMM_CONFIG` for what no engine runs. */
export function createVcpu(options: VcpuOptions): Vcpu {
  const { engine, xlen, memory, host, hypercalls } = options;
  if (!ENGINE_NAMES.includes(engine)) {
    throw new VmmError('VMM_CONFIG', `there is no engine '${engine}'`, {
      hint: `Choose from: ${ENGINE_NAMES.join(', ')}.`,
    });
  }
  if (xlen === 32 && hypercalls === 'supervisor') {
    throw new VmmError('VMM_CONFIG', 'A 32-bit guest has no S mode from which it could make SBI calls.', {
      hint: 'Start it in M mode.',
    });
  }
  return new EngineVcpu({ translates: engine === 'translator', xlen, memory, host, hypercalls });
}

/** How a guest starts; a replay finds the same in its journal. */
export interface VcpuStart {
  readonly entryPc: number;
  readonly deviceTreeGpa: number;
  /** 1 = S, 3 = M. */
  readonly privilege: 1 | 3;
  /** What a2 holds: OpenSBI's dynamic firmware information; 0 when there is none. */
  readonly firmwareInfoGpa: number;
}

const A2 = 12;

/** Resets the vCPU to hart 0 about to execute its first instruction. */
export function startVcpu(vcpu: Vcpu, start: VcpuStart): void {
  vcpu.reset(start.entryPc, 0, start.deviceTreeGpa, start.privilege);
  if (start.firmwareInfoGpa !== 0) vcpu.writeRegister(A2, BigInt(start.firmwareInfoGpa));
}
