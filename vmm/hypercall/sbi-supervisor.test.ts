/** Tests of the SBI calls that only a guest in S mode has, with its 64-bit registers. */

import { expect } from 'chai';
import { CALL_WORDS, type HypercallResult } from './hypercall-table.js';
import { SBI_EXTENSION } from './sbi.js';
import { createSupervisorSbi, type Fence, fenceOf, type SupervisorSbiHost } from './sbi-supervisor.js';

const RAM_BASE = 0x8000_0000;
const ALL_HARTS = 0xffff_ffff_ffff_ffffn;

/** Registers of a 64-bit guest: a7, a6, a0 and those behind it. */
function registersOf(extension: number, functionId: number, args: readonly (bigint | number)[]): Uint32Array {
  const registers = new Uint32Array(CALL_WORDS);
  [extension, functionId, ...args].forEach((value, i) => {
    const wide = BigInt.asUintN(64, BigInt(value));
    registers[2 * i] = Number(wide & 0xffff_ffffn);
    registers[2 * i + 1] = Number(wide >> 32n);
  });
  return registers;
}

describe('SBI for a guest in S mode', () => {
  let events: string[];
  let typed: number[];
  const ram = new Uint8Array(64);
  const host: SupervisorSbiHost = {
    inRam: (gpa, length) => gpa >= RAM_BASE && gpa + length <= RAM_BASE + ram.length,
    readRam: (gpa, length) => ram.subarray(gpa - RAM_BASE, gpa - RAM_BASE + length),
    writeRam: (gpa, bytes, length) => ram.set(bytes.subarray(0, length), gpa - RAM_BASE),
    console: (bytes) => events.push(`console ${String.fromCharCode(...bytes)}`),
    consoleInput: () => typed.shift() ?? -1,
    setTimer: (ticks) => events.push(`timer ${ticks}`),
    systemReset: (kind) => events.push(kind),
    report: () => events.push('report'),
    softwareInterrupt: () => events.push('ssip'),
    synchronize: (fence: Fence) => events.push(`fence ${fence}`),
  };
  const call = (extension: number, functionId: number, ...args: (bigint | number)[]): HypercallResult => ({
    ...createSupervisorSbi(host).dispatch(registersOf(extension, functionId, args)),
  });
  const answer = (error: number, value = 0): HypercallResult => ({ error, value, keepsA1: false });

  beforeEach(() => {
    events = [];
    typed = [];
  });

  it('programs the timer with one register', () => {
    call(SBI_EXTENSION.timer, 0, 0x12_3456_789a);
    call(SBI_EXTENSION.timer, 0, ALL_HARTS);
    call(SBI_EXTENSION.legacySetTimer, 0, 77, 99);
    expect(events).to.deep.equal([`timer ${0x12_3456_789a}`, `timer ${2 ** 64}`, 'timer 77']);
  });

  it('interrupts and fences hart 0 when the mask names it, whatever the mask holds when the base means all', () => {
    expect(call(SBI_EXTENSION.interprocessor, 0, 1, 0)).to.deep.equal(answer(0));
    expect(call(SBI_EXTENSION.interprocessor, 0, 0, ALL_HARTS)).to.deep.equal(answer(0));
    expect(call(SBI_EXTENSION.remoteFence, 0, 6, ALL_HARTS)).to.deep.equal(answer(0));
    expect(call(SBI_EXTENSION.remoteFence, 1, 1, 0, 0, ALL_HARTS)).to.deep.equal(answer(0));
    expect(call(SBI_EXTENSION.remoteFence, 2, 1, 0, 0x1000, 0x1000, 3)).to.deep.equal(answer(0));
    expect(events).to.deep.equal(['ssip', 'ssip', 'fence code', 'fence tlb', 'fence tlb']);
  });

  it('does nothing for an empty mask, and refuses other harts and the fences of hypervisors', () => {
    expect(call(SBI_EXTENSION.interprocessor, 0, 0, 0)).to.deep.equal(answer(0));
    for (const [mask, base] of [
      [2, 0],
      [3, 0],
      [1, 1],
      [1n << 63n, 0],
      [1, 1n << 40n],
    ] as const) {
      expect(call(SBI_EXTENSION.interprocessor, 0, mask, base)).to.deep.equal(answer(-3));
      expect(call(SBI_EXTENSION.remoteFence, 0, mask, base)).to.deep.equal(answer(-3));
    }
    for (const functionId of [3, 4, 5, 6, 7])
      expect(call(SBI_EXTENSION.remoteFence, functionId, 1, 0)).to.deep.equal(answer(-2));
    expect(call(SBI_EXTENSION.interprocessor, 1, 1, 0)).to.deep.equal(answer(-2));
    expect(events).to.deep.equal([]);
  });

  it('knows one hart, which runs', () => {
    expect(call(SBI_EXTENSION.hartState, 2, 0)).to.deep.equal(answer(0, 0));
    expect(call(SBI_EXTENSION.hartState, 2, 1)).to.deep.equal(answer(-3));
    expect(call(SBI_EXTENSION.hartState, 0, 0, RAM_BASE)).to.deep.equal(answer(-6));
    expect(call(SBI_EXTENSION.hartState, 0, 1n << 40n, RAM_BASE)).to.deep.equal(answer(-3));
    expect(call(SBI_EXTENSION.hartState, 1)).to.deep.equal(answer(-1));
    expect(call(SBI_EXTENSION.hartState, 3)).to.deep.equal(answer(-2));
  });

  it('answers legacy calls in a0 alone', () => {
    typed = [0x51];
    expect(call(SBI_EXTENSION.legacyGetchar, 0)).to.include({ error: 0x51, keepsA1: true });
    expect(call(SBI_EXTENSION.legacyGetchar, 0)).to.include({ error: -1, keepsA1: true });
    expect(call(SBI_EXTENSION.legacyPutchar, 0, 0x41)).to.include({ error: 0, keepsA1: true });
    call(SBI_EXTENSION.legacyShutdown, 0);
    expect(events).to.deep.equal(['console A', 'pass']);
  });

  it('takes numbers of extensions by their 32 bits, and addresses by all 64', () => {
    const signed = -1n << 32n;
    expect(call(SBI_EXTENSION.base, 3, BigInt(SBI_EXTENSION.hartState))).to.deep.equal(answer(0, 1));
    expect(createSupervisorSbi(host).dispatch(registersOf(0x10, 0, [signed])).value).to.equal(0x0200_0000);
    expect(call(SBI_EXTENSION.debugConsole, 0, 2, (1n << 32n) + BigInt(RAM_BASE))).to.deep.equal(answer(-5));
    expect(call(SBI_EXTENSION.debugConsole, 0, (1n << 32n) + 2n, RAM_BASE)).to.deep.equal(answer(-5));
    expect(call(SBI_EXTENSION.debugConsole, 0, 2, RAM_BASE)).to.deep.equal(answer(0, 2));
  });

  it('tells a replay which fence a call asked for', () => {
    expect(fenceOf(registersOf(SBI_EXTENSION.remoteFence, 0, []))).to.equal('code');
    expect(fenceOf(registersOf(SBI_EXTENSION.remoteFence, 2, []))).to.equal('tlb');
    expect(fenceOf(registersOf(SBI_EXTENSION.remoteFence, 5, []))).to.equal(undefined);
    expect(fenceOf(registersOf(SBI_EXTENSION.timer, 0, []))).to.equal(undefined);
  });
});
