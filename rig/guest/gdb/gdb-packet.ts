/** Packets of GDB's remote protocol (GDB manual, appendix E.1): `$data#checksum`, with bytes that are escaped. */

/** Longest packet that is read, as `qSupported` says; a longer one is dropped. */
export const MOST_PACKET_BYTES = 0x4000;

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;

export interface PacketHandlers {
  /** A packet with a good checksum, unescaped, one character a byte. */
  packet(data: string): void;
  /** A packet with a wrong checksum, or none. */
  damaged(): void;
  /** A Ctrl-C between packets. */
  interrupted(): void;
}

/** Takes a stream apart, however it is cut; never keeps more than one packet. */
export class PacketReader {
  readonly #handlers: PacketHandlers;
  #state: 'outside' | 'data' | 'escaped' | 'checksum' = 'outside';
  #data = '';
  #sum = 0;
  #isTooLong = false;
  #digits = '';

  constructor(handlers: PacketHandlers) {
    this.#handlers = handlers;
  }

  see(bytes: Uint8Array): void {
    for (const byte of bytes) this.#byte(byte);
  }

  #byte(byte: number): void {
    if (this.#state === 'outside') {
      if (byte === DOLLAR) this.#begin();
      else if (byte === INTERRUPT) this.#handlers.interrupted();
      return;
    }
    if (this.#state === 'checksum') {
      this.#digits += String.fromCharCode(byte);
      if (this.#digits.length === 2) this.#end();
      return;
    }
    if (byte === HASH && this.#state === 'data') {
      this.#state = 'checksum';
      this.#digits = '';
      return;
    }
    if (byte === DOLLAR) {
      // The packet before was cut off.
      this.#begin();
      return;
    }
    this.#sum = (this.#sum + byte) & 0xff;
    if (this.#state === 'data' && byte === ESCAPE) {
      this.#state = 'escaped';
      return;
    }
    const value = this.#state === 'escaped' ? byte ^ 0x20 : byte;
    this.#state = 'data';
    if (this.#data.length < MOST_PACKET_BYTES) this.#data += String.fromCharCode(value);
    else this.#isTooLong = true;
  }

  #begin(): void {
    this.#state = 'data';
    this.#data = '';
    this.#sum = 0;
    this.#isTooLong = false;
  }

  #end(): void {
    this.#state = 'outside';
    const isGood = /^[0-9a-f]{2}$/i.test(this.#digits) && Number.parseInt(this.#digits, 16) === this.#sum;
    if (isGood && !this.#isTooLong) this.#handlers.packet(this.#data);
    else this.#handlers.damaged();
  }
}

/** The packet that carries `data`, one byte a character. */
export function framePacket(data: string): Uint8Array {
  const bytes: number[] = [DOLLAR];
  let sum = 0;
  const put = (byte: number): void => {
    bytes.push(byte);
    sum = (sum + byte) & 0xff;
  };
  for (let i = 0; i < data.length; i++) {
    const byte = data.charCodeAt(i) & 0xff;
    const isSpecial = byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === 0x2a;
    if (isSpecial) put(ESCAPE);
    put(isSpecial ? byte ^ 0x20 : byte);
  }
  const digits = sum.toString(16).padStart(2, '0');
  bytes.push(HASH, digits.charCodeAt(0), digits.charCodeAt(1));
  return Uint8Array.from(bytes);
}
