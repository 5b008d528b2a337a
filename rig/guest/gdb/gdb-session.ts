/** Answers GDB's commands for one guest (GDB manual, appendix E.2). */

import type { Machine } from '../../../vmm/index.js';
import { MOST_PACKET_BYTES } from './gdb-packet.js';
import { GdbTarget } from './gdb-target.js';

/** What a command makes of the run. */
export interface GdbControl {
  /** The guest goes on; `once` for a single instruction. */
  resume(once: boolean): void;
  /** The debugger leaves, the guest goes on without it. */
  detach(): void;
  /** The run ends. */
  kill(): void;
}

/** Breakpoints of one guest; more are refused. */
const MOST_BREAKPOINTS = 1024;
const MOST_MEMORY_BYTES = MOST_PACKET_BYTES / 2 - 64;
const BAD = 'E01';
const NO_MEMORY = 'E14';
const NO_ROOM = 'E12';
export const STOPPED = { interrupt: 'T02thread:1;', trap: 'T05thread:1;' } as const;

/** `undefined` answers nothing for now: the guest runs. An empty answer says that the command is not known. */
export type GdbAnswer = string | undefined;

export class GdbSession {
  /** What `?` answers. */
  lastStop: string = STOPPED.trap;
  /** No acknowledgements any more. */
  isWithoutAck = false;
  readonly #machine: Machine;
  readonly #target: GdbTarget;
  readonly #control: GdbControl;
  readonly #breakpoints = new Set<bigint>();

  constructor(machine: Machine, control: GdbControl) {
    this.#machine = machine;
    this.#target = new GdbTarget(machine);
    this.#control = control;
  }

  /** The answer to one packet. Never throws, whatever the packet holds. */
  answer(packet: string): GdbAnswer {
    const rest = packet.slice(1);
    switch (packet[0]) {
      case '?':
        return this.lastStop;
      case 'g':
        return this.#target.generalRegisters();
      case 'G':
        return this.#target.writeGeneralRegisters(rest) ? 'OK' : BAD;
      case 'p':
        return this.#readRegister(rest);
      case 'P':
        return this.#writeRegister(rest);
      case 'm':
        return this.#readMemory(rest);
      case 'M':
        return this.#writeMemory(rest);
      case 'c':
      case 's':
        return this.#resumeAt(packet[0] === 's', rest);
      case 'C':
      case 'S':
        // A signal for the guest, which has none.
        return this.#resumeAt(packet[0] === 'S', rest.split(';')[1] ?? '');
      case 'Z':
      case 'z':
        return this.#breakpoint(packet[0] === 'Z', rest);
      case 'H':
      case 'T':
        return 'OK';
      case 'D':
        this.clear();
        this.#control.detach();
        return 'OK';
      case 'k':
        this.#control.kill();
        return undefined;
      case 'v':
        return this.#extended(packet);
      case 'q':
      case 'Q':
        return this.#query(packet);
      default:
        return '';
    }
  }

  /** The guest has stopped: breakpoints that a step had lifted are set again. */
  stopped(stop: string): void {
    this.lastStop = stop;
    this.#setBreakpoints();
  }

  /** No breakpoint is left. */
  clear(): void {
    this.#breakpoints.clear();
    this.#setBreakpoints();
  }

  #extended(packet: string): GdbAnswer {
    if (packet === 'vCont?') return 'vCont;c;C;s;S';
    if (packet.startsWith('vCont;')) {
      const action = packet[6];
      if (action === 'c' || action === 'C') return this.#resume(false);
      return action === 's' || action === 'S' ? this.#resume(true) : BAD;
    }
    if (!packet.startsWith('vKill')) return '';
    this.#control.kill();
    return 'OK';
  }

  #query(packet: string): string {
    if (packet.startsWith('qSupported')) {
      const size = MOST_PACKET_BYTES.toString(16);
      return `PacketSize=${size};qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak-;hwbreak-`;
    }
    if (packet.startsWith('qXfer:features:read:')) return this.#transfer(packet);
    if (packet.startsWith('qAttached')) return '1';
    switch (packet) {
      case 'QStartNoAckMode':
        this.isWithoutAck = true;
        return 'OK';
      case 'qC':
        return 'QC1';
      case 'qfThreadInfo':
        return 'm1';
      case 'qsThreadInfo':
        return 'l';
      default:
        return '';
    }
  }

  #transfer(packet: string): string {
    const match = /^qXfer:features:read:target\.xml:([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(packet);
    if (match === null) return 'E00';
    const offset = Number.parseInt(match[1], 16);
    const length = Math.min(Number.parseInt(match[2], 16), MOST_MEMORY_BYTES);
    const text = this.#target.description();
    return `${offset + length >= text.length ? 'l' : 'm'}${text.slice(offset, offset + length)}`;
  }

  #readRegister(rest: string): string {
    return /^[0-9a-f]{1,4}$/i.test(rest) ? (this.#target.readRegister(Number.parseInt(rest, 16)) ?? BAD) : BAD;
  }

  #writeRegister(rest: string): string {
    const match = /^([0-9a-f]{1,4})=([0-9a-f]+)$/i.exec(rest);
    return match !== null && this.#target.writeRegister(Number.parseInt(match[1], 16), match[2]) ? 'OK' : BAD;
  }

  #readMemory(rest: string): string {
    const range = readRange(rest);
    if (range === undefined) return BAD;
    const bytes = this.#target.readMemory(range.va, Math.min(range.length, MOST_MEMORY_BYTES));
    return bytes.length === 0 && range.length > 0 ? NO_MEMORY : Buffer.from(bytes).toString('hex');
  }

  #writeMemory(rest: string): string {
    const [where, digits] = rest.split(':');
    const range = readRange(where);
    if (range === undefined || digits === undefined || digits.length !== 2 * range.length) return BAD;
    if (!/^[0-9a-f]*$/i.test(digits)) return BAD;
    return this.#target.writeMemory(range.va, new Uint8Array(Buffer.from(digits, 'hex'))) ? 'OK' : NO_MEMORY;
  }

  /** Software and hardware breakpoints are the same here: nothing in memory is changed for either. */
  #breakpoint(isSet: boolean, rest: string): string {
    const match = /^([01]),([0-9a-f]{1,16}),/i.exec(`${rest},`);
    if (match === null) return '';
    const pc = BigInt(`0x${match[2]}`);
    if (!isSet) this.#breakpoints.delete(pc);
    else if (this.#breakpoints.size < MOST_BREAKPOINTS) this.#breakpoints.add(pc);
    else return NO_ROOM;
    this.#setBreakpoints();
    return 'OK';
  }

  #resumeAt(once: boolean, address: string): GdbAnswer {
    if (address === '') return this.#resume(once);
    if (!/^[0-9a-f]{1,16}$/i.test(address)) return BAD;
    this.#machine.core.vcpu.writePc(BigInt(`0x${address}`));
    return this.#resume(once);
  }

  #resume(once: boolean): undefined {
    // A step leaves the instruction behind that it stands on, whether or not there is a breakpoint.
    if (once) this.#machine.core.vcpu.setBreakpoints([]);
    this.#control.resume(once);
    return undefined;
  }

  #setBreakpoints(): void {
    this.#machine.core.vcpu.setBreakpoints([...this.#breakpoints]);
  }
}

function readRange(text: string): { readonly va: bigint; readonly length: number } | undefined {
  const match = /^([0-9a-f]{1,16}),([0-9a-f]{1,8})$/i.exec(text);
  return match === null ? undefined : { va: BigInt(`0x${match[1]}`), length: Number.parseInt(match[2], 16) };
}
