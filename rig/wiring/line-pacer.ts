/** Hands bytes to a port no faster than its line carries them, so that what waits, waits where its bound is known. */

import { type Clock, NS_PER_MS, Timer } from '../../base/index.js';
import { bitsPerCharacter, type LineSettings, type SerialPort } from '../../hal/index.js';
import type { ByteStream } from './byte-stream.js';
import type { StationOutput } from './station.js';

/** In virtual time: characters the port holds before the one on the line is complete. */
const AHEAD_CHARACTERS = 2;
/** In wall time: how far ahead the port is kept busy, beyond the host's timer resolution. */
const AHEAD_WALL_NS = 20 * NS_PER_MS;

export class LinePacer implements StationOutput {
  /** Characters handed to the port. */
  sent = 0;
  readonly #timer = new Timer(() => this.#push());
  readonly #scratch: Uint8Array;
  #target = 0;
  #characterNs = 0;
  #lineFreeNs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly stream: ByteStream,
    private readonly port: SerialPort,
    line: LineSettings,
  ) {
    this.#scratch = new Uint8Array(stream.capacity);
    this.configure(line);
  }

  configure(line: LineSettings): void {
    this.#characterNs = (bitsPerCharacter(line) * 1e9) / line.baudRate;
  }

  arrive(position: number): void {
    this.#target = position;
    if (!this.#timer.armed) this.#push();
  }

  #push(): void {
    const nowNs = this.clock.now();
    const aheadNs = this.clock.domain === 'wall' ? AHEAD_WALL_NS : AHEAD_CHARACTERS * this.#characterNs;
    if (this.#lineFreeNs < nowNs) this.#lineFreeNs = nowNs;
    let length = 0;
    while (this.sent < this.#target && this.#lineFreeNs - nowNs < aheadNs) {
      this.#scratch[length++] = this.stream.byteAt(this.sent++);
      this.#lineFreeNs += this.#characterNs;
    }
    if (length > 0) this.port.transmit(this.#scratch, 0, length);
    if (this.sent < this.#target) this.clock.schedule(this.#timer, Math.ceil(this.#lineFreeNs - aheadNs / 2));
  }
}
