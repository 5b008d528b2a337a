/** A guest's side of a session, small and apart from the code under test: leases, asks, and one TCP connection that resends. */

import { Timer, type VirtualClock } from '../../base/index.js';
import {
  DNS_IP,
  DNS_MAC,
  ethernet,
  fromHex,
  GATEWAY_IP,
  GUEST_IP,
  GUEST_MAC,
  hex,
  isTcp,
  readTcp,
  type TestCard,
  tcp,
  u16,
  u32,
  udp,
} from './net-test-kit.js';

const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;
const MSS = 1460;
const RESEND_NS = 200_000_000;
const EVERYONE_MAC = 'ff'.repeat(6);
const MAX_UNACKNOWLEDGED = 8 * MSS;

/** Sends a frame until `read` finds the answer among what comes back. */
export function askUntil<T>(card: TestCard, frame: Uint8Array, read: (answer: Uint8Array) => T | undefined): T {
  for (let attempt = 0; attempt < 100; attempt++) {
    card.send(frame);
    for (const answer of card.take()) {
      const found = read(answer);
      if (found !== undefined) return found;
    }
    card.clock.advanceTo(card.clock.now() + RESEND_NS);
  }
  throw new Error('nobody answers');
}

function dhcpMessage(type: number, options: readonly number[]): Uint8Array {
  const zeros = (count: number): number[] => new Array<number>(count).fill(0);
  const fixed = [1, 1, 6, 0, ...u32(0x1234_5678), ...zeros(20), ...fromHex(GUEST_MAC), ...zeros(202)];
  const message = [...fixed, 0x63, 0x82, 0x53, 0x63, 53, 1, type, ...options, 255];
  return ethernet(EVERYONE_MAC, 0x0800, udp([255, 255, 255, 255], 67, message, [0, 0, 0, 0], 68));
}

/** The address leased, after an offer and an acknowledgment. */
export function lease(card: TestCard): string {
  const reply = (type: number) => (answer: Uint8Array) =>
    answer[284] === type ? hex(answer.subarray(58, 62)) : undefined;
  const offered = askUntil(card, dhcpMessage(1, []), reply(2));
  return askUntil(card, dhcpMessage(3, [50, 4, ...fromHex(offered), 54, 4, ...GATEWAY_IP]), reply(5));
}

/** The Ethernet address of the gateway. */
export function askGatewayMac(card: TestCard): string {
  const addresses = [...fromHex(GUEST_MAC), ...GUEST_IP, 0, 0, 0, 0, 0, 0, ...GATEWAY_IP];
  const request = ethernet(EVERYONE_MAC, 0x0806, [0, 1, 8, 0, 6, 4, 0, 1, ...addresses]);
  return askUntil(card, request, (answer) => (answer[13] === 6 ? hex(answer.subarray(22, 28)) : undefined));
}

/** The address of a name. */
export function resolve(card: TestCard, name: string): string {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  const query = [0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1];
  const frame = ethernet(DNS_MAC, 0x0800, udp(DNS_IP, 53, query));
  return askUntil(card, frame, (answer) => (answer[35] === 53 ? hex(answer.subarray(-4)) : undefined));
}

/** Sends a message, closes, and keeps what comes back; resends everything from the first byte not acknowledged. */
export class TestTcpClient {
  readonly received: number[] = [];
  closed = false;
  wasReset = false;
  readonly #timer = new Timer(() => this.#resend());
  readonly #port: number;
  #unacknowledged = 5000;
  #next = 5000;
  #acknowledgment = 0;
  #established = false;
  #finAcknowledged = false;
  #window = 0;

  constructor(
    readonly card: TestCard,
    readonly clock: VirtualClock,
    readonly message: Uint8Array,
    readonly from: number,
    port = 7,
  ) {
    this.#port = port;
    this.#resend();
  }

  /** Handles a frame if it belongs to this connection. */
  handle(frame: Uint8Array): void {
    if (!isTcp(frame) || frame.length < 54 || hex(frame.subarray(36, 38)) !== hex(Uint8Array.from(u16(this.from))))
      return;
    const segment = readTcp(frame);
    if ((segment.flags & FLAG.RST) !== 0) {
      this.wasReset = true;
      this.clock.cancel(this.#timer);
      return;
    }
    if ((segment.flags & FLAG.SYN) !== 0) {
      if (!this.#established) {
        this.#established = true;
        this.#unacknowledged = this.#next = segment.acknowledgment;
        this.#acknowledgment = (segment.sequence + 1) >>> 0;
      }
    } else {
      this.#takeAcknowledgment(segment.acknowledgment);
      this.#takePayload(segment);
    }
    this.#window = segment.window;
    if ((segment.flags & (FLAG.SYN | FLAG.FIN)) !== 0 || segment.payload.length > 0) this.#send(FLAG.ACK, []);
    this.#push();
  }

  #takeAcknowledgment(acknowledgment: number): void {
    if (acknowledgment <= this.#unacknowledged) return;
    this.#unacknowledged = acknowledgment;
    this.#next = Math.max(this.#next, acknowledgment);
    if (acknowledgment === 5002 + this.message.length) this.#finAcknowledged = true;
    this.clock.cancel(this.#timer);
  }

  #takePayload({ sequence, flags, payload }: ReturnType<typeof readTcp>): void {
    if (sequence !== this.#acknowledgment || this.closed) return;
    for (const byte of payload) this.received.push(byte);
    const hasFin = (flags & FLAG.FIN) !== 0;
    this.#acknowledgment = (sequence + payload.length + (hasFin ? 1 : 0)) >>> 0;
    if (hasFin) this.closed = true;
  }

  #resend(): void {
    this.#next = this.#unacknowledged;
    if (this.#established) this.#push();
    else this.#send(FLAG.SYN, [], [2, 4, 5, 0xb4]);
    if (!this.#finAcknowledged) this.clock.schedule(this.#timer, this.clock.now() + RESEND_NS);
  }

  #push(): void {
    const end = 5001 + this.message.length;
    const limit = this.#unacknowledged + Math.min(this.#window, MAX_UNACKNOWLEDGED);
    while (this.#next < Math.min(end, limit)) {
      const at = this.#next - 5001;
      const payload = this.message.subarray(at, at + Math.min(MSS, limit - this.#next));
      this.#send(FLAG.ACK, payload);
      this.#next += payload.length;
    }
    if (this.#next === end) {
      this.#send(FLAG.ACK | FLAG.FIN, []);
      this.#next++;
    }
    const waits = this.#unacknowledged < this.#next;
    if (waits && !this.#timer.armed) this.clock.schedule(this.#timer, this.clock.now() + RESEND_NS);
  }

  #send(flags: number, payload: ArrayLike<number>, options: readonly number[] = []): void {
    const acknowledgment = this.#acknowledgment;
    const { from } = this;
    const to = this.#port;
    this.card.send(
      tcp({ from, to, sequence: this.#next, acknowledgment, flags, options, payload: Array.from(payload) }),
    );
  }
}
