/** A simulated Measurement Computing USB-1608FS-Plus: eight converters, a FIFO, vendor requests, and the truth about every sample. */

import { type Clock, ENDPOINT_IN, type Random, Timer } from '../../../base/index.js';
import { parseFields } from '../../profile/schema-error.js';
import { wIndex, wLength, wValue } from '../../usb/setup-packet.js';
import { HANDSHAKE, type UsbPeripheral, type UsbPeripheralOutput } from '../../usb/usb-peripheral.js';
import type { UsbDescription } from '../../usb/usb-port.js';
import { createSignal, type Signal } from '../signal/signal.js';
import { Calibration } from './calibration.js';
import { type MccParameters, type MccSettings, mccParametersSchema } from './parameters.js';
import {
  CHANNELS,
  DATA_ENDPOINT,
  describeMcc,
  PACKET_BYTES,
  RANGE_VOLTS,
  REQUEST,
  SCAN_START_BYTES,
  STATUS,
  UNLOCK_ADDRESS,
  UNLOCK_CODE,
  USER_MEMORY_BYTES,
} from './protocol.js';
import { SampleFifo } from './sample-fifo.js';
import { Scan, type ScanTruth } from './scan.js';

/** `scans` keeps this many, the latest. */
const SCANS_LIMIT = 10_000;
const VENDOR_DEVICE = 0x40;

export interface MccDevice extends UsbPeripheral {
  readonly model: 'mcc-usb-1608fs-plus';
  readonly settings: MccSettings;
  /** Every scan that was started, in order; those before the latest 10,000 are forgotten. True of this moment. */
  readonly scans: readonly ScanTruth[];
  /** The code that channel `channel` gave in scan `index` of `scan`. */
  codeOf(scan: ScanTruth, channel: number, index: number): number;
}

class SimulatedMcc implements MccDevice {
  readonly model = 'mcc-usb-1608fs-plus';
  readonly settings: MccSettings;
  readonly description: UsbDescription;
  readonly #clock: Clock;
  readonly #signals: Signal[];
  readonly #calibration: Calibration;
  readonly #userMemory = new Uint8Array(USER_MEMORY_BYTES);
  readonly #ranges = new Uint8Array(CHANNELS);
  readonly #fifo = new SampleFifo();
  readonly #scans: Scan[] = [];
  readonly #wake = new Timer(() => this.#output?.ready(DATA_ENDPOINT));
  readonly #originNs: number;
  #output: UsbPeripheralOutput | undefined;
  #scan: Scan | undefined;
  #overrun = false;
  /** The endpoint stalls for it until the host clears the halt. */
  #stalls = false;
  /** The scan's data end on a packet's boundary, and the zero-length packet that says so is still to be sent. */
  #owesZeroPacket = false;
  #unlocked = false;
  #tristate = 0xff;
  #latch = 0xff;
  #countedFromNs = 0;
  readonly #rangesByScan = new Map<ScanTruth, Uint8Array>();

