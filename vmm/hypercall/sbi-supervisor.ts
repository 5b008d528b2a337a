/** What the monitor adds to SBI when it is the firmware of a guest in S mode: interrupts, fences, harts, legacy calls. */

import { argument, CALL, type HypercallResult, type HypercallTable, SBI_ERROR } from './hypercall-table.js';
import { createSbi, SBI_EXTENSION, type SbiHost } from './sbi.js';

/** What a remote fence makes the hart forget: decoded code, or translated addresses. */
export type Fence = 'code' | 'tlb';

export interface SupervisorSbiHost extends SbiHost {
  /** Raises SSIP. */
  softwareInterrupt(): void;
  /** The hart executes the fence. */
  synchronize(fence: Fence): void;
}

/** The table of a 64-bit guest that starts in S mode without firmware of its own. It has one hart, number 0. */
export function createSupervisorSbi(host: SupervisorSbiHost): HypercallTable {
  const table = createSbi(host, 64);
  table.register(SBI_EXTENSION.interprocessor, (registers, result) => {
    if (registers[CALL.functionId] !== 0) result.error = SBI_ERROR.notSupported;
    else if (addressesHart0(registers, result)) host.softwareInterrupt();
  });
  table.register(SBI_EXTENSION.remoteFence, (registers, result) => {
    const fence = fenceOf(registers);
    if (fence === undefined) result.error = SBI_ERROR.notSupported;
    else if (addressesHart0(registers, result)) host.synchronize(fence);
  });
  table.register(SBI_EXTENSION.hartState, hartState);
  table.register(SBI_EXTENSION.legacySetTimer, (registers, result) => {
    result.keepsA1 = true;
    host.setTimer(argument(registers, CALL.a0));
  });
  table.register(SBI_EXTENSION.legacyGetchar, (_, result) => {
    result.keepsA1 = true;
    result.error = host.consoleInput();
  });
  table.register(SBI_EXTENSION.legacyShutdown, (_, result) => {
    result.keepsA1 = true;
    host.systemReset('pass');
  });
  return table;
}

/**
 * The fence that a call of the guest asked for, so that a replay can repeat it; undefined for every other call.
 * Functions 0 to 2 of RFENCE; those for a hypervisor's guests do not exist here.
 */
export function fenceOf(registers: Uint32Array): Fence | undefined {
  if (registers[CALL.extension] !== SBI_EXTENSION.remoteFence) return undefined;
  switch (registers[CALL.functionId]) {
    case 0:
      return 'code';
    case 1:
    case 2:
      return 'tlb';
    default:
      return undefined;
  }
}

/**
 * Whether the mask in a0 with its base in a1 names hart 0; a base of all ones means every hart (SBI 2.0, section 3.1).
 * A mask that names another hart gives an error; an empty one is nobody.
 */
export function addressesHart0(registers: Uint32Array, result?: HypercallResult): boolean {
  if (registers[CALL.a1] === 0xffff_ffff && registers[CALL.a1 + 1] === 0xffff_ffff) return true;
  const mask = argument(registers, CALL.a0);
  if (mask === 0) return false;
  const isHart0 = mask === 1 && argument(registers, CALL.a1) === 0;
  if (!isHart0 && result !== undefined) result.error = SBI_ERROR.invalidParameter;
  return isHart0;
}

const HART_STARTED = 0;

/** Hart State Management: hart 0 runs, and there is no other to start it again. */
function hartState(registers: Uint32Array, result: HypercallResult): void {
  const isHart0 = argument(registers, CALL.a0) === 0;
  switch (registers[CALL.functionId]) {
    case 0:
      result.error = isHart0 ? SBI_ERROR.alreadyAvailable : SBI_ERROR.invalidParameter;
      break;
    case 1:
      result.error = SBI_ERROR.failed;
      break;
    case 2:
      if (isHart0) result.value = HART_STARTED;
      else result.error = SBI_ERROR.invalidParameter;
      break;
    default:
      result.error = SBI_ERROR.notSupported;
  }
}
