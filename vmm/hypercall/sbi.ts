/** The SBI extensions that every guest with hypercalls may call: base, timer, console, system reset, and our reports. */

import { REPORT_RECORD } from '../devices/report-ring.js';
import { argument, CALL, type HypercallResult, HypercallTable, SBI_ERROR } from './hypercall-table.js';

/** Extension numbers (`docs/guest-abi.md`, "Hypercalls"). */
export const SBI_EXTENSION = {
  legacySetTimer: 0x00,
  legacyPutchar: 0x01,
  legacyGetchar: 0x02,
  legacyShutdown: 0x08,
  base: 0x10,
  timer: 0x54494d45,
  interprocessor: 0x735049,
  remoteFence: 0x52464e43,
  hartState: 0x48534d,
  debugConsole: 0x4442434e,
  systemReset: 0x53525354,
  report: 0x08524947,
} as const;

/** 2.0: major version in bits 24 to 30. */
export const SBI_VERSION = 0x0200_0000;
/** `RV`. */
export const SBI_IMPLEMENTATION_ID = 0x5256;
/** 0.1.0, a byte each. */
export const SBI_IMPLEMENTATION_VERSION = 0x0000_0100;
export const REPORT_ABI_VERSION = 1;

/** Most bytes one console write takes, and one console read gives; the answer tells how many. */
export const CONSOLE_WRITE_LIMIT = 65_536;
const CONSOLE_READ_LIMIT = 256;

/** What the extensions act on. */
export interface SbiHost {
  /** Whether [gpa, gpa + length) lies inside RAM. */
  inRam(gpa: number, length: number): boolean;
  /** `length` bytes at `gpa`, which `inRam` has confirmed; valid until the next call. */
  readRam(gpa: number, length: number): Uint8Array;
  /** Puts the first `length` of `bytes` at `gpa`, which `inRam` has confirmed. */
  writeRam(gpa: number, bytes: Uint8Array, length: number): void;
  /** Bytes for the console, in a view that is valid during the call. */
  console(bytes: Uint8Array): void;
  /** Takes the next character that was typed at the console; -1 when there is none. */
  consoleInput(): number;
  /** Programs the guest's timer: ticks of 100 ns, up to 2^64. */
  setTimer(ticks: number): void;
  /** The guest ends its run. */
  systemReset(kind: 'pass' | 'fail' | 'reset'): void;
  /** One well-formed report record: `record[0 .. length)`, valid during the call. */
  report(record: Uint8Array, length: number): void;
}

/** A table with every extension that guests of both kinds have; `xlen` is the width of their registers. */
export function createSbi(host: SbiHost, xlen: 32 | 64 = 32): HypercallTable {
  const table = new HypercallTable();
  const character = new Uint8Array(1);
  const typed = new Uint8Array(CONSOLE_READ_LIMIT);
  const putchar = (byte: number): void => {
    character[0] = byte;
    host.console(character);
  };
  table.register(SBI_EXTENSION.base, (registers, result) => base(table, registers, result));
  table.register(SBI_EXTENSION.timer, (registers, result) => {
    if (registers[CALL.functionId] === 0) host.setTimer(ticksOf(registers, xlen));
    else result.error = SBI_ERROR.notSupported;
  });
  table.register(SBI_EXTENSION.debugConsole, (registers, result) => {
    switch (registers[CALL.functionId]) {
      case 0:
        writeConsole(host, registers, result);
        break;
      case 1:
        readConsole(host, typed, registers, result);
        break;
      case 2:
        putchar(registers[CALL.a0]);
        break;
      default:
        result.error = SBI_ERROR.notSupported;
    }
  });
  table.register(SBI_EXTENSION.legacyPutchar, (registers, result) => {
    result.keepsA1 = true;
    putchar(registers[CALL.a0]);
  });
  table.register(SBI_EXTENSION.systemReset, (registers, result) => systemReset(host, registers, result));
  table.register(SBI_EXTENSION.report, (registers, result) => report(host, registers, result));
  return table;
}

/** A 32-bit guest passes its 64 bits in two registers. */
function ticksOf(registers: Uint32Array, xlen: 32 | 64): number {
  return registers[CALL.a0] + registers[xlen === 32 ? CALL.a1 : CALL.a0 + 1] * 0x1_0000_0000;
}

