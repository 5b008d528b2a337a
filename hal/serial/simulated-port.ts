/** Serial ports that need no hardware: one with a simulated device behind it, and two joined by a null-modem cable. */

import { ByteQueue, type Clock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { checkLine } from './line-settings.js';
import type { ReceiverOptions } from './receive-fifo.js';
import type { SerialDevice, SerialDeviceOutput } from './serial-device.js';
import {
  LINE_STATUS,
  type LineSettings,
  MODEM_CONTROL,
  MODEM_STATUS,
  type SerialPort,
  type SerialSink,
} from './serial-port.js';
import { type LineEnd, type LineTerminal, type ReceiverControl, SimulatedLine } from './uart-line.js';

/** What an operating system keeps of a port nobody has attached to yet. */
const EARLY_CAPACITY = 4096;

/** A port of a simulated line. */
export interface SimulatedPort extends SerialPort {
  /** The host's receive side: holding it models a host that does not come round to its UART. */
  readonly receiver: ReceiverControl;
  /** Settings now in force at the host's end. */
  readonly line: LineSettings;
  /** Bytes the host has queued that have not left. */
  readonly backlog: number;
  /** The device is pulled: queued bytes are dropped and the sink is told `HAL_DISCONNECTED`. */
  unplug(): void;
}

class LinePort implements SimulatedPort {
  readonly #firstLine: () => LineSettings;
  readonly #early = new ByteQueue(EARLY_CAPACITY);
  #earlyOverrun = 0;
  #line: LineSettings | undefined;
  #sink: SerialSink | undefined;
  #end: LineEnd | undefined;
  #modemStatus = 0;
  #ended: 'closed' | 'unplugged' | undefined;

  constructor(
    readonly name: string,
    firstLine: () => LineSettings,
    readonly onAttach: () => void,
    readonly onEnd: () => void,
  ) {
    this.#firstLine = firstLine;
  }

  connect(end: LineEnd): void {
    this.#end = end;
  }

  get receiver(): ReceiverControl {
    return this.#joined();
  }

  get backlog(): number {
    return this.#end?.backlog ?? 0;
  }

  get line(): LineSettings {
    return this.#line ?? this.#firstLine();
  }

  attach(sink: SerialSink): void {
    if (this.#sink !== undefined)
      throw new HalError('HAL_IN_USE', `${this.name} has its host side already`, { where: this.name });
    this.#refuseClosed();
    this.#sink = sink;
    if (this.#modemStatus !== 0) sink.modemStatus(this.#modemStatus);
    while (this.#early.length > 0) {
      const status = this.#early.peekStatus();
      sink.receive(this.#early.shift(), status);
    }
    this.onAttach();
  }

  configure(settings: LineSettings): void {
    this.#refuseClosed();
    checkLine(settings, this.name);
    this.#line = settings;
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#refuseClosed();
    if (this.#ended === undefined) this.#joined().transmit(bytes, offset, length);
  }

  modemControl(bits: number): void {
    this.#refuseClosed();
    if (this.#ended !== undefined) return;
    this.#joined().holdBreak((bits & MODEM_CONTROL.break) !== 0);
    this.#joined().driveModem(bits & ~MODEM_CONTROL.break);
  }

  close(): void {
    if (this.#ended === 'closed') return;
    const first = this.#ended === undefined;
    this.#ended = 'closed';
    if (first) this.onEnd();
  }

  unplug(): void {
    if (this.#ended !== undefined) return;
    this.#ended = 'unplugged';
    this.onEnd();
    this.#sink?.disconnected(
      new HalError('HAL_DISCONNECTED', `${this.name} was unplugged`, {
        where: this.name,
        hint: 'Plug the device in again and open the port anew.',
      }),
    );
  }

  receive(byte: number, lineStatus: number): void {
    if (this.#ended !== undefined) return;
    if (this.#sink !== undefined) {
      this.#sink.receive(byte, lineStatus);
    } else if (this.#early.push(byte, lineStatus | this.#earlyOverrun)) {
      this.#earlyOverrun = 0;
    } else {
      this.#earlyOverrun = LINE_STATUS.overrun;
    }
  }

  modem(bits: number): void {
    if (this.#ended !== undefined || bits === this.#modemStatus) return;
    this.#modemStatus = bits;
    this.#sink?.modemStatus(bits);
  }

  #joined(): LineEnd {
    if (this.#end === undefined) throw new HalError('HAL_CLOSED', `${this.name} is not joined to a line`);
    return this.#end;
  }

  #refuseClosed(): void {
    if (this.#ended === 'closed') throw new HalError('HAL_CLOSED', `${this.name} is closed`, { where: this.name });
  }
}

class DeviceTerminal implements LineTerminal, SerialDeviceOutput {
  #end: LineEnd | undefined;

  constructor(readonly device: SerialDevice) {}

  connect(end: LineEnd): void {
    this.#end = end;
  }

  get backlog(): number {
    return this.#end?.backlog ?? 0;
  }

  line(): LineSettings {
    return this.device.line;
  }

  receive(byte: number, lineStatus: number): void {
    this.device.receive(byte, lineStatus);
  }

  modem(bits: number): void {
    this.device.modemControl(bits);
  }

  idle(): void {
    this.device.transmitIdle?.();
  }

  transmit(bytes: Uint8Array, offset: number, length: number): void {
    this.#end?.transmit(bytes, offset, length);
  }

  breakFor(durationNs: number): void {
    this.#end?.breakFor(durationNs);
  }

  modemStatus(bits: number): void {
    this.#end?.driveModem(bits);
  }
}

export interface SimulatedPortOptions {
  /** How a person names it: `sim:gnss-receiver`. */
  readonly name: string;
  readonly clock: Clock;
  readonly device: SerialDevice;
  /** How the host takes characters; left out, at once and without loss. */
  readonly host?: ReceiverOptions;
  /** How the device takes characters; left out, at once and without loss. */
  readonly peer?: ReceiverOptions;
}

/**
 * A port with `device` behind it. The device is started when the host side attaches and stopped when the port closes or is
 * unplugged. Until the host configures its line it listens with the device's own settings.
 */
export function createSimulatedPort(options: SimulatedPortOptions): SimulatedPort {
  const { device, clock, name } = options;
  checkLine(device.line, name);
  const terminal = new DeviceTerminal(device);
  let running = false;
  const port = new LinePort(
    name,
    () => device.line,
    () => {
      running = true;
      device.start(terminal);
    },
    () => {
      line.stop();
      if (running) device.stop();
      running = false;
    },
  );
  const line = new SimulatedLine({
    clock,
    name,
    a: asTerminal(port),
    b: terminal,
    aReceiver: options.host,
    bReceiver: options.peer,
  });
  port.connect(line.a);
  terminal.connect(line.b);
  return port;
}

export interface SimulatedLinkOptions {
  readonly clock: Clock;
  readonly names: readonly [string, string];
  /** Both ends until they are configured. */
  readonly line: LineSettings;
  readonly receivers?: readonly [ReceiverOptions | undefined, ReceiverOptions | undefined];
}

/** Two ports joined by a null-modem cable: RTS drives the other's CTS, DTR its DSR and DCD. Closing one leaves the other silent. */
export function createSimulatedLink(options: SimulatedLinkOptions): [SimulatedPort, SimulatedPort] {
  checkLine(options.line, options.names[0]);
  const ends: { line?: SimulatedLine } = {};
  const first = () => options.line;
  const a = new LinePort(
    options.names[0],
    first,
    () => {},
    () => ends.line?.a.stop(),
  );
  const b = new LinePort(
    options.names[1],
    first,
    () => {},
    () => ends.line?.b.stop(),
  );
  const line = new SimulatedLine({
    clock: options.clock,
    name: `${a.name} to ${b.name}`,
    a: asTerminal(a, nullModem),
    b: asTerminal(b, nullModem),
    aReceiver: options.receivers?.[0],
    bReceiver: options.receivers?.[1],
  });
  ends.line = line;
  a.connect(line.a);
  b.connect(line.b);
  return [a, b];
}

function asTerminal(port: LinePort, translate: (bits: number) => number = (bits) => bits): LineTerminal {
  return {
    line: () => port.line,
    receive: (byte, status) => port.receive(byte, status),
    modem: (bits) => port.modem(translate(bits)),
    idle: () => {},
  };
}

function nullModem(control: number): number {
  return (
    (control & MODEM_CONTROL.rts ? MODEM_STATUS.cts : 0) |
    (control & MODEM_CONTROL.dtr ? MODEM_STATUS.dsr | MODEM_STATUS.dcd : 0)
  );
}
