/** Registers and bits of the NS16550A, named as in the PC16550D data sheet ("Registers"). */

import type { CharacterLine } from './character.js';

/** Register offsets; RBR, THR and IER give way to DLL and DLM while LCR's DLAB is set. */
export const UART = {
  RBR: 0,
  THR: 0,
  DLL: 0,
  IER: 1,
  DLM: 1,
  IIR: 2,
  FCR: 2,
  LCR: 3,
  MCR: 4,
  LSR: 5,
  MSR: 6,
  SCR: 7,
} as const;

export const IER = { ERBFI: 0x01, ETBEI: 0x02, ELSI: 0x04, EDSSI: 0x08 } as const;

/** Interrupt identification, bits 0 to 3, by falling priority; bits 6 and 7 tell that the FIFOs are on. */
export const IIR = {
  receiverLineStatus: 0x06,
  receivedDataAvailable: 0x04,
  characterTimeout: 0x0c,
  transmitterHoldingRegisterEmpty: 0x02,
  modemStatus: 0x00,
  none: 0x01,
  fifosEnabled: 0xc0,
} as const;

export const FCR = { FIFOEnable: 0x01, RCVRFIFOReset: 0x02, XMITFIFOReset: 0x04 } as const;
/** Receiver trigger level by FCR bits 7 and 6. */
export const FCR_TRIGGER_LEVELS = [1, 4, 8, 14] as const;
export const FIFO_DEPTH = 16;

export const LCR = {
  WLS: 0x03,
  STB: 0x04,
  PEN: 0x08,
  EPS: 0x10,
  stickParity: 0x20,
  setBreak: 0x40,
  DLAB: 0x80,
} as const;

export const MCR = { DTR: 0x01, RTS: 0x02, OUT1: 0x04, OUT2: 0x08, LOOP: 0x10 } as const;

export const LSR = {
  DR: 0x01,
  OE: 0x02,
  PE: 0x04,
  FE: 0x08,
  BI: 0x10,
  THRE: 0x20,
  TEMT: 0x40,
  errorInFifo: 0x80,
} as const;

export const MSR = {
  DCTS: 0x01,
  DDSR: 0x02,
  TERI: 0x04,
  DDCD: 0x08,
  CTS: 0x10,
  DSR: 0x20,
  RI: 0x40,
  DCD: 0x80,
} as const;

const DATA_BITS = [5, 6, 7, 8] as const;
const PARITIES = ['none', 'odd', 'none', 'even', 'none', 'mark', 'none', 'space'] as const;

function stopBits(lcr: number): 1 | 1.5 | 2 {
  if ((lcr & LCR.STB) === 0) return 1;
  return (lcr & LCR.WLS) === 0 ? 1.5 : 2;
}

/** The line settings that LCR bits 0 to 5 mean. */
export function decodeLine(lcr: number, baudRate: number): CharacterLine {
  return { baudRate, dataBits: DATA_BITS[lcr & LCR.WLS], parity: PARITIES[(lcr >> 3) & 7], stopBits: stopBits(lcr) };
}

/** Bits on the line for one character, start and stop bits included. */
export function characterBits(lcr: number): number {
  return 1 + DATA_BITS[lcr & LCR.WLS] + ((lcr & LCR.PEN) === 0 ? 0 : 1) + stopBits(lcr);
}