function base(table: HypercallTable, registers: Uint32Array, result: HypercallResult): void {
  switch (registers[CALL.functionId]) {
    case 0:
      result.value = SBI_VERSION;
      break;
    case 1:
      result.value = SBI_IMPLEMENTATION_ID;
      break;
    case 2:
      result.value = SBI_IMPLEMENTATION_VERSION;
      break;
    case 3:
      result.value = table.has(registers[CALL.a0]) ? 1 : 0;
      break;
    case 4:
    case 5:
    case 6:
      // mvendorid, marchid and mimpid read 0: not a commercial implementation (Privileged specification, 3.1.2).
      break;
    default:
      result.error = SBI_ERROR.notSupported;
  }
}

/** The range of a debug console call lies in RAM; the third argument is the address's upper half, beyond all RAM here. */
function isConsoleRange(host: SbiHost, registers: Uint32Array): boolean {
  const isLow = registers[CALL.a2] === 0 && registers[CALL.a2 + 1] === 0;
  return isLow && host.inRam(argument(registers, CALL.a1), argument(registers, CALL.a0));
}

function writeConsole(host: SbiHost, registers: Uint32Array, result: HypercallResult): void {
  if (!isConsoleRange(host, registers)) {
    result.error = SBI_ERROR.invalidAddress;
    return;
  }
  const length = argument(registers, CALL.a0);
  result.value = Math.min(length, CONSOLE_WRITE_LIMIT);
  if (length > 0) host.console(host.readRam(argument(registers, CALL.a1), result.value));
}

function readConsole(host: SbiHost, typed: Uint8Array, registers: Uint32Array, result: HypercallResult): void {
  if (!isConsoleRange(host, registers)) {
    result.error = SBI_ERROR.invalidAddress;
    return;
  }
  const most = Math.min(argument(registers, CALL.a0), typed.length);
  let count = 0;
  while (count < most) {
    const byte = host.consoleInput();
    if (byte < 0) break;
    typed[count++] = byte;
  }
  if (count > 0) host.writeRam(argument(registers, CALL.a1), typed, count);
  result.value = count;
}

function systemReset(host: SbiHost, registers: Uint32Array, result: HypercallResult): void {
  if (registers[CALL.functionId] !== 0) {
    result.error = SBI_ERROR.notSupported;
    return;
  }
  // Both are 32 bits wide, whatever the registers are.
  const type = registers[CALL.a0];
  const reason = registers[CALL.a1];
  if (type > 2 || reason > 1) result.error = SBI_ERROR.invalidParameter;
  else if (type !== 0) host.systemReset('reset');
  else host.systemReset(reason === 0 ? 'pass' : 'fail');
}

function report(host: SbiHost, registers: Uint32Array, result: HypercallResult): void {
  switch (registers[CALL.functionId]) {
    case 0:
      result.value = REPORT_ABI_VERSION;
      break;
    case 1:
      result.error = reportRecord(host, argument(registers, CALL.a0), argument(registers, CALL.a1));
      break;
    default:
      result.error = SBI_ERROR.notSupported;
  }
}

function reportRecord(host: SbiHost, gpa: number, length: number): number {
  if (!host.inRam(gpa, length)) return SBI_ERROR.invalidAddress;
  const { headerBytes, payloadLength, maxPayloadBytes, channels } = REPORT_RECORD;
  if (gpa % 8 !== 0 || length < headerBytes || length > headerBytes + maxPayloadBytes)
    return SBI_ERROR.invalidParameter;
  const record = host.readRam(gpa, length);
  const payload = uint32(record, payloadLength);
  // A record may be handed over with the padding that follows it in a ring.
  if (payload > length - headerBytes || length > headerBytes + Math.ceil(payload / 8) * 8) {
    return SBI_ERROR.invalidParameter;
  }
  if (uint32(record, REPORT_RECORD.channel) >= channels) return SBI_ERROR.invalidParameter;
  host.report(record, headerBytes + payload);
  return SBI_ERROR.success;
}

function uint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] | (bytes[offset + 1] << 8) | (bytes[offset + 2] << 16) | (bytes[offset + 3] << 24)) >>> 0;
}
