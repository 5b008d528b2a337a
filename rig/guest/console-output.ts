/** The guest's console on its way to standard output, byte for byte. */

/** Beyond so many bytes that are not written yet the guest has to wait. */
const MOST_PENDING = 1 << 20;
const FIRST_CAPACITY = 4096;

/** Bytes are gathered and written when the event loop turns, or by `flush`. */
export class ConsoleOutput {
  /** Called with each byte, for whoever waits for a text. */
  onByte: ((byte: number) => void) | undefined;
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;
  #isBlocked = false;
  #onFull: () => void = () => {};
  readonly #flushLater = (): void => this.flush();

  constructor(readonly stream: NodeJS.WritableStream) {}

  /** `full` is called when the guest has to wait: whoever runs it then awaits `drained`. */
  attach(full: () => void): void {
    this.#onFull = full;
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return !this.stream.writable;
  }

  put(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow();
    if (this.#length === 0) setImmediate(this.#flushLater);
    this.#bytes[this.#length++] = byte;
    this.onByte?.(byte);
    if (this.#length === MOST_PENDING) this.#onFull();
  }

  /** Hands everything to the stream. */
  flush(): void {
    if (this.#length === 0) return;
    // The stream keeps the bytes until they are written.
    if (!this.isClosed && !this.stream.write(this.#bytes.slice(0, this.#length))) this.#isBlocked = true;
    this.#length = 0;
  }

  /** Hands everything on and waits until the stream takes more, or is closed. */
  async drained(): Promise<void> {
    this.flush();
    if (!this.#isBlocked || this.isClosed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done);
        this.stream.off('close', done);
        this.stream.off('error', done);
        resolve();
      };
      this.stream.on('drain', done).on('close', done).on('error', done);
    });
    this.#isBlocked = false;
  }

  #grow(): void {
    const grown = new Uint8Array(2 * this.#bytes.length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
