/** Goes over the packets of one USB device in a trace, in constant memory. */

import { TRANSFER_TYPE } from '../../base/index.js';
import { HalError } from '../errors.js';
import { LINK_TYPE } from './pcapng-format.js';
import type { PcapngReader } from './pcapng-reader.js';
import type { TraceFile } from './trace-file.js';
import { upperPayloadOffset } from './upper-channel.js';
import { decodeUsbPacket } from './usb-device-table.js';
import { UsbRecord } from './usb-record.js';
import { SNAPSHOT_MARK } from './usb-recorder.js';

const WINDOW_BYTES = 262_144;
const MAX_NOTE_BYTES = 1024;

/** One device of a trace: its interface and where usbmon or USBPcap saw it. */
export interface UsbRecording {
  readonly trace: TraceFile;
  readonly interfaceIndex: number;
  readonly bus: number;
  readonly device: number;
  /** Interface of what is no transfer (`events NAME`), -1 without one. */
  readonly eventsIndex: number;
}

/** Delivers packets of the device, and notes of its events channel, in file order. Descriptor snapshots and isochronous transfers are left out. */
export class UsbCursor {
  readonly #recording: UsbRecording;
  readonly #decoder = new TextDecoder();
  #reader: PcapngReader | undefined;
  /** The packet at hand; its bytes are valid until the next call of `next`. */
  readonly record = new UsbRecord();
  /** Its number in the file among all packets, 1 first, as Wireshark counts them. */
  packetNumber = 0;
  /** The note at hand, '' when it is a packet. */
  note = '';
  /** Of the packet or note. */
  timeNs = 0;
  /** Isochronous packets left out so far. */
  isochronous = 0;

  constructor(recording: UsbRecording) {
    this.#recording = recording;
    this.#reader = recording.trace.reader(WINDOW_BYTES);
  }

  /** Moves on; false at the end. Throws `HAL_TRACE` at damage and at a packet that is none of its link type. */
  next(): boolean {
    const reader = this.#reader;
    if (reader === undefined) return false;
    while (reader.next()) {
      const [damage] = reader.damage;
      if (damage !== undefined) throw this.#refuse(`is damaged at byte ${damage.offset}`);
      if (reader.kind !== 'packet') continue;
      this.packetNumber++;
      if (this.#take(reader)) return true;
    }
    this.close();
    return false;
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #take(reader: PcapngReader): boolean {
    const { interfaceIndex, eventsIndex, bus, device } = this.#recording;
    const { packet } = reader;
    this.timeNs = packet.timeNs;
    if (packet.interfaceIndex === eventsIndex) return this.#takeNote(reader);
    if (packet.interfaceIndex !== interfaceIndex) return false;
    const { record } = this;
    if (!decodeUsbPacket(reader, record))
      throw this.#refuse(`holds a packet (${this.packetNumber}) that is no USB packet`);
    if (record.device !== device || record.bus !== bus || record.mark === SNAPSHOT_MARK) return false;
    if (record.transferType === TRANSFER_TYPE.isochronous) {
      this.isochronous++;
      return false;
    }
    this.note = '';
    return true;
  }

  #takeNote(reader: PcapngReader): boolean {
    const { packet } = reader;
    if (reader.packetInterface.linkType !== LINK_TYPE.upperPdu) return false;
    const start = upperPayloadOffset(packet.bytes, packet.offset, packet.length);
    if (start < 0 || start === packet.length) return false;
    const end = packet.offset + Math.min(packet.length, start + MAX_NOTE_BYTES);
    this.note = this.#decoder.decode(packet.bytes.subarray(packet.offset + start, end));
    return true;
  }

  #refuse(what: string): HalError {
    this.close();
    return new HalError('HAL_TRACE', `${this.#recording.trace.path} ${what}, so it cannot be replayed as it happened`, {
      where: this.#recording.trace.path,
      hint: 'Record it again, or export what is whole of it by "rig trace export".',
    });
  }
}
