/** Joins the packets of one USB device to whole transfers: submissions with what they asked for, and later their completions. */

import { ENDPOINT_IN, SETUP_BYTES, TRANSFER_TYPE, type TransferType } from '../../base/index.js';
import { HalError } from '../errors.js';
import { UsbCursor, type UsbRecording } from './usb-cursor.js';
import { USB_EVENT, type UsbRecord } from './usb-record.js';

/** Transfers of a recording that may wait at once; more than any host has. */
const MOST_OPEN = 4096;
/** Transfers kept for use again, and the longest buffer that is kept with one. */
const MOST_SPARE = 64;
const MOST_SPARE_BYTES = 1 << 20;

/** One recorded transfer. The objects are used again after `RecordedUrbs.release`. */
export class RecordedUrb {
  /** Which submission of the device it is, 1 first. */
  number = 0;
  /** Numbers of its packets in the file; `Infinity` while its completion has not been read. */
  submitPacket = 0;
  completePacket = Number.POSITIVE_INFINITY;
  /** On the recording's clock. */
  submitNs = 0;
  completeNs = 0;
  id = 0;
  transferType: TransferType = TRANSFER_TYPE.bulk;
  endpointAddress = 0;
  readonly setup = new Uint8Array(SETUP_BYTES);
  interval = 0;
  flags = 0;
  /** What the submission asked for; -1 when the capture does not tell. */
  length = 0;
  status = 0;
  /** Bytes that crossed the wire, as the completion says. */
  actualLength = 0;
  /** OUT: what was sent. IN: what came, once the completion has been read. */
  data = new Uint8Array(64);
  dataLength = 0;
  /** Bytes that crossed the wire and are in `data` or were cut off by the capture. */
  wireLength = 0;
  /** Packet that holds the data. */
  dataPacket = 0;
  /** Nobody waits for its completion. */
  skipped = false;

  get inbound(): boolean {
    return (this.endpointAddress & ENDPOINT_IN) !== 0;
  }

  get isComplete(): boolean {
    return this.completePacket !== Number.POSITIVE_INFINITY;
  }

  /** The capture holds fewer bytes than crossed the wire. */
  get isTruncated(): boolean {
    return this.dataLength < this.wireLength;
  }

  /** Why it cannot be replayed, for a truncated one. */
  refusal(path: string): HalError {
    return new HalError(
      'HAL_TRACE',
      `${path}: URB ${this.number} (packet ${this.dataPacket}) carried ${this.wireLength} bytes and the capture kept ${this.dataLength}, so it cannot be replayed as if it were whole`,
      {
        where: path,
        hint: 'Record it again with a larger capture buffer (usbmon cuts a URB at the size of its ring).',
      },
    );
  }

  begin(record: UsbRecord, packetNumber: number, timeNs: number): void {
    this.submitPacket = packetNumber;
    this.completePacket = Number.POSITIVE_INFINITY;
    this.submitNs = timeNs;
    this.id = record.id;
    this.transferType = record.transferType;
    this.endpointAddress = record.endpointAddress;
    this.setup.set(record.setup);
    this.interval = record.interval;
    this.flags = record.flags;
    // A read of nothing is none: captures that came from USBPcap do not tell.
    const isUntold = record.inbound && record.urbLength === 0 && record.transferType !== TRANSFER_TYPE.control;
    this.length = record.hasLength && !isUntold ? record.urbLength : -1;
    this.status = 0;
    this.actualLength = 0;
    this.skipped = false;
    this.keep(record, packetNumber);
  }

  complete(record: UsbRecord, packetNumber: number, timeNs: number): void {
    this.completePacket = packetNumber;
    this.completeNs = timeNs;
    this.status = record.status;
    if (this.inbound) this.keep(record, packetNumber);
    this.actualLength = record.hasLength ? record.urbLength : record.status === 0 ? Math.max(0, this.length) : 0;
  }

  keep(record: UsbRecord, packetNumber: number): void {
    const { length } = record;
    if (this.data.length < length) this.data = new Uint8Array(Math.max(length, 2 * this.data.length));
    if (length > 0) this.data.set(record.bytes.subarray(record.offset, record.offset + length));
    this.dataLength = length;
    this.wireLength = record.dataLength;
    this.dataPacket = packetNumber;
  }
}

function isDataStage(record: UsbRecord): boolean {
  return record.transferType === TRANSFER_TYPE.control && !record.hasSetup;
}