  constructor(parameters: MccParameters, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.settings = parseFields(mccParametersSchema, parameters, 'simulator parameters');
    this.description = describeMcc(this.settings.serialNumber);
    this.#clock = clock;
    this.#originNs = clock.now();
    const seeds = random.fork('signals');
    this.#signals = Array.from({ length: CHANNELS }, (_, channel) => {
      const settings = this.settings.signals[channel] ?? { kind: 'constant', value: 0 };
      return createSignal(settings, seeds.uint32());
    });
    this.#calibration = new Calibration(this.settings.calibration, random.fork('calibration'));
  }

  /** A scan that overruns is noticed when someone looks, so who looks at the truth is someone too. */
  get scans(): readonly ScanTruth[] {
    if (this.#scan !== undefined) this.#advance(this.#scan);
    return this.#scans;
  }

  start(output: UsbPeripheralOutput): void {
    this.#output = output;
    this.#ranges.fill(0);
    this.#tristate = 0xff;
    this.#latch = 0xff;
    this.#unlocked = false;
    this.#countedFromNs = this.#clock.now();
  }

  configured(): void {
    this.#endScan();
    this.#scan = undefined;
    this.#overrun = false;
    this.#stalls = false;
  }

  haltCleared(): void {
    this.#stalls = false;
  }

  stop(): void {
    this.#endScan();
    this.#output = undefined;
  }

  codeOf(scan: ScanTruth, channel: number, index: number): number {
    if (scan.isCounter) return (index * scan.channels.length + scan.channels.indexOf(channel)) & 0xffff;
    const atNs = scan.startNs + Math.ceil((index + 1) * scan.periodNs);
    return this.#convert(channel, (this.#rangesByScan.get(scan) ?? this.#ranges)[channel], atNs);
  }

  out(): number {
    return HANDSHAKE.stall;
  }

  in(_endpointAddress: number, packet: Uint8Array, offset: number, maxLength: number): number {
    const scan = this.#scan;
    if (scan === undefined) return HANDSHAKE.nak;
    this.#advance(scan);
    if (this.#stalls) return HANDSHAKE.stall;
    const wanted = scan.isImmediate ? Math.min(maxLength, 2 * scan.channels.length) : maxLength;
    const waiting = 2 * this.#fifo.length;
    if (waiting >= wanted || (!scan.running && waiting > 0)) {
      const count = this.#fifo.read(packet, offset, wanted);
      this.#owesZeroPacket = scan.isComplete && this.#fifo.length === 0 && count === PACKET_BYTES;
      return count;
    }
    if (this.#owesZeroPacket) {
      this.#owesZeroPacket = false;
      return 0;
    }
    const dueNs = scan.dueNs(wanted);
    if (dueNs < Number.POSITIVE_INFINITY) this.#clock.schedule(this.#wake, dueNs);
    return HANDSHAKE.nak;
  }

  control(setup: Uint8Array, data: Uint8Array, length: number): number {
    if ((setup[0] & ~ENDPOINT_IN) !== VENDOR_DEVICE) return HANDSHAKE.stall;
    if (this.#scan !== undefined) this.#advance(this.#scan);
    return (setup[0] & ENDPOINT_IN) !== 0 ? this.#get(setup, data) : this.#set(setup, data, length);
  }

  #get(setup: Uint8Array, data: Uint8Array): number {
    switch (setup[1]) {
      case REQUEST.dioTristate:
        return put(Uint8Array.of(this.#tristate), data);
      case REQUEST.dioPins:
        return put(
          Uint8Array.of((this.#latch & ~this.#tristate) | (this.settings.digitalInputs & this.#tristate)),
          data,
        );
      case REQUEST.dioLatch:
        return put(Uint8Array.of(this.#latch), data);
      case REQUEST.ain:
        return this.#ain(wValue(setup), wIndex(setup), data);
      case REQUEST.ainConfig:
        return put(this.#ranges, data);
      case REQUEST.counter:
        return put(u32(this.#counted()), data);
      case REQUEST.calibrationMemory:
        return readMemory(this.#calibration.memory, setup, data);
      case REQUEST.userMemory:
        return readMemory(this.#userMemory, setup, data);
      case REQUEST.status:
        return put(Uint8Array.of(this.#status(), 0), data);
      case REQUEST.serial:
        return put(
          Uint8Array.from(this.settings.serialNumber, (c) => c.charCodeAt(0)),
          data,
        );
      default:
        return HANDSHAKE.stall;
    }
  }

  #set(setup: Uint8Array, data: Uint8Array, length: number): number {
    switch (setup[1]) {
      case REQUEST.dioTristate:
        this.#tristate = wValue(setup) & 0xff;
        return HANDSHAKE.ack;
      case REQUEST.dioLatch:
        this.#latch = wValue(setup) & 0xff;
        return HANDSHAKE.ack;
      case REQUEST.ainScanStart:
        return this.#startScan(data, length);
      case REQUEST.ainScanStop:
        this.#endScan();
        return HANDSHAKE.ack;
      case REQUEST.ainConfig:
        return this.#configureInputs(data, length);
      case REQUEST.ainClearFifo:
        this.#fifo.clear();
        this.#owesZeroPacket = false;
        return HANDSHAKE.ack;
      case REQUEST.counter:
        this.#countedFromNs = this.#clock.now();
        return HANDSHAKE.ack;
      case REQUEST.calibrationMemory:
        return this.#writeCalibration(setup, data, length);
      case REQUEST.userMemory:
        return writeMemory(this.#userMemory, wValue(setup), data, length);
      case REQUEST.blink:
        return HANDSHAKE.ack;
      case REQUEST.reset:
        this.#output?.detach();
        return HANDSHAKE.ack;
      default:
        return HANDSHAKE.stall;
    }
  }

  #status(): number {
    const running = this.#scan?.running === true ? STATUS.scanRunning : 0;
    return running | (this.#overrun ? STATUS.overrun : 0);
  }

  #startScan(data: Uint8Array, length: number): number {
    if (length < SCAN_START_BYTES || this.#scan?.running === true) return HANDSHAKE.stall;
    const view = new DataView(data.buffer, data.byteOffset, SCAN_START_BYTES);
    const channelMask = data[8];
    const pacerPeriod = view.getUint32(4, true);
    // Period 0 waits for an external clock, and nothing is connected to that input.
    if (channelMask === 0 || pacerPeriod === 0) return HANDSHAKE.stall;
    const request = { count: view.getUint32(0, true), pacerPeriod, channelMask, options: data[9] };
    const ranges = this.#ranges.slice();
    const { clockPpm } = this.settings;
    this.#fifo.clear();
    const scan = new Scan(request, this.#clock.now(), clockPpm, this.#fifo, (channel, atNs) =>
      this.#convert(channel, ranges[channel], atNs),
    );
    this.#overrun = false;
    this.#stalls = false;
    this.#owesZeroPacket = false;
    this.#scan = scan;
    this.#scans.push(scan);
    this.#rangesByScan.set(scan, ranges);
    if (this.#scans.length > SCANS_LIMIT) {
      const dropped = this.#scans.shift();
      if (dropped !== undefined) this.#rangesByScan.delete(dropped);
    }
    this.#output?.ready(DATA_ENDPOINT);
    return HANDSHAKE.ack;
  }

  #endScan(): void {
    this.#clock.cancel(this.#wake);
    const scan = this.#scan;
    if (scan === undefined) return;
    this.#advance(scan);
    scan.stop();
    this.#output?.ready(DATA_ENDPOINT);
  }

  #advance(scan: Scan): void {
    scan.advance(this.#clock.now());
    if (scan.overrunNs === undefined || this.#overrun) return;
    this.#overrun = true;
    this.#stalls = !scan.inhibitsStall;
  }

  #configureInputs(data: Uint8Array, length: number): number {
    if (length !== CHANNELS || this.#scan?.running === true) return HANDSHAKE.stall;
    for (let i = 0; i < CHANNELS; i++) if (RANGE_VOLTS[data[i]] === undefined) return HANDSHAKE.stall;
    this.#ranges.set(data.subarray(0, CHANNELS));
    return HANDSHAKE.ack;
  }

  #ain(channel: number, range: number, data: Uint8Array): number {
    if (this.#scan?.running === true || channel >= CHANNELS || RANGE_VOLTS[range] === undefined) return HANDSHAKE.stall;
    const code = this.#convert(channel, range, this.#clock.now());
    return put(Uint8Array.of(code & 0xff, code >> 8), data);
  }

  #convert(channel: number, range: number, atNs: number): number {
    const volts = this.#signals[channel](atNs - this.#originNs);
    const code = 32_768 + (volts * 32_768) / RANGE_VOLTS[range];
    return this.#calibration.raw(range, channel, Math.max(0, Math.min(65_535, code)));
  }

  #counted(): number {
    return Math.floor(((this.#clock.now() - this.#countedFromNs) * this.settings.counterHz) / 1e9) >>> 0;
  }

  #writeCalibration(setup: Uint8Array, data: Uint8Array, length: number): number {
    if (wValue(setup) === UNLOCK_ADDRESS) {
      this.#unlocked = length === 2 && (data[0] | (data[1] << 8)) === UNLOCK_CODE;
      return HANDSHAKE.ack;
    }
    return this.#unlocked ? writeMemory(this.#calibration.memory, wValue(setup), data, length) : HANDSHAKE.stall;
  }
}

function put(bytes: Uint8Array, data: Uint8Array): number {
  const count = Math.min(bytes.length, data.length);
  data.set(bytes.subarray(0, count));
  return count;
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

function readMemory(memory: Uint8Array, setup: Uint8Array, data: Uint8Array): number {
  const address = wValue(setup);
  if (address + wLength(setup) > memory.length) return HANDSHAKE.stall;
  return put(memory.subarray(address), data);
}

function writeMemory(memory: Uint8Array, address: number, data: Uint8Array, length: number): number {
  if (address + length > memory.length) return HANDSHAKE.stall;
  memory.set(data.subarray(0, length), address);
  return HANDSHAKE.ack;
}

/** Throws `HAL_INVALID`, naming the field, for parameters that do not fit. */
export function createMccUsb1608fsPlus(
  parameters: MccParameters,
  environment: { readonly clock: Clock; readonly random: Random },
): MccDevice {
  return new SimulatedMcc(parameters, environment);
}
