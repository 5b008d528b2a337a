/** Runs a guest in a thread for tests, and replays what its journal says. */

import { readFileSync } from 'node:fs';
import { WallClock } from '../../base/index.js';
import { type GuestImage, parseImage } from '../boot/image.js';
import type { JournalEnd } from '../journal/journal-format.js';
import { type ReplayResult, replayJournal } from '../journal/replay.js';
import type { EngineName } from '../machine/create-vcpu.js';
import type { AcquisitionConfig, AcquisitionKind, SharedMemoryConfig } from '../machine/machine-config.js';
import { MachineThread, type MachineThreadOptions } from './machine-thread.js';

export function shippedGuest(name: string): GuestImage {
  const path = new URL(`../../../guests/${name}/${name}.elf`, import.meta.url);
  return parseImage(readFileSync(path), `${name}.elf`);
}

/** Which words of a test's board mean something in a page that is polled. */
const BOARD_LAYOUT = { bytes: 4096, control: { first: 0x40, end: 0x80 }, status: { first: 0x80, end: 0xc0 } } as const;

export interface TestGuest {
  readonly image: GuestImage;
  readonly engine: EngineName;
  readonly kind?: AcquisitionKind;
  readonly reportRing?: boolean;
  readonly bootargs?: string;
  readonly instructions?: number;
  readonly options?: MachineThreadOptions;
  readonly sharedMemory?: SharedMemoryConfig;
  readonly measuredInterrupts?: number;
  /** That of another guest, when the two are to tell the same time. */
  readonly clock?: WallClock;
}

/** A guest in a thread, with what it has given out so far. */
export class ThreadedGuest {
  readonly clock: WallClock;
  readonly thread: MachineThread;
  readonly journal: Uint8Array[] = [];
  readonly reports: Uint8Array[] = [];
  /** Characters from the guest's port. */
  readonly sent: number[] = [];
  console = '';
  handovers = 0;
  readonly #guest: TestGuest;
  #wake: (() => void) | undefined;

  constructor(guest: TestGuest) {
    this.#guest = guest;
    this.clock = guest.clock ?? new WallClock();
    const { image, engine, kind, reportRing = false, bootargs, instructions, options } = guest;
    const { sharedMemory, measuredInterrupts } = guest;
    this.thread = new MachineThread(
      {
        name: 'guest',
        engine,
        image,
        reportRing,
        ...(instructions === undefined ? {} : { limits: { instructions } }),
        ...(sharedMemory === undefined ? {} : { sharedMemory }),
        ...(measuredInterrupts === undefined ? {} : { measuredInterrupts }),
        ...(bootargs === undefined ? {} : { bootargs }),
        ...(kind === undefined ? {} : { acquisition: acquisitionOf(kind) }),
      },
      this.clock,
      {
        journal: (bytes) => this.journal.push(bytes),
        console: (byte) => {
          this.console += String.fromCharCode(byte);
        },
        report: (record, length) => this.reports.push(record.slice(0, length)),
        handover: () => this.handovers++,
        news: () => this.#wake?.(),
      },
      options,
    );
    const { acquisition } = this.thread;
    if (acquisition !== undefined && 'disconnected' in acquisition)
      acquisition.frontend.attach({
        transmit: (byte) => this.sent.push(byte),
        roomAvailable: () => {},
        configure: () => {},
        modemControl: () => {},
      });
  }

  /** Polls, `others` as well, until `done`, for 20 s of host time at most. */
  async until(done: () => boolean, what: string, others: readonly ThreadedGuest[] = []): Promise<void> {
    const endNs = this.clock.now() + 20e9;
    for (;;) {
      this.thread.poll();
      for (const { thread } of others) thread.poll();
      this.clock.runDue();
      if (done()) return;
      if (this.thread.lost !== undefined) throw this.thread.lost;
      if (this.clock.now() > endNs) throw new Error(`20 s have passed without ${what}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Rests until the thread tells of news, as an event loop with nothing to do would; then polls. */
  async news(): Promise<void> {
    const told = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.thread.listen();
    if (this.thread.poll() > 0) return;
    await told;
    this.thread.poll();
  }

  async seal(): Promise<JournalEnd> {
    const end = await this.thread.seal();
    if (end === undefined) throw new Error('the thread was killed');
    return end;
  }

  replay(engine: EngineName): ReplayResult {
    return replayJournal({ image: this.#guest.image, engine }, this.journal);
  }
}

function acquisitionOf(kind: AcquisitionKind): AcquisitionConfig {
  switch (kind) {
    case 'virtio-usb':
    case 'urb-ring':
      return { kind };
    case 'board-registers':
    case 'board-window':
      return { kind, layout: BOARD_LAYOUT };
    default:
      return { kind, baudRate: 115_200 };
  }
}
