/** Tests of the hypercalls a guest may make. */

import { expect } from 'chai';
import { CALL_WORDS } from './hypercall-table.js';
import { createSbi, SBI_EXTENSION, type SbiHost } from './sbi.js';

const RAM_BASE = 0x8000_0000;

class FakeHost implements SbiHost {
  readonly ram = new Uint8Array(0x2_0000);
  readonly events: string[] = [];
  readonly typed: number[] = [];

  inRam(gpa: number, length: number): boolean {
    return gpa >= RAM_BASE && gpa + length <= RAM_BASE + this.ram.length;
  }
  readRam(gpa: number, length: number): Uint8Array {
    return this.ram.subarray(gpa - RAM_BASE, gpa - RAM_BASE + length);
  }
  writeRam(gpa: number, bytes: Uint8Array, length: number): void {
    this.ram.set(bytes.subarray(0, length), gpa - RAM_BASE);
  }
  consoleInput(): number {
    return this.typed.shift() ?? -1;
  }
  console(bytes: Uint8Array): void {
    this.events.push(`console ${bytes.length > 50 ? bytes.length : String.fromCharCode(...bytes)}`);
  }
  setTimer(ticks: number): void {
    this.events.push(`timer ${ticks}`);
  }
  systemReset(kind: string): void {
    this.events.push(kind);
  }
  report(record: Uint8Array, length: number): void {
    this.events.push(`report ${record.slice(0, length).join()}`);
  }
}

