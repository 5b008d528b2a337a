/** An RV32 hart put together: state, protection, CSRs, data path and decoded code, and the events that touch several. */

import { Decoder } from '../isa/decoder.js';
import { RV32IMAC, selectInstructions } from '../isa/instruction-table.js';
import { CodeCache, PAGE_SHIFT } from './code-cache.js';
import { CsrFile } from './csr-file.js';
import { DataPath } from './data-path.js';
import { LENGTH_SHIFT, RD_SHIFT, REGISTER_MASK } from './decoded-code.js';
import { Execution } from './execute.js';
import type { GuestMemory } from './guest-memory.js';
import { HartState, PRIVILEGE, SINK, WORD } from './hart-state.js';
import { ACCESS, Pmp } from './pmp.js';
import { enterException, enterInterrupt, returnFromTrap } from './traps.js';
import type { VcpuHost } from './vcpu.js';

const DECODER = new Decoder(selectInstructions(32, RV32IMAC));

export class Hart {
  readonly memory: GuestMemory;
  readonly state: HartState;
  readonly words: Int32Array;
  readonly csrs: CsrFile;
  readonly data: DataPath;
  readonly execution: Execution;
  /** The trap handler traps itself: see the exit reason `lockup`. */
  isLockedUp = false;
  readonly #pmp: Pmp;
  /** By page of RAM. */
  readonly #everDecoded: Uint8Array;
  readonly #userCode: CodeCache;
  readonly #machineCode: CodeCache;
  /** `instret` at the latest exception, to notice a handler whose first instruction traps. */
  #trappedAt = -1;

  constructor(memory: GuestMemory, host: VcpuHost) {
    this.memory = memory;
    this.state = new HartState(memory.memory);
    this.words = this.state.words;
    const pmp = new Pmp(this.state);
    this.#pmp = pmp;
    this.csrs = new CsrFile(this.state, pmp, host);
    this.data = new DataPath(memory, this.state, pmp);
    this.execution = new Execution(this.words, memory);
    this.#everDecoded = new Uint8Array(memory.ramBytes >>> PAGE_SHIFT);
    const cacheFor = (privilege: number): CodeCache =>
      new CodeCache(memory, DECODER, this.#everDecoded, (gpa) => pmp.allows(gpa, ACCESS.execute, privilege));
    this.#userCode = cacheFor(PRIVILEGE.user);
    this.#machineCode = cacheFor(PRIVILEGE.machine);
  }

  reset(pc: number, hartId: number): void {
    this.state.reset(pc, hartId);
    this.#pmp.refresh();
    this.#userCode.clear();
    this.#machineCode.clear();
    this.unlock();
    this.dataAccessChanged();
  }

  /** The decoded code of the current privilege mode. */
  get code(): CodeCache {
    return this.words[WORD.privilege] === PRIVILEGE.machine ? this.#machineCode : this.#userCode;
  }

  /** Raises an exception at pc, unless it would be the same one for ever. */
  raise(cause: number, value: number): void {
    const { instret } = this.state;
    if (this.#trappedAt === instret && this.words[WORD.pc] === (this.words[WORD.mtvec] & ~3)) {
      this.isLockedUp = true;
      return;
    }
    this.#trappedAt = instret;
    enterException(this.state, cause, value);
    this.dataAccessChanged();
  }

  interrupt(number: number): void {
    enterInterrupt(this.state, number);
    this.dataAccessChanged();
  }

  /** `mret` in M mode. */
  returnFromTrap(): void {
    returnFromTrap(this.state);
    this.state.instret += 1;
    this.dataAccessChanged();
  }

  /** Ends the instruction at pc: `result` goes to its destination, if it has one. */
  retire(word: number, result = 0): void {
    const rd = (word >> RD_SHIFT) & REGISTER_MASK;
    if (rd !== SINK) this.words[rd] = result;
    this.words[WORD.pc] += word >>> LENGTH_SHIFT;
    this.state.instret += 1;
  }

  /** Something outside changed what made the hart lock up. */
  unlock(): void {
    this.isLockedUp = false;
    this.#trappedAt = -1;
  }

  /** Privilege or MPRV changed: the hot loop reaches RAM unchecked only where protection permits all of it. */
  dataAccessChanged(): void {
    const { ramBase, ramBytes } = this.memory;
    const access = ACCESS.read | ACCESS.write;
    const isOpen = this.#pmp.allowsAll(ramBase, ramBytes, access, this.state.dataPrivilege);
    this.execution.openFirst = 0;
    this.execution.openBytes = isOpen ? ramBytes : 0;
  }

  /** After a checked access to RAM at `gpa`: opens to the hot loop what the same protection entry permits round it. */
  openWindow(gpa: number): void {
    const { ramBase, ramBytes } = this.memory;
    if (!this.#pmp.findWindow(gpa, ACCESS.read | ACCESS.write, this.state.dataPrivilege)) return;
    const first = Math.max(this.#pmp.windowFirst, ramBase);
    const end = Math.min(this.#pmp.windowEnd, ramBase + ramBytes);
    this.execution.openFirst = first - ramBase;
    this.execution.openBytes = end - first;
  }

  /** PMP entries changed: code that was decoded as permitted may no longer be, and the other way round. */
  protectionChanged(): void {
    this.#userCode.clear();
    if (this.#pmp.hasLockedEntry) this.#machineCode.clear();
    this.dataAccessChanged();
  }

  /** `fence.i`. */
  synchronizeCode(): void {
    this.#userCode.dropChanged();
    this.#machineCode.dropChanged();
  }

  /** RAM offsets whose code was changed from outside; `length` is not 0. */
  dropCode(offset: number, length: number): void {
    this.unlock();
    const page = offset >>> PAGE_SHIFT;
    // Nearly every device writes a few bytes where no code is.
    if (page === (offset + length - 1) >>> PAGE_SHIFT && this.#everDecoded[page] === 0) return;
    this.#userCode.drop(offset, length);
    this.#machineCode.drop(offset, length);
  }
}
