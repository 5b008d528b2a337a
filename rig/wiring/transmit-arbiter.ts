/** Decides whose bytes go on a shared line, and takes them through the stations to the port. */

import { type Clock, Timer } from '../../base/index.js';
import { bitsPerCharacter, type LineSettings, type SerialPort } from '../../hal/index.js';
import { ByteStream } from './byte-stream.js';
import { LinePacer } from './line-pacer.js';
import { chainStations, type StationModel } from './path-stations.js';
import type { StationOutput } from './station.js';

const QUEUE = 4096;
/** A guest keeps the line until it has been silent for so many character times: Modbus RTU's 3.5, rounded up. */
const HOLD_CHARACTERS = 4;

/**
 * Fair by message: the guest that speaks holds the line until it pauses for four character times; then the others get
 * it in turn, oldest first by number. Bytes of two guests are never mixed within a message. A guest that fills its
 * queue of 4,096 characters while others speak loses the rest, counted.
 */
export class TransmitArbiter {
  readonly #queues: ByteStream[] = [];
  readonly #sent: number[] = [];
  readonly #line = new ByteStream(QUEUE);
  readonly #pacer: LinePacer;
  readonly #release: Timer;
  readonly #outbound: StationOutput;
  #holder = -1;
  #holdNs: number;
  /** Characters lost because a guest's queue was full. */
  lost = 0;

  constructor(
    private readonly clock: Clock,
    model: StationModel | undefined,
    port: SerialPort,
    line: LineSettings,
  ) {
    this.#holdNs = holdNs(line);
    this.#release = new Timer(() => this.#passOn());
    this.#pacer = new LinePacer(clock, this.#line, port, line);
    this.#outbound = chainStations(['driver', 'ioProcess', 'hostOs'], clock, model, 'out', this.#pacer);
  }

  configure(line: LineSettings): void {
    this.#holdNs = holdNs(line);
    this.#pacer.configure(line);
  }

  addGuest(): number {
    this.#queues.push(new ByteStream(QUEUE));
    this.#sent.push(0);
    return this.#queues.length - 1;
  }

  offer(guest: number, byte: number): void {
    const queue = this.#queues[guest];
    if (queue.end - this.#sent[guest] >= QUEUE) {
      this.lost++;
      return;
    }
    queue.append(byte, 0);
    if (this.#holder < 0) this.#holder = guest;
    if (this.#holder === guest) this.#drain(guest);
  }

  #drain(guest: number): void {
    const queue = this.#queues[guest];
    while (this.#sent[guest] < queue.end && this.#line.end - this.#pacer.sent < QUEUE) {
      this.#line.append(queue.byteAt(this.#sent[guest]), 0);
      this.#sent[guest]++;
    }
    this.#outbound.arrive(this.#line.end);
    this.clock.schedule(this.#release, this.clock.now() + this.#holdNs);
  }

  #passOn(): void {
    const count = this.#queues.length;
    const last = this.#holder;
    this.#holder = -1;
    for (let step = 1; step <= count; step++) {
      const guest = (last + step) % count;
      if (this.#sent[guest] === this.#queues[guest].end) continue;
      this.#holder = guest;
      this.#drain(guest);
      return;
    }
  }
}

function holdNs(line: LineSettings): number {
  return Math.ceil((HOLD_CHARACTERS * bitsPerCharacter(line) * 1e9) / line.baudRate);
}
