/** The host's end of all TCP connections of the guest: which there are, and which may be added. */

import { type Clock, Timer } from '../../base/index.js';
import { ByteRing } from './byte-ring.js';
import type { Ipv4Packet } from './ipv4.js';
import type { Link } from './link.js';
import { type TcpBuffers, TcpConnection, type TcpOwner } from './tcp-connection.js';
import type { TcpConnector } from './tcp-connector.js';
import { TCP_FLAG, TcpOutput, TcpSegment } from './tcp-segment.js';

/** More than this at a time are refused. */
export const MAX_CONNECTIONS = 64;
/** For each direction of a connection. */
export const TCP_BUFFER_BYTES = 0x1_0000;

/** The initial sequence number moves on every 4 µs, and with each connection (RFC 9293, section 3.4.1). */
const SEQUENCE_TICK_NS = 4000;
const SEQUENCES_OF_A_CONNECTION = 0x1_0000;

export class TcpHost implements TcpOwner {
  readonly counts = { opened: 0, refused: 0, reset: 0, gaveUp: 0, retransmitted: 0 };
  readonly output: TcpOutput;
  readonly #connector: TcpConnector | undefined;
  readonly #segment = new TcpSegment();
  readonly #connections = new Map<number, TcpConnection>();
  /** Of closed connections, for the next ones. */
  readonly #buffers: TcpBuffers[] = [];
  #sequenceBase = 0;
  readonly #burstEnd = new Timer(() => this.#acknowledgeAll());

  constructor(
    readonly clock: Clock,
    link: Link,
    connector: TcpConnector | undefined,
  ) {
    this.output = new TcpOutput(link);
    this.#connector = connector;
  }

  /** Connections that are not closed. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Handles a packet to 10.0.2.2; false when its segment is malformed. */
  receive(packet: Ipv4Packet): boolean {
    const segment = this.#segment;
    if (!segment.parse(packet)) return false;
    const key = keyOf(segment.sourcePort, segment.destinationPort);
    const connection = this.#connections.get(key);
    const isSyn = (segment.flags & (TCP_FLAG.SYN | TCP_FLAG.ACK | TCP_FLAG.RST | TCP_FLAG.FIN)) === TCP_FLAG.SYN;
    if (connection !== undefined && !(isSyn && connection.state === 'timeWait')) {
      connection.receive(segment);
      return true;
    }
    connection?.drop();
    if (isSyn) this.#open(key, segment);
    else this.output.refuse(segment);
    return true;
  }

  /** The guest was reset: its connections end on the host, too. */
  reset(): void {
    for (const connection of [...this.#connections.values()]) connection.drop();
    this.clock.cancel(this.#burstEnd);
  }

  acknowledgeSoon(): void {
    if (!this.#burstEnd.armed) this.clock.schedule(this.#burstEnd, this.clock.now());
  }

  closed(connection: TcpConnection): void {
    this.#connections.delete(keyOf(connection.guestPort, connection.hostPort));
    this.#buffers.push(connection.buffers);
  }

  #open(key: number, segment: TcpSegment): void {
    if (this.#connections.size === MAX_CONNECTIONS) this.#dropOneThatWaits();
    if (this.#connector === undefined || this.#connections.size === MAX_CONNECTIONS) {
      this.#refuse(segment);
      return;
    }
    const connection = new TcpConnection(this, this.#takeBuffers(), segment, this.#initialSequence());
    this.#connections.set(key, connection);
    const stream = this.#connector.connect(segment.destinationPort, connection);
    if (stream === undefined) connection.refused();
    else connection.attach(stream);
  }

  #refuse(segment: TcpSegment): void {
    this.counts.refused++;
    this.output.refuse(segment);
  }

  #dropOneThatWaits(): void {
    for (const connection of this.#connections.values()) {
      if (connection.state !== 'timeWait') continue;
      connection.drop();
      return;
    }
  }

  #takeBuffers(): TcpBuffers {
    const buffers = this.#buffers.pop();
    if (buffers === undefined)
      return { received: new ByteRing(TCP_BUFFER_BYTES), outgoing: new ByteRing(TCP_BUFFER_BYTES) };
    buffers.received.clear();
    buffers.outgoing.clear();
    return buffers;
  }

  #initialSequence(): number {
    this.#sequenceBase = (this.#sequenceBase + SEQUENCES_OF_A_CONNECTION) % 0x1_0000_0000;
    return (Math.floor(this.clock.now() / SEQUENCE_TICK_NS) + this.#sequenceBase) % 0x1_0000_0000;
  }

  #acknowledgeAll(): void {
    for (const connection of this.#connections.values()) if (connection.acknowledgmentDue) connection.acknowledge();
  }
}

function keyOf(guestPort: number, hostPort: number): number {
  return guestPort * 0x1_0000 + hostPort;
}
