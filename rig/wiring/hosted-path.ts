/**
 * The hosted architecture's I/O path: the host owns one serial device, its bytes pass host OS, I/O process and the
 * VMM's driver to the emulated frontend of every guest that shares it, and back.
 */

import type { Clock } from '../../base/index.js';
import type { HalError, LineSettings, SerialPort, SerialSink } from '../../hal/index.js';
import type { CharacterBackend, CharacterFrontend, CharacterLine } from '../../vmm/index.js';
import { ByteStream } from './byte-stream.js';
import { chainStations, type StationModel } from './path-stations.js';
import { isPossible } from './possible-line.js';
import { ShareCounters } from './share-counters.js';
import type { StationOutput } from './station.js';
import { TransmitArbiter } from './transmit-arbiter.js';

/** Characters the host keeps for a guest that does not read (the tty layer's buffer on Linux). */
const HOST_BUFFER = 4096;

export interface HostedPathOptions {
  readonly clock: Clock;
  readonly port: SerialPort;
  /** The line as the host application opened it. */
  readonly line: LineSettings;
  readonly model: StationModel | undefined;
  /** Fewest characters gathered before a frontend is interrupted: told the frontend when a batch is complete. */
  readonly lost: (error: HalError) => void;
}

class GuestShare implements CharacterBackend {
  readonly counters = new ShareCounters();
  /** Next position of the stream to hand to this guest. */
  read = 0;
  /** Position up to which bytes have reached the frontend's door. */
  ready = 0;

  constructor(
    private readonly stream: ByteStream,
    readonly frontend: CharacterFrontend,
    private readonly burstEnd: () => void,
    private readonly arbiter: TransmitArbiter,
    private readonly index: number,
    private readonly programmed: (line: CharacterLine, index: number) => void,
    private readonly lines: (bits: number, index: number) => void,
  ) {}

  /** Makes room for one more character in the stream: what this guest has not read by now is lost to it alone. */
  dropOldest(): void {
    this.read++;
    if (this.ready < this.read) this.ready = this.read;
    this.counters.lose();
    this.frontend.overrun();
  }

  pump(): void {
    const before = this.read;
    while (
      this.read < this.ready &&
      this.frontend.receive(this.stream.byteAt(this.read), this.stream.statusAt(this.read))
    )
      this.read++;
    if (this.read === before) return;
    this.counters.delivered += this.read - before;
    this.burstEnd();
  }

  transmit(byte: number): void {
    this.counters.transmitted++;
    this.arbiter.offer(this.index, byte);
  }

  roomAvailable(): void {
    this.pump();
  }

  configure(line: CharacterLine): void {
    this.programmed(line, this.index);
  }

  modemControl(bits: number): void {
    this.lines(bits, this.index);
  }
}

export class HostedPath implements SerialSink {
  readonly #options: HostedPathOptions;
  readonly #stream = new ByteStream(HOST_BUFFER);
  readonly #shares: GuestShare[] = [];
  readonly #arbiter: TransmitArbiter;
  readonly #inbound: StationOutput;
  #line: LineSettings;
  /** Settings a guest asked for that the path did not make: the device is shared, or no port can have them. */
  refusedSettings = 0;

  constructor(options: HostedPathOptions) {
    this.#options = options;
    this.#line = options.line;
    this.#inbound = chainStations(['hostOs', 'ioProcess', 'driver'], options.clock, options.model, 'in', {
      arrive: (position) => this.#deliver(position),
    });
    this.#arbiter = new TransmitArbiter(options.clock, options.model, options.port, options.line);
    options.port.attach(this);
  }

  /** Gives one guest its share. `burstEnd` is called after each batch handed to the frontend. */
  connect(frontend: CharacterFrontend, burstEnd: () => void): ShareCounters {
    const share = new GuestShare(
      this.#stream,
      frontend,
      burstEnd,
      this.#arbiter,
      this.#arbiter.addGuest(),
      (line) => this.#programmed(line),
      (bits) => this.#modemControl(bits),
    );
    this.#shares.push(share);
    frontend.attach(share);
    return share.counters;
  }

  receive(byte: number, lineStatus: number): void {
    for (const share of this.#shares) if (this.#stream.end - share.read >= HOST_BUFFER) share.dropOldest();
    this.#stream.append(byte, lineStatus);
    this.#inbound.arrive(this.#stream.end);
  }

  modemStatus(bits: number): void {
    for (const share of this.#shares) share.frontend.modemStatus(bits);
  }

  disconnected(error: HalError): void {
    this.#options.lost(error);
  }

  #deliver(position: number): void {
    for (const share of this.#shares) {
      if (position > share.ready) share.ready = position;
      share.pump();
    }
  }

  /** A device of one guest follows what that guest programs; a shared one keeps the settings it was opened with. */
  #programmed(line: CharacterLine): void {
    const same =
      line.baudRate === this.#line.baudRate &&
      line.dataBits === this.#line.dataBits &&
      line.parity === this.#line.parity &&
      line.stopBits === this.#line.stopBits;
    if (same) return;
    if (this.#shares.length > 1 || !isPossible(line)) {
      this.refusedSettings++;
      return;
    }
    this.#line = { ...line };
    this.#arbiter.configure(this.#line);
    this.#options.port.configure(this.#line);
  }

  #modemControl(bits: number): void {
    if (this.#shares.length === 1) this.#options.port.modemControl(bits);
  }
}
