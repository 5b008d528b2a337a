/** What the tests of machine and journal share: guests from assembly text, and a machine with everything recorded. */

import { VirtualClock } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import { assemble } from '../isa/assembler.js';
import type { JournalSink } from '../journal/journal-writer.js';
import { createMachine, type Machine } from './machine.js';
import type { MachineConfig } from './machine-config.js';
import { VirtualScheduler } from './virtual-scheduler.js';

/** Ends the run with `pass`; clobbers t5 and t6. */
export const PASS = `
  li t5, 0x100000
  li t6, 0x5555
  sw t6, 0(t5)
`;

/** A raw image at the start of RAM. */
export function program(text: string, hypercalls = false): GuestImage {
  const { bytes } = assemble(text);
  const segment = { gpa: 0x8000_0000, bytes, memoryBytes: bytes.length };
  return {
    name: 'test program',
    format: 'raw',
    entry: 0x8000_0000,
    xlen: undefined,
    segments: [segment],
    startPrivilege: 3,
    hypercalls: hypercalls ? 'machine' : 'none',
  };
}

/** Keeps copies of its chunks. */
export class KeptJournal implements JournalSink {
  readonly chunks: Uint8Array[] = [];

  chunk(bytes: Uint8Array): void {
    this.chunks.push(bytes.slice());
  }
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly scheduler: VirtualScheduler;
  readonly machine: Machine;
  readonly journal: KeptJournal;
  /** Console characters so far. */
  text(): string;
  /** Copies of the report records so far. */
  readonly reports: Uint8Array[];
}

/** One machine alone in virtual time. */
export function bench(image: GuestImage, config: Partial<MachineConfig> = {}): Bench {
  const clock = new VirtualClock();
  const scheduler = new VirtualScheduler(clock);
  const journal = new KeptJournal();
  const reports: Uint8Array[] = [];
  let text = '';
  const machine = createMachine({
    name: 'guest',
    engine: 'interpreter',
    ramBytes: 0x10_0000,
    image,
    clock,
    journal,
    onConsole: (byte) => {
      text += String.fromCharCode(byte);
    },
    onReport: (record, length) => reports.push(record.slice(0, length)),
    ...config,
  });
  scheduler.add(machine);
  return { clock, scheduler, machine, journal, reports, text: () => text };
}
