/**
 * The partitioned architecture's I/O path: one cell owns the device; its I/O loop moves bytes between the port and the
 * rings in guest memory. The guest's side of it costs no VM exit.
 */

import { type Clock, Timer } from '../../base/index.js';
import type { HalError, LineSettings, SerialPort, SerialSink } from '../../hal/index.js';
import type { CharacterBackend, CharacterLine } from '../../vmm/index.js';
import { ByteStream } from './byte-stream.js';
import { LinePacer } from './line-pacer.js';
import { chainStations, type StationModel } from './path-stations.js';
import { isPossible } from './possible-line.js';
import { ShareCounters } from './share-counters.js';
import type { StationOutput } from './station.js';

const HOST_BUFFER = 4096;
const TRANSMIT_BUFFER = 4096;

/** The ring as the I/O loop sees it; `SerialRing` of the monitor is one. */
export interface CellRing {
  attach(backend: CharacterBackend): void;
  receive(byte: number, lineStatus: number): boolean;
  overrun(): void;
  modemStatus(bits: number): void;
  /** Makes received characters visible and rings the doorbell. */
  publish(): void;
  /** Takes what the guest put into its transmit ring, and changed line settings. */
  poll(): void;
}

export interface CellPathOptions {
  readonly clock: Clock;
  readonly port: SerialPort;
  readonly line: LineSettings;
  readonly model: StationModel | undefined;
  /** Period of the I/O loop while the guest runs; absent where somebody else polls the ring. */
  readonly pollNs: number | undefined;
  /** Whether the guest waits in `wfi`; then its rings cannot change and the loop rests. */
  readonly guestIdle: () => boolean;
  readonly lost: (error: HalError) => void;
}

export class CellPath implements SerialSink, CharacterBackend {
  readonly counters = new ShareCounters();
  /** Line settings that the guest programmed and no port can have. */
  refusedSettings = 0;
  readonly #options: CellPathOptions;
  readonly #ring: CellRing;
  readonly #stream = new ByteStream(HOST_BUFFER);
  readonly #transmit = new ByteStream(TRANSMIT_BUFFER);
  readonly #pacer: LinePacer;
  readonly #inbound: StationOutput;
  readonly #outbound: StationOutput;
  readonly #loop: Timer;
  #read = 0;

  constructor(ring: CellRing, options: CellPathOptions) {
    this.#options = options;
    this.#ring = ring;
    this.#loop = new Timer(() => this.#turn());
    this.#inbound = chainStations(['hostOs', 'cellLoop'], options.clock, options.model, 'in', {
      arrive: (position) => this.#deliver(position),
    });
    this.#pacer = new LinePacer(options.clock, this.#transmit, options.port, options.line);
    this.#outbound = chainStations(['cellLoop', 'hostOs'], options.clock, options.model, 'out', this.#pacer);
    ring.attach(this);
    options.port.attach(this);
    this.wake();
  }

  /** The guest runs again: its rings have to be watched. */
  wake(): void {
    const { clock, pollNs } = this.#options;
    if (pollNs !== undefined && !this.#loop.armed) clock.schedule(this.#loop, clock.now() + pollNs);
  }

  receive(byte: number, lineStatus: number): void {
    if (this.#stream.end - this.#read >= HOST_BUFFER) {
      this.counters.lose(this.counters.delivered + this.#stream.end - this.#read);
      this.#ring.overrun();
      return;
    }
    this.#stream.append(byte, lineStatus);
    this.#inbound.arrive(this.#stream.end);
  }

  modemStatus(bits: number): void {
    this.#ring.modemStatus(bits);
  }

  disconnected(error: HalError): void {
    this.#options.lost(error);
  }

  transmit(byte: number): void {
    if (this.#transmit.end - this.#pacer.sent >= TRANSMIT_BUFFER) {
      this.counters.transmitLost++;
      return;
    }
    this.counters.transmitted++;
    this.#transmit.append(byte, 0);
    this.#outbound.arrive(this.#transmit.end);
  }

  roomAvailable(): void {
    // The ring has thousands of entries; a character that does not fit is lost and counted there.
  }

  /** What no port can do stays as it was: a guest that programs rubbish harms itself alone. */
  configure(line: CharacterLine): void {
    if (!isPossible(line)) {
      this.refusedSettings++;
      return;
    }
    this.#pacer.configure(line);
    this.#options.port.configure({ ...line });
  }

  modemControl(bits: number): void {
    this.#options.port.modemControl(bits);
  }

  #turn(): void {
    this.#ring.poll();
    if (!this.#options.guestIdle()) this.wake();
  }

  #deliver(position: number): void {
    for (; this.#read < position; this.#read++) {
      if (this.#ring.receive(this.#stream.byteAt(this.#read), this.#stream.statusAt(this.#read)))
        this.counters.delivered++;
      else {
        this.counters.lose();
        this.#ring.overrun();
      }
    }
    this.#ring.publish();
    this.wake();
  }
}