export type RecordedEvent = 'submitted' | 'completed' | 'note' | 'end';

/**
 * Event by event in file order. Memory is bounded: the transfers that wait (at most 4,096), each with its data. Completions
 * without a submission (recordings start in mid-stream) are counted and left out.
 */
export class RecordedUrbs {
  readonly #path: string;
  readonly #cursor: UsbCursor;
  readonly #open = new Map<number, RecordedUrb>();
  readonly #spare: RecordedUrb[] = [];
  #current: RecordedUrb | undefined;
  /** The cursor's packet has been read but not told yet. */
  #isAhead = false;
  /** Of the event at hand. */
  packetNumber = 0;
  timeNs = 0;
  /** Text of a `note`. */
  note = '';
  /** Submissions read so far. */
  submitted = 0;
  orphans = 0;

  constructor(recording: UsbRecording) {
    this.#path = recording.trace.path;
    this.#cursor = new UsbCursor(recording);
  }

  get isochronous(): number {
    return this.#cursor.isochronous;
  }

  /** The transfer of a `submitted` or `completed`. */
  get urb(): RecordedUrb {
    if (this.#current === undefined) throw new Error('there is no transfer at hand');
    return this.#current;
  }

  /** Throws `HAL_TRACE` at damage, and when too many transfers wait at once. */
  next(): RecordedEvent {
    const cursor = this.#cursor;
    while (this.#advance()) {
      this.packetNumber = cursor.packetNumber;
      this.timeNs = cursor.timeNs;
      this.note = cursor.note;
      if (cursor.note !== '') return 'note';
      if (cursor.record.event !== USB_EVENT.submit) {
        if (this.#complete(cursor.record)) return 'completed';
      } else if (!isDataStage(cursor.record)) return this.#submit(cursor.record);
    }
    return 'end';
  }

  /** Gives `urb` back; it must not be used afterwards. */
  release(urb: RecordedUrb): void {
    if (this.#spare.length < MOST_SPARE && urb.data.length <= MOST_SPARE_BYTES) this.#spare.push(urb);
  }

  /** Gives `urb` back as soon as its completion has been read. */
  skip(urb: RecordedUrb): void {
    if (urb.isComplete) this.release(urb);
    else urb.skipped = true;
  }

  close(): void {
    this.#cursor.close();
  }

  #advance(): boolean {
    const isThere = this.#isAhead || this.#cursor.next();
    this.#isAhead = false;
    return isThere;
  }

  /** Old versions of USBPcap show the data stage of a control OUT transfer in a packet of its own, right behind it. */
  #takeDataStage(urb: RecordedUrb): void {
    const cursor = this.#cursor;
    if (!cursor.next()) return;
    const { record } = cursor;
    this.#isAhead =
      cursor.note !== '' || record.event !== USB_EVENT.submit || !isDataStage(record) || record.id !== urb.id;
    if (!this.#isAhead) urb.keep(record, cursor.packetNumber);
  }

  #submit(record: UsbRecord): RecordedEvent {
    const { packetNumber, timeNs } = this.#cursor;
    if (this.#open.size >= MOST_OPEN)
      throw new HalError(
        'HAL_TRACE',
        `${this.#path} has more than ${MOST_OPEN} transfers that wait at packet ${packetNumber}`,
        {
          where: this.#path,
          hint: 'Too many completions are missing; record it again.',
        },
      );
    const urb = this.#spare.pop() ?? new RecordedUrb();
    urb.number = ++this.submitted;
    urb.begin(record, packetNumber, timeNs);
    this.#open.set(record.id, urb);
    this.#current = urb;
    const hasData = urb.transferType === TRANSFER_TYPE.control && (urb.setup[6] | urb.setup[7]) !== 0;
    if (hasData && !urb.inbound && urb.wireLength === 0) this.#takeDataStage(urb);
    return 'submitted';
  }

  /** False for an orphan, and for a transfer that nobody waits for. */
  #complete(record: UsbRecord): boolean {
    const { packetNumber, timeNs } = this.#cursor;
    const urb = this.#open.get(record.id);
    if (urb === undefined) {
      this.orphans++;
      return false;
    }
    this.#open.delete(record.id);
    urb.complete(record, packetNumber, timeNs);
    this.#current = urb;
    if (!urb.skipped) return true;
    this.release(urb);
    return false;
  }
}
