/** A bench for the tests of the simulated receiver: a port on a virtual clock that keeps what arrives, and when. */

import { createRandom, VirtualClock } from '../../../base/index.js';
import type { LineSettings } from '../../serial/serial-port.js';
import { createSimulatedPort, type SimulatedPort } from '../../serial/simulated-port.js';
import { MessageBuffer } from './message-buffer.js';
import { NmeaWriter } from './nmea-writer.js';
import type { GnssParameters } from './parameters.js';
import { createGnssReceiver, type GnssReceiver } from './receiver.js';
import { UbxWriter } from './ubx-writer.js';

export class ReceiverBench {
  readonly clock = new VirtualClock();
  readonly receiver: GnssReceiver;
  readonly port: SimulatedPort;
  readonly bytes: number[] = [];
  readonly arrivedNs: number[] = [];
  damaged = 0;

  constructor(parameters: GnssParameters, seed: number | string = 1) {
    this.receiver = createGnssReceiver(parameters, { clock: this.clock, random: createRandom(seed) });
    this.port = createSimulatedPort({ name: 'sim:gnss-receiver', clock: this.clock, device: this.receiver });
    this.port.attach({
      receive: (byte, lineStatus) => {
        this.bytes.push(byte);
        this.arrivedNs.push(this.clock.now());
        if (lineStatus !== 0) this.damaged++;
      },
      modemStatus: () => {},
      disconnected: () => {},
    });
  }

  configure(baudRate: number): void {
    const line: LineSettings = { baudRate, dataBits: 8, parity: 'none', stopBits: 1 };
    this.port.configure(line);
  }

  runMs(ms: number): this {
    this.clock.advanceTo(this.clock.now() + ms * 1e6);
    return this;
  }

  /** Sends `$...*hh`, with `body` between. */
  sendNmea(body: string): void {
    const buffer = new MessageBuffer(300);
    const writer = new NmeaWriter(buffer);
    writer.begin(body);
    writer.end();
    this.port.transmit(buffer.bytes, 0, buffer.length);
  }

  sendUbx(messageClass: number, id: number, payload: readonly number[] = []): void {
    const buffer = new MessageBuffer(300);
    const writer = new UbxWriter(buffer);
    writer.begin(messageClass, id);
    for (const byte of payload) writer.u1(byte);
    writer.end();
    this.port.transmit(buffer.bytes, 0, buffer.length);
  }

  /** Everything that arrived from byte `from`, as text. */
  text(from = 0): string {
    return this.bytes
      .slice(from)
      .map((byte) => String.fromCharCode(byte))
      .join('');
  }

  lines(from = 0): string[] {
    return this.text(from).split('\r\n').slice(0, -1);
  }

  hex(from = 0): string {
    return Buffer.from(this.bytes.slice(from)).toString('hex');
  }
}
