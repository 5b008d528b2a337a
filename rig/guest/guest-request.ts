/** What `rig guest run` was asked for. */

import type { EngineName } from '../../vmm/index.js';

export interface DriveRequest {
  readonly path: string;
  /** `snapshot`: the guest's writes are gone with the run. `write`: they go to the file. */
  readonly access: 'snapshot' | 'readonly' | 'write';
}

export interface GuestRequest {
  /** A guest by name or path, started in M mode; instead of it firmware, a kernel, or both. */
  readonly image?: string;
  readonly bios?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  /** RAM; 16 MiB for an image alone and 128 MiB with firmware or a kernel when absent. */
  readonly ramBytes?: number;
  readonly engine: EngineName;
  /** For images that do not say; 64 when absent. */
  readonly xlen?: 32 | 64;
  readonly time: 'virtual' | 'wall';
  /** Instructions a second in virtual time. */
  readonly cpuHz?: number;
  readonly drives: readonly DriveRequest[];
  /** Adds a network card; the guest may connect to these ports of this computer, under 10.0.2.2. */
  readonly network?: { readonly ports: readonly number[] };
  readonly rng: boolean;
  readonly seed: string;
  readonly limitInstructions?: number;
  /** Host time after which the run is given up. */
  readonly timeoutMs?: number;
  /** Time of the guest after which the run ends well. */
  readonly durationNs?: number;
  /** A file that is typed at the console instead of what comes from standard input. */
  readonly input?: string;
  /** Text of the console after which `input` is typed; when absent: its first character, or when the guest first waits. */
  readonly inputAfter?: string;
  /** Port of this computer at which a debugger is awaited before the first instruction. */
  readonly gdbPort?: number;
}