describe('SBI', () => {
  let host: FakeHost;
  const call = (extension: number, functionId: number, ...args: number[]): [number, number] => {
    const registers = new Uint32Array(CALL_WORDS);
    [extension, functionId, ...args].forEach((value, i) => {
      registers[2 * i] = value;
    });
    const { error, value } = createSbi(host).dispatch(registers);
    return [error, value];
  };
  const putRecord = (gpa: number, channel: number, payloadLength: number): void => {
    const view = new DataView(host.ram.buffer, gpa - RAM_BASE);
    view.setUint32(0, channel, true);
    view.setUint32(20, payloadLength, true);
  };

  beforeEach(() => {
    host = new FakeHost();
  });

  it('answers -2 for an unknown extension and for an unknown function', () => {
    expect(call(0x1234, 0)).to.deep.equal([-2, 0]);
    for (const extension of [0x10, 0x54494d45, 0x4442434e, 0x53525354, 0x08524947]) {
      expect(call(extension, 99), extension.toString(16)).to.deep.equal([-2, 0]);
    }
    expect(host.events).to.deep.equal([]);
  });

  it('describes itself through the base extension', () => {
    expect(call(SBI_EXTENSION.base, 0)).to.deep.equal([0, 0x0200_0000]);
    expect(call(SBI_EXTENSION.base, 1)).to.deep.equal([0, 0x5256]);
    expect(call(SBI_EXTENSION.base, 3, SBI_EXTENSION.report)).to.deep.equal([0, 1]);
    expect(call(SBI_EXTENSION.base, 3, 0x0999)).to.deep.equal([0, 0]);
    for (const id of [4, 5, 6]) expect(call(SBI_EXTENSION.base, id)).to.deep.equal([0, 0]);
  });

  it('programs the timer with 64 bits', () => {
    expect(call(SBI_EXTENSION.timer, 0, 5, 2)).to.deep.equal([0, 0]);
    expect(host.events).to.deep.equal([`timer ${2 * 2 ** 32 + 5}`]);
  });

  it('prints by all three ways', () => {
    host.ram.set(new TextEncoder().encode('hi'), 0x10);
    expect(call(SBI_EXTENSION.debugConsole, 0, 2, RAM_BASE + 0x10)).to.deep.equal([0, 2]);
    expect(call(SBI_EXTENSION.debugConsole, 2, 0x41)).to.deep.equal([0, 0]);
    expect(call(SBI_EXTENSION.legacyPutchar, 0, 0x42)).to.deep.equal([0, 0]);
    expect(host.events).to.deep.equal(['console hi', 'console A', 'console B']);
  });

  it('reads what was typed, as much as there is and as fits', () => {
    expect(call(SBI_EXTENSION.debugConsole, 1, 8, RAM_BASE)).to.deep.equal([0, 0]);
    host.typed.push(0x68, 0x65, 0x79);
    expect(call(SBI_EXTENSION.debugConsole, 1, 2, RAM_BASE + 4)).to.deep.equal([0, 2]);
    expect([...host.ram.subarray(4, 8)]).to.deep.equal([0x68, 0x65, 0, 0]);
    expect(call(SBI_EXTENSION.debugConsole, 1, 0x1_0000, RAM_BASE)).to.deep.equal([0, 1]);
    expect(call(SBI_EXTENSION.debugConsole, 1, 8, RAM_BASE - 8)).to.deep.equal([-5, 0]);
  });

  it('takes at most 64 KiB of one console write and says how much', () => {
    expect(call(SBI_EXTENSION.debugConsole, 0, 0x1_8000, RAM_BASE)).to.deep.equal([0, 0x1_0000]);
  });

  it('answers -5 for every range that leaves RAM', () => {
    const top = RAM_BASE + host.ram.length;
    for (const [gpa, length] of [
      [top, 1],
      [top - 4, 5],
      [RAM_BASE - 1, 2],
      [0, 0xffff_ffff],
      [0xffff_ffff, 0xffff_ffff],
    ]) {
      expect(call(SBI_EXTENSION.debugConsole, 0, length, gpa)).to.deep.equal([-5, 0]);
      expect(call(SBI_EXTENSION.report, 1, gpa, length)).to.deep.equal([-5, 0]);
    }
    expect(call(SBI_EXTENSION.debugConsole, 0, 2, RAM_BASE, 1), 'high half of the address').to.deep.equal([-5, 0]);
    expect(host.events).to.deep.equal([]);
  });

  it('ends the run by type and reason, and refuses reserved ones', () => {
    call(SBI_EXTENSION.systemReset, 0, 0, 0);
    call(SBI_EXTENSION.systemReset, 0, 0, 1);
    call(SBI_EXTENSION.systemReset, 0, 1, 0);
    expect(host.events).to.deep.equal(['pass', 'fail', 'reset']);
    expect(call(SBI_EXTENSION.systemReset, 0, 3, 0)).to.deep.equal([-3, 0]);
    expect(call(SBI_EXTENSION.systemReset, 0, 0, 2)).to.deep.equal([-3, 0]);
  });

  it('hands over a report record without its padding', () => {
    putRecord(RAM_BASE + 8, 3, 1);
    host.ram[8 + 24] = 0xab;
    expect(call(SBI_EXTENSION.report, 0)).to.deep.equal([0, 1]);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE + 8, 25)).to.deep.equal([0, 0]);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE + 8, 32)).to.deep.equal([0, 0]);
    const record = host.ram.slice(8, 8 + 25).join();
    expect(host.events).to.deep.equal([`report ${record}`, `report ${record}`]);
  });

  it('answers -3 for a record that is misaligned, too short, too long, or of an impossible channel', () => {
    putRecord(RAM_BASE, 0, 16);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE + 4, 40), 'misaligned').to.deep.equal([-3, 0]);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE, 23), 'header cut').to.deep.equal([-3, 0]);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE, 39), 'payload cut').to.deep.equal([-3, 0]);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE, 48), 'longer than its padding').to.deep.equal([-3, 0]);
    putRecord(RAM_BASE, 0, 1_032);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE, 24 + 1_032), 'payload too long').to.deep.equal([-3, 0]);
    putRecord(RAM_BASE, 256, 0);
    expect(call(SBI_EXTENSION.report, 1, RAM_BASE, 24), 'channel').to.deep.equal([-3, 0]);
    expect(host.events).to.deep.equal([]);
  });
});
