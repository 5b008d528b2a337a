/** One TCP connection of the guest to a port of the host: its states, and both directions together (RFC 9293, section 3.10). */

import type { Clock } from '../../base/index.js';
import { BackoffTimer } from './backoff-timer.js';
import type { ByteRing } from './byte-ring.js';
import type { TcpHandlers, TcpStream } from './tcp-connector.js';
import { ACKNOWLEDGE, TcpReceiver } from './tcp-receiver.js';
import { sequenceDistance, TCP_FLAG, type TcpOutput, type TcpSegment } from './tcp-segment.js';
import { ACKNOWLEDGED, type TcpEmitter, TcpSender } from './tcp-sender.js';

/**
 * `connecting`: the host is asked, the guest's SYN waits. `synReceived`: SYN and ACK are sent. `open`: up to the last
 * acknowledgment of either FIN. `timeWait`: a lost last acknowledgment can be sent again.
 */
export type TcpState = 'connecting' | 'synReceived' | 'open' | 'timeWait' | 'closed';

/** What a connection needs of the host that it belongs to. */
export interface TcpOwner {
  readonly clock: Clock;
  readonly output: TcpOutput;
  readonly counts: { opened: number; refused: number; reset: number; gaveUp: number; retransmitted: number };
  /** Calls `acknowledge` of every connection with `acknowledgmentDue` once the burst of the guest's frames is over. */
  acknowledgeSoon(): void;
  /** The connection's buffers may be used again. */
  closed(connection: TcpConnection): void;
}

/** The buffers of one connection: from the guest and to it. */
export interface TcpBuffers {
  readonly received: ByteRing;
  readonly outgoing: ByteRing;
}

/** Its own handlers: what a connector calls after the connection is closed has no effect. */
export class TcpConnection implements TcpHandlers, TcpEmitter {
  readonly guestPort: number;
  readonly hostPort: number;
  /** An acknowledgment is due when the burst is over. */
  acknowledgmentDue = false;
  readonly #owner: TcpOwner;
  readonly #timer: BackoffTimer;
  readonly #sender: TcpSender;
  readonly #receiver: TcpReceiver;
  readonly #initialSequence: number;
  #state: TcpState = 'connecting';
  #stream: TcpStream | undefined;
  #hostWaits = false;
  /** The guest closed before the host did: its side waits, not this one. */
  #guestClosedFirst = false;

