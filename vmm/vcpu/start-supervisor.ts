/** The state in which SBI firmware hands a hart to its payload (`Vcpu.reset`). */

import { VmmError } from '../errors.js';
import type { Hart } from '../hart/hart.js';
import { PRIVILEGE } from '../hart/hart-state.js';
import type { HartInspection } from '../hart/inspection.js';
import { CSR } from '../isa/csr-numbers.js';

/**
 * Every exception but `ecall` from S mode. Firmware delegates fewer and hands what it does not emulate on to S mode; here is
 * nobody in M mode to do so, and nothing to emulate.
 */
const DELEGATED_EXCEPTIONS = 0xb1ffn;
/** SSIP, STIP, SEIP. */
const DELEGATED_INTERRUPTS = 0x222n;
/** One NAPOT entry for the whole address space: readable, writable, executable. */
const PMP_ALL = 0x1fn;

/** The hart has been reset. Throws `VMM_CONFIG` when it has no S mode. */
export function startSupervisor(hart: Hart, inspection: HartInspection): void {
  if (hart.xlen === 32) {
    throw new VmmError('VMM_CONFIG', 'A 32-bit guest has no S mode to start in.', { hint: 'Start it in M mode.' });
  }
  inspection.writeCsr(CSR.medeleg, DELEGATED_EXCEPTIONS);
  inspection.writeCsr(CSR.mideleg, DELEGATED_INTERRUPTS);
  inspection.writeCsr(CSR.mcounteren, 0xffff_ffffn);
  // As OpenSBI does, on which Linux relies: its vDSO reads `time` in U mode.
  inspection.writeCsr(CSR.scounteren, 0xffff_ffffn);
  inspection.writeCsr(CSR.pmpaddr0, -1n);
  inspection.writeCsr(CSR.pmpcfg0, PMP_ALL);
  inspection.writePrivilege(PRIVILEGE.supervisor);
}
