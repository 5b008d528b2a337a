/** What the thread of a vCPU and the thread that owns its device say to each other in shared memory. */

import { sharedRingBytes } from './shared-ring.js';

/** Words of the ring towards the vCPU: whole transfers and bursts lie in it until the guest has retired a slice. */
export const INBOUND_WORDS = 1 << 19;
/** Words of the ring from the vCPU. */
export const OUTBOUND_WORDS = 1 << 18;

/** Characters on their way to a frontend, at most: as many as a tty of Linux keeps. */
export const CHANNEL_CHARACTERS = 4096;

/** Records towards the vCPU. Contents are words, then bytes. */
export const INBOUND = {
  /** gpa, length, bytes. */
  dmaWrite: 1,
  /** gpa, value: one aligned store of 2 bytes, which is seen after everything in front of it. */
  dmaWord16: 2,
  /** gpa, value: one aligned store of 4 bytes. */
  dmaWord32: 3,
  /** gpa, length, hash: the device has read these bytes. */
  dmaRead: 4,
  /** Bits of `mip` to set, bits to clear. */
  interrupts: 5,
  /** Count, then pairs of character and line status. */
  characters: 6,
  /** A character was lost in front of the frontend. */
  overrun: 7,
  /** Modem status bits. */
  modemStatus: 8,
  /** 1 when the device is gone, 0 when it is there again. */
  disconnected: 9,
  /** A burst of characters or completions is complete. */
  flush: 10,
  /** Slot, status, actual length, then the bytes that came. */
  urbDone: 11,
  /** Speed, devid; speed 0: nothing is plugged in. */
  plugged: 12,
  /** Milliseconds and nanoseconds of the clock when the burst behind it was handed over. */
  stamp: 13,
  /** Level of the board's interrupt line. */
  boardLine: 14,
  /** Ticket of the register read that it answers, value. What the board did inside the access is in front of it. */
  boardAnswer: 15,
  /** Milliseconds and nanoseconds of the clock at the event behind the `interrupts` that follow. */
  event: 20,
  /** Offset, length, bytes: they have become the peer's output section there. */
  sectionCarry: 21,
  /** Vector of a doorbell of the peer. */
  sectionRing: 22,
} as const;

/** Records from the vCPU. */
export const OUTBOUND = {
  /** Count, then characters. */
  characters: 1,
  /** Baud rate, data bits, index of parity, stop bits times 2. */
  configure: 2,
  modemControl: 3,
  /** Slot, id, endpoint address, length, flags, interval, SETUP as 2 words, then OUT data. */
  urbSubmit: 4,
  /** Slot. */
  urbCancel: 5,
  /** Length, milliseconds and nanoseconds of the clock, then a report record. */
  report: 6,
  /** One byte of the console. */
  console: 7,
  /** When a burst was handed over by the other thread and when it was at its frontend: milliseconds and nanoseconds of the clock each. */
  handover: 8,
  /** Milliseconds and nanoseconds of the clock when the guest sent the first of the characters or transfers behind it. */
  departure: 9,
  /** Offset, value: nobody waits for it. */
  boardWrite: 10,
  /** Ticket, offset: the guest stands still until it is answered. */
  boardRead: 11,
  /** Offset of a register whose reading was not answered in time. */
  boardOverdue: 12,
  /** Offset, length, bytes of the guest's output section, for its peer. */
  sectionCarry: 20,
  /** Vector of a doorbell for the peer. */
  sectionRing: 21,
} as const;

export const PARITIES = ['none', 'even', 'odd', 'mark', 'space'] as const;

/** Words of the control block, apart from each other by what they are for. */
export const CONTROL = {
  /** Changes whenever there is something for the vCPU to look at; what it waits for. */
  signal: 0,
  /** 1 while the vCPU's thread waits for `signal`. */
  isWaiting: 1,
  /** What the vCPU is to do: `ORDER`. */
  order: 2,
  /** What the guest does: `ACTIVITY`. */
  activity: 3,
  /** 1 while the other thread has nothing to do and wants to be told of news. */
  isListening: 4,
  /** Characters that the frontend has taken, free-running. */
  taken: 5,
  /** Grows when the journal is to be handed on as far as it goes. */
  flushes: 6,
  words: 16,
} as const;

export const ORDER = { hold: 0, run: 1, seal: 2 } as const;
export const ACTIVITY = { running: 0, idle: 1, ended: 2 } as const;

/** Numbers that the vCPU's thread keeps up to date, a slice behind at most. */
export const FIGURE = {
  instret: 0,
  mmioReads: 1,
  mmioWrites: 2,
  hypercalls: 3,
  faults: 4,
  idle: 5,
  /** Turns at which something from outside entered the guest: no exits, since the guest's code does not leave for them. */
  boundaries: 6,
  /** From here on reads and writes of each region of the bus, in its order. */
  regions: 8,
  count: 8 + 2 * 32,
} as const;

/** The shared memory between the two threads. */
export interface ThreadMemory {
  readonly inbound: SharedArrayBuffer;
  readonly outbound: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
}

export function createThreadMemory(): ThreadMemory {
  return {
    inbound: new SharedArrayBuffer(sharedRingBytes(INBOUND_WORDS)),
    outbound: new SharedArrayBuffer(sharedRingBytes(OUTBOUND_WORDS)),
    control: new SharedArrayBuffer(4 * CONTROL.words),
    figures: new SharedArrayBuffer(8 * FIGURE.count),
  };
}
