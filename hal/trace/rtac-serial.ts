/** Link type 250 (RTAC serial): event codes, line bits, and the packet codec. */

import { LINE_STATUS, MODEM_CONTROL, MODEM_STATUS } from '../serial/serial-port.js';
import { explicitOffsetNs, nominalOffsetNs, SPACING } from './character-timing.js';
import type { PacketView } from './pcapng-reader.js';
import type { PcapngWriter } from './pcapng-writer.js';

/** Event codes of LINKTYPE_RTAC_SERIAL. */
export const RTAC_EVENT = {
  status: 0,
  txStart: 1,
  rxStart: 2,
  txEnd: 3,
  rxEnd: 4,
  dataLost: 5,
  complete: 6,
  framing: 7,
  parity: 8,
  break: 9,
  overflow: 0x0a,
} as const;

export const RTAC_HEADER_BYTES = 12;

/** No packet holds more characters. */
export const MAX_BURST = 256;

const LINE = { cts: 1, dcd: 2, dsr: 4, rts: 8, dtr: 0x10, ri: 0x20 } as const;

/** Kinds of the custom bytes option on serial packets. */
const CUSTOM = { timing: 1, control: 2 } as const;

/** RTAC line bits of what the port's two modem registers hold. */
export function linesOf(modemStatus: number, modemControl: number): number {
  return (
    (modemStatus & MODEM_STATUS.cts ? LINE.cts : 0) |
    (modemStatus & MODEM_STATUS.dcd ? LINE.dcd : 0) |
    (modemStatus & MODEM_STATUS.dsr ? LINE.dsr : 0) |
    (modemStatus & MODEM_STATUS.ri ? LINE.ri : 0) |
    (modemControl & MODEM_CONTROL.rts ? LINE.rts : 0) |
    (modemControl & MODEM_CONTROL.dtr ? LINE.dtr : 0)
  );
}

export function modemStatusOf(lines: number): number {
  return (
    (lines & LINE.cts ? MODEM_STATUS.cts : 0) |
    (lines & LINE.dcd ? MODEM_STATUS.dcd : 0) |
    (lines & LINE.dsr ? MODEM_STATUS.dsr : 0) |
    (lines & LINE.ri ? MODEM_STATUS.ri : 0)
  );
}

/** `LINE_STATUS` bit of an error event, 0 for any other. */
export function lineStatusOf(event: number): number {
  switch (event) {
    case RTAC_EVENT.overflow:
      return LINE_STATUS.overrun;
    case RTAC_EVENT.parity:
      return LINE_STATUS.parity;
    case RTAC_EVENT.framing:
      return LINE_STATUS.framing;
    case RTAC_EVENT.break:
      return LINE_STATUS.break;
    default:
      return 0;
  }
}

/** The 12-byte header; `timeNs` since 1970, or since the start in virtual time. */
export function writeRtacHeader(
  writer: PcapngWriter,
  seconds: number,
  microseconds: number,
  event: number,
  lines: number,
): void {
  writer.byte(seconds >>> 24);
  writer.byte(seconds >>> 16);
  writer.byte(seconds >>> 8);
  writer.byte(seconds);
  writer.byte(microseconds >>> 24);
  writer.byte(microseconds >>> 16);
  writer.byte(microseconds >>> 8);
  writer.byte(microseconds);
  writer.byte(event);
  writer.byte(lines);
  writer.byte(0);
  writer.byte(0);
}

const scratch = new DataView(new ArrayBuffer(8));

/** The timing option; nothing when nominal spacing with phase 0, which its absence means, reproduces the times. */
export function writeTiming(writer: PcapngWriter, spacing: number, phase: number, characterNs: number): void {
  if (spacing === SPACING.nominal && phase === 0) return;
  writer.beginCustomBytes(spacing === SPACING.explicit ? 12 : 4);
  writer.byte(CUSTOM.timing);
  writer.byte(spacing);
  writer.byte(phase);
  writer.byte(phase >>> 8);
  if (spacing === SPACING.explicit) {
    scratch.setFloat64(0, characterNs, true);
    for (let i = 0; i < 8; i++) writer.byte(scratch.getUint8(i));
  }
  writer.endCustomBytes();
}

/** The option that tells all modem outputs of the host, break included. */
export function writeControl(writer: PcapngWriter, modemControl: number): void {
  writer.beginCustomBytes(4);
  writer.byte(CUSTOM.control);
  writer.byte(modemControl);
  writer.byte(0);
  writer.byte(0);
  writer.endCustomBytes();
}

/** A decoded serial packet; reuse one. */
export class SerialRecord {
  event = 0;
  lines = 0;
  /** Of the last character. */
  timeNs = 0;
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** Characters. */
  length = 0;
  outbound = false;
  /** `MODEM_CONTROL` bits when the packet tells them, else -1. */
  modemControl = -1;
  /** The project's text: line settings, an end of the port; '' when none. */
  text = '';
  #spacing: number = SPACING.nominal;
  #phase = 0;
  #characterNs = 0;

  /** Whether the packet carries characters that the host received or sent. */
  get hasData(): boolean {
    return this.length > 0 && this.event >= RTAC_EVENT.txStart && this.event <= RTAC_EVENT.rxEnd;
  }

  /** Takes `packet` in; false when it is shorter than its header. */
  decode(packet: PacketView): boolean {
    if (packet.length < RTAC_HEADER_BYTES) return false;
    const { bytes, offset } = packet;
    this.event = bytes[offset + 8];
    this.lines = bytes[offset + 9];
    this.timeNs = packet.timeNs;
    this.bytes = bytes;
    this.offset = offset + RTAC_HEADER_BYTES;
    this.length = packet.length - RTAC_HEADER_BYTES;
    this.outbound = this.event === RTAC_EVENT.txStart || this.event === RTAC_EVENT.txEnd || (packet.flags & 3) === 2;
    this.text = packet.customText ?? '';
    this.modemControl = -1;
    this.#spacing = SPACING.nominal;
    this.#phase = 0;
    if (packet.customLength >= 4) this.#decodeCustom(bytes, packet.customOffset, packet.customLength);
    return true;
  }

  #decodeCustom(bytes: Uint8Array, at: number, length: number): void {
    if (bytes[at] === CUSTOM.control) this.modemControl = bytes[at + 1];
    if (bytes[at] !== CUSTOM.timing) return;
    const spacing = bytes[at + 1];
    if (spacing === SPACING.explicit) {
      if (length < 12) return;
      for (let i = 0; i < 8; i++) scratch.setUint8(i, bytes[at + 4 + i]);
      const characterNs = scratch.getFloat64(0, true);
      if (!(characterNs > 0 && characterNs < 1e12)) return;
      this.#characterNs = characterNs;
    } else if (spacing !== SPACING.nominal && spacing !== SPACING.together) return;
    this.#spacing = spacing;
    this.#phase = (bytes[at + 2] | (bytes[at + 3] << 8)) / 65_536;
  }

  /** When character 0 was there, given the line settings in force. */
  firstNs(bits: number, baudRate: number): number {
    return this.timeNs - this.offsetNs(this.length - 1, bits, baudRate);
  }

  /** Nanoseconds from character 0 to character `index`. */
  offsetNs(index: number, bits: number, baudRate: number): number {
    if (this.#spacing === SPACING.together) return 0;
    if (this.#spacing === SPACING.explicit) return explicitOffsetNs(index, this.#characterNs, this.#phase);
    return baudRate > 0 ? nominalOffsetNs(index, bits, baudRate, this.#phase) : 0;
  }
}
