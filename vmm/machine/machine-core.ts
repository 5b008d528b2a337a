/** A vCPU joined to its bus: runs the guest up to an exit, answers the exit, and keeps account of both. */

import { Bus } from '../bus/bus.js';
import type { Vcpu, VmExit, VmExitReason } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';
import type { HypercallTable } from '../hypercall/hypercall-table.js';
import { ExitCounters } from './exit-counters.js';
import type { GuestGate } from './guest-gate.js';
import type { MachineEnd } from './machine-end.js';

export interface MachineCoreParts {
  readonly name: string;
  readonly vcpu: Vcpu;
  readonly gate: GuestGate;
  /** Reads a hypercall's registers, as `CALL` lays them out. */
  readonly registers: () => Uint32Array;
  /** The guest's local time, for `MachineEnd`. */
  now(): number;
  /** Called once, when the guest ends. */
  ended(end: MachineEnd): void;
}

export class MachineCore {
  readonly name: string;
  readonly vcpu: Vcpu;
  readonly gate: GuestGate;
  readonly exits = new ExitCounters();
  /** `idle` after a `wfi` with no enabled interrupt pending, until one is. */
  activity: 'running' | 'idle' | 'ended' = 'running';
  end: MachineEnd | undefined;
  /** Called when an idle guest has an interrupt to take; `activity` is `running` again by then. */
  onWake: (() => void) | undefined;
  /** The guest stops, for a debugger, when it has retired so many instructions, or at a breakpoint of its vCPU. */
  pauseInstret = Number.POSITIVE_INFINITY;
  /** Called at either, from inside the slice that is to end; whoever set a count or breakpoints sets this as well. */
  onPause: (() => void) | undefined;
  /** The bus region of the last exit, undefined when it was no access to a device. */
  lastRegion: string | undefined;
  #bus = new Bus();
  #hypercalls: HypercallTable | undefined;
  readonly #now: () => number;
  readonly #ended: (end: MachineEnd) => void;
  #regionNames: readonly string[] = [];
  #regionCounters: readonly number[] = [];
  readonly #registers: () => Uint32Array;

  constructor(parts: MachineCoreParts) {
    this.name = parts.name;
    this.vcpu = parts.vcpu;
    this.gate = parts.gate;
    this.#registers = parts.registers;
    this.#now = () => parts.now();
    this.#ended = (end) => parts.ended(end);
  }

  /**
   * Gives the guest its surroundings, before it runs. The bus is complete: nothing is mapped on it afterwards.
   * `hypercalls` answers the `ecall` that the image's mode names; it is absent when there is none.
   */
  connect(bus: Bus, hypercalls: HypercallTable | undefined): void {
    this.#bus = bus;
    this.#hypercalls = hypercalls;
    this.#regionNames = bus.regions.map((region) => region.name);
    this.#regionCounters = this.#regionNames.map((name) => this.exits.region(name));
  }

  /** Regions of the bus in the order in which `exits` counts them. */
  get regionNames(): readonly string[] {
    return this.#regionNames;
  }

  /** The beginning of a sentence about the guest; names the machine only where it has a name of its own. */
  get subject(): string {
    return this.name === 'guest' ? 'The guest' : `The guest of '${this.name}'`;
  }

  /** Sets or clears bits of `mip`; wakes the guest when it waits for one of them. */
  setPending(bits: number, pending: boolean): void {
    this.gate.setPending(bits, pending);
    if (pending) this.wakeIfPending();
  }

  wakeIfPending(): void {
    if (this.activity !== 'idle' || !this.vcpu.interruptAwaits) return;
    this.activity = 'running';
    this.onWake?.();
  }

  /** Runs to `untilInstret` or through one exit, whichever comes first; says which. */
  step(untilInstret: number): VmExitReason {
    const exit = this.vcpu.run(untilInstret);
    // The object is the engine's and changes with the next run.
    const reason = exit.reason;
    this.lastRegion = undefined;
    switch (reason) {
      case 'until':
        break;
      case 'mmio-read':
        this.#read(exit.gpa, exit.size);
        break;
      case 'mmio-write':
        this.#write(exit);
        break;
      case 'hypercall':
        this.#hypercall();
        break;
      case 'wfi':
        this.exits.idle++;
        if (!this.vcpu.interruptAwaits) this.activity = 'idle';
        break;
      case 'lockup':
        this.#lockup();
        break;
      case 'breakpoint':
        this.pause();
        break;
    }
    return reason;
  }

  /** The guest has reached `pauseInstret` or a breakpoint. */
  pause(): void {
    this.pauseInstret = Number.POSITIVE_INFINITY;
    this.onPause?.();
  }

  /** Ends the run; the first ending counts. */
  finish(kind: MachineEnd['kind'], code: number, sentence: string): void {
    if (this.end !== undefined) return;
    this.end = { kind, code, sentence, instret: this.vcpu.instret, atNs: this.#now() };
    this.activity = 'ended';
    this.#ended(this.end);
  }

  #read(gpa: number, size: number): void {
    this.exits.mmioReads++;
    this.gate.beginRead(gpa, size);
    const region = this.#bus.lookup(gpa, size);
    if (region < 0) {
      this.#fault();
      return;
    }
    this.lastRegion = this.#regionNames[region];
    this.exits.countRead(this.#regionCounters[region]);
    const device = this.#bus.device(region);
    const offset = gpa - this.#bus.base(region);
    if (size === 8) {
      const low = device.read(offset, 4);
      this.gate.completeRead(low, device.read(offset + 4, 4));
    } else {
      this.gate.completeRead(device.read(offset, size), 0);
    }
  }

  #write(exit: VmExit): void {
    const { gpa, size, value, valueHigh } = exit;
    this.exits.mmioWrites++;
    this.gate.beginWrite(gpa, size, value, valueHigh);
    const region = this.#bus.lookup(gpa, size);
    if (region < 0) {
      this.#fault();
      return;
    }
    this.lastRegion = this.#regionNames[region];
    this.exits.countWrite(this.#regionCounters[region]);
    const device = this.#bus.device(region);
    const offset = gpa - this.#bus.base(region);
    if (size === 8) {
      device.write(offset, 4, value);
      device.write(offset + 4, 4, valueHigh);
    } else {
      device.write(offset, size, value);
    }
    this.gate.completeWrite();
  }

  #hypercall(): void {
    this.exits.hypercalls++;
    if (this.#hypercalls === undefined) {
      throw new VmmError('VMM_ENGINE', 'The engine made a hypercall exit although hypercalls are off.', {
        where: this.name,
      });
    }
    const registers = this.#registers();
    this.gate.beginHypercall(registers);
    const result = this.#hypercalls.dispatch(registers);
    this.gate.completeHypercall(result.error, result.keepsA1 ? undefined : result.value);
  }

  #fault(): void {
    this.exits.faults++;
    this.gate.fault();
  }

  #lockup(): void {
    this.gate.lockup();
    const pc = `0x${this.vcpu.readPc().toString(16)}`;
    this.finish(
      'stuck',
      0,
      `${this.subject} stopped making progress: the first instruction of its trap handler, at ${pc}, traps itself.`,
    );
  }
}