  constructor(
    owner: TcpOwner,
    readonly buffers: TcpBuffers,
    syn: TcpSegment,
    initialSequence: number,
  ) {
    this.#owner = owner;
    this.guestPort = syn.sourcePort;
    this.hostPort = syn.destinationPort;
    this.#initialSequence = initialSequence;
    this.#timer = new BackoffTimer(owner.clock, () => this.#timeOut());
    this.#sender = new TcpSender({
      emitter: this,
      ring: buffers.outgoing,
      firstSequence: (initialSequence + 1) >>> 0,
      maxSegment: syn.maxSegment,
      counts: owner.counts,
    });
    this.#receiver = new TcpReceiver(buffers.received, (syn.sequence + 1) >>> 0);
    this.#timer.start();
  }

  get state(): TcpState {
    return this.#state;
  }

  get frame(): Uint8Array {
    return this.#owner.output.frame;
  }

  /** What the connector answered to this connection. */
  attach(stream: TcpStream): void {
    if (this.#state === 'closed') return;
    this.#stream = stream;
    this.#receiver.attach(stream);
  }

  emit(sequence: number, flags: number, length: number): boolean {
    this.acknowledgmentDue = false;
    this.#receiver.told();
    const { next } = this.#receiver;
    const window = (flags & TCP_FLAG.RST) === 0 ? this.#receiver.window : 0;
    return this.#owner.output.send(this.hostPort, this.guestPort, sequence, next, flags, window, length);
  }

  acknowledge(): void {
    if (this.#state !== 'closed') this.emit(this.#sender.next, TCP_FLAG.ACK, 0);
  }

  /** The guest's next segment of this connection. */
  receive(segment: TcpSegment): void {
    if (this.#state === 'connecting') {
      if (segment.has(TCP_FLAG.RST) && segment.sequence === this.#receiver.next) this.drop();
      return;
    }
    if (!this.#receiver.accepts(segment)) {
      this.#answerUnacceptable(segment);
      return;
    }
    if (segment.has(TCP_FLAG.RST)) {
      // Only the exact number resets; what is merely near may be forged (RFC 5961, section 3.2).
      if (segment.sequence === this.#receiver.next) this.drop();
      else this.acknowledge();
      return;
    }
    if (segment.has(TCP_FLAG.SYN)) {
      this.acknowledge();
      return;
    }
    if (!segment.has(TCP_FLAG.ACK)) return;
    if (this.#state === 'synReceived' && !this.#completeHandshake(segment)) return;
    this.#receiveInOrder(segment);
  }

  /** Ends the connection without a word to the guest. */
  drop(): void {
    if (this.#state === 'closed') return;
    const stream = this.#stream;
    if (this.#state !== 'timeWait') this.#owner.counts.reset++;
    this.#close();
    stream?.reset();
  }

  connected(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'synReceived';
    this.#owner.counts.opened++;
    this.#timer.stop();
    this.#timer.answered();
    this.#sendSynAck();
  }

  refused(): void {
    if (this.#state !== 'connecting') return;
    this.#owner.counts.refused++;
    this.emit(0, TCP_FLAG.RST | TCP_FLAG.ACK, 0);
    this.#close();
  }

  data(bytes: Uint8Array, offset: number, length: number): number {
    const accepting = this.#state === 'synReceived' || this.#state === 'open';
    if (!accepting || this.#sender.finishing) return 0;
    const taken = this.buffers.outgoing.write(bytes, offset, length);
    if (taken < length) this.#hostWaits = true;
    this.#push();
    return taken;
  }

  writable(): void {
    if (this.#state !== 'open') return;
    this.#receiver.drain();
    if (this.#state !== 'open') return;
    if (this.#receiver.windowGrew) this.acknowledge();
    this.#finishIfDone();
  }

  ended(): void {
    if (this.#state !== 'synReceived' && this.#state !== 'open') return;
    this.#sender.finish();
    this.#push();
  }

  reset(): void {
    if (this.#state === 'connecting') this.refused();
    if (this.#state === 'closed') return;
    this.#owner.counts.reset++;
    this.emit(this.#sender.next, TCP_FLAG.RST | TCP_FLAG.ACK, 0);
    this.#close();
  }

  #answerUnacceptable(segment: TcpSegment): void {
    if (segment.has(TCP_FLAG.RST)) return;
    const isSynAgain = segment.has(TCP_FLAG.SYN) && sequenceDistance(segment.sequence, this.#receiver.next) === 1;
    if (this.#state === 'synReceived' && isSynAgain) this.#sendSynAck();
    else this.acknowledge();
    // A guest whose segments do not fit may still acknowledge, and so open its window (section 3.10.7.4).
    if (this.#state === 'open' && this.#receiver.window === 0 && segment.has(TCP_FLAG.ACK)) {
      this.#heed(segment);
      this.#push();
    }
  }

  #completeHandshake(segment: TcpSegment): boolean {
    if (segment.acknowledgment !== this.#sender.next) {
      this.#owner.output.refuse(segment);
      return false;
    }
    this.#state = 'open';
    this.#timer.stop();
    this.#timer.answered();
    this.#sender.open(segment);
    return true;
  }

  #receiveInOrder(segment: TcpSegment): void {
    if (!this.#heed(segment)) return;
    const wasFinished = this.#receiver.finished;
    const when = this.#receiver.take(segment);
    if (this.#receiver.finished && !wasFinished) this.#guestClosedFirst = !this.#sender.finSent;
    if (when === ACKNOWLEDGE.soon) {
      this.acknowledgmentDue = true;
      // The host's answer, if it has one at once, carries the acknowledgment.
      this.#receiver.drain();
    } else if (when === ACKNOWLEDGE.now) {
      this.acknowledge();
    }
    this.#push();
    if (this.acknowledgmentDue && this.#state !== 'closed') this.#owner.acknowledgeSoon();
    this.#finishIfDone();
  }

  /** Takes acknowledgment and window; false when the guest acknowledges what it cannot have. */
  #heed(segment: TcpSegment): boolean {
    const heard = this.#sender.acknowledge(segment);
    if (heard === ACKNOWLEDGED.neverSent) {
      this.acknowledge();
      return false;
    }
    this.#sender.learnWindow(segment);
    if (this.#sender.windowClosed) this.#timer.alive();
    if (heard === ACKNOWLEDGED.bytes) {
      this.#timer.answered();
      this.#timer.stop();
      if (this.#hostWaits && !this.#sender.finishing) {
        this.#hostWaits = false;
        this.#stream?.resume();
      }
    }
    return true;
  }

  #push(): void {
    if (this.#state !== 'open') return;
    this.#sender.push();
    if (this.#sender.busy) this.#timer.start();
    else this.#timer.stop();
  }

  #sendSynAck(): void {
    this.emit(this.#initialSequence, TCP_FLAG.SYN | TCP_FLAG.ACK, 0);
    this.#timer.start();
  }

  #timeOut(): void {
    if (this.#state === 'timeWait') {
      this.#close();
      return;
    }
    if (!this.#timer.retry()) {
      this.#giveUp();
      return;
    }
    if (this.#state === 'synReceived') {
      this.#owner.counts.retransmitted++;
      this.#sendSynAck();
    } else if (this.#state === 'open') {
      this.#sender.timeOut();
    }
    this.#timer.start();
  }

  #giveUp(): void {
    const stream = this.#stream;
    this.#owner.counts.gaveUp++;
    this.emit(this.#sender.next, TCP_FLAG.RST | TCP_FLAG.ACK, 0);
    this.#close();
    stream?.reset();
  }

  /** Both sides have sent and seen everything. */
  #finishIfDone(): void {
    if (this.#state !== 'open' || !this.#sender.finAcknowledged || !this.#receiver.done) return;
    if (this.acknowledgmentDue) this.acknowledge();
    this.#timer.stop();
    if (this.#guestClosedFirst) {
      this.#close();
      return;
    }
    this.#state = 'timeWait';
    this.#stream = undefined;
    this.#receiver.detach();
    this.#timer.answered();
    this.#timer.start();
  }

  #close(): void {
    this.#state = 'closed';
    this.#stream = undefined;
    this.#receiver.detach();
    this.#timer.stop();
    this.#owner.closed(this);
  }
}
