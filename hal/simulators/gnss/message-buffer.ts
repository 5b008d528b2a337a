/** The preallocated buffer in which one epoch's messages are put together, one after the other. */

export class MessageBuffer {
  readonly bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  /** Appends one byte; throws RangeError when the buffer is full, so that no message is ever cut short silently. */
  put(byte: number): void {
    if (this.length === this.bytes.length) throw new RangeError(`a message buffer of ${this.length} bytes is full`);
    this.bytes[this.length++] = byte;
  }

  /** Appends the characters of `text`, which must be ASCII. */
  putText(text: string): void {
    for (let i = 0; i < text.length; i++) this.put(text.charCodeAt(i));
  }
}
