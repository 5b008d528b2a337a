/** A simulated Velleman K8055 experiment board: five switches, two counters, two analogue inputs and outputs, over HID. */

import { type Clock, ENDPOINT_IN, type Random } from '../../../base/index.js';
import { parseFields } from '../../profile/schema-error.js';
import { wValue } from '../../usb/setup-packet.js';
import { HANDSHAKE, type UsbPeripheral } from '../../usb/usb-peripheral.js';
import type { UsbDescription } from '../../usb/usb-port.js';
import { createSignal } from '../signal/signal.js';
import { type K8055Parameters, type K8055Settings, k8055ParametersSchema } from './parameters.js';
import { COMMAND, DIGITAL_BITS, debounceNs, describeK8055, INPUT_ENDPOINT, OUTPUT, REPORT_BYTES } from './protocol.js';
import { PulseCounter } from './pulse-counter.js';

/** Class requests of HID (HID 1.11, section 7.2). */
const HID_REQUEST = { getReport: 0x01, setReport: 0x09, setIdle: 0x0a } as const;
const CLASS_INTERFACE = 0x21;
const REPORT_TYPE = { input: 1, output: 2 } as const;
/** 2 ms, as after power-on. */
const FIRST_DEBOUNCE = 4;

export interface K8055Device extends UsbPeripheral {
  readonly model: 'velleman-k8055';
  readonly settings: K8055Settings;
  /** The input report as the board would send it now. */
  readonly report: Uint8Array;
  /** Outputs as they were set last: eight relays, two voltages (0..255 for 0..5 V). */
  readonly outputs: { readonly digital: number; readonly dac1: number; readonly dac2: number };
}

class SimulatedK8055 implements K8055Device {
  readonly model = 'velleman-k8055';
  readonly settings: K8055Settings;
  readonly description: UsbDescription;
  readonly #clock: Clock;
  readonly #counters: readonly [PulseCounter, PulseCounter];
  readonly #inputs: readonly PulseCounter[];
  readonly #analog: readonly (() => number)[];
  readonly #outputs = { digital: 0, dac1: 0, dac2: 0 };

  constructor(parameters: K8055Parameters, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.settings = parseFields(k8055ParametersSchema, parameters, 'simulator parameters');
    this.description = describeK8055(this.settings.address);
    this.#clock = clock;
    const originNs = clock.now();
    this.#inputs = DIGITAL_BITS.map(
      (_, i) => new PulseCounter(this.settings.digital[i], originNs, debounceNs(FIRST_DEBOUNCE)),
    );
    this.#counters = [this.#inputs[0], this.#inputs[1]];
    const seeds = random.fork('signals');
    this.#analog = [0, 1].map((i) => {
      const source = this.settings.analog[i];
      if (source === undefined) return () => 0;
      if ('from' in source) return () => this.#outputs[source.from];
      const signal = createSignal(source.signal, seeds.uint32());
      return () => Math.max(0, Math.min(255, Math.round((signal(clock.now() - originNs) * 255) / 5)));
    });
  }

  get report(): Uint8Array {
    const report = new Uint8Array(REPORT_BYTES);
    this.#write(report, 0);
    return report;
  }

  get outputs(): K8055Device['outputs'] {
    return { ...this.#outputs };
  }

  start(): void {
    this.#powerOn();
  }

  configured(): void {}

  stop(): void {}

  control(setup: Uint8Array, data: Uint8Array, length: number): number {
    if ((setup[0] & ~ENDPOINT_IN) !== CLASS_INTERFACE) return HANDSHAKE.stall;
    const type = wValue(setup) >> 8;
    const inbound = (setup[0] & ENDPOINT_IN) !== 0;
    if (inbound && setup[1] === HID_REQUEST.getReport && type === REPORT_TYPE.input) {
      const report = this.report;
      const count = Math.min(length, REPORT_BYTES);
      data.set(report.subarray(0, count));
      return count;
    }
    if (!inbound && setup[1] === HID_REQUEST.setReport && type === REPORT_TYPE.output)
      return this.#command(data, 0, length);
    return !inbound && setup[1] === HID_REQUEST.setIdle ? HANDSHAKE.ack : HANDSHAKE.stall;
  }

  out(_endpointAddress: number, packet: Uint8Array, offset: number, length: number): number {
    return this.#command(packet, offset, length);
  }

  /** The board sends a report at every poll. */
  in(endpointAddress: number, packet: Uint8Array, offset: number): number {
    if (endpointAddress !== INPUT_ENDPOINT) return HANDSHAKE.stall;
    this.#write(packet, offset);
    return REPORT_BYTES;
  }

  #powerOn(): void {
    const nowNs = this.#clock.now();
    this.#outputs.digital = 0;
    this.#outputs.dac1 = 0;
    this.#outputs.dac2 = 0;
    for (const counter of this.#counters) {
      counter.setDebounce(debounceNs(FIRST_DEBOUNCE), nowNs);
      counter.reset(nowNs);
    }
  }

  #write(packet: Uint8Array, offset: number): void {
    const nowNs = this.#clock.now();
    let digital = 0;
    for (let i = 0; i < DIGITAL_BITS.length; i++) if (this.#inputs[i].closed(nowNs)) digital |= DIGITAL_BITS[i];
    const [first, second] = [this.#counters[0].value(nowNs), this.#counters[1].value(nowNs)];
    packet[offset] = digital;
    packet[offset + 1] = this.settings.address + 1;
    packet[offset + 2] = this.#analog[0]();
    packet[offset + 3] = this.#analog[1]();
    packet[offset + 4] = first;
    packet[offset + 5] = first >> 8;
    packet[offset + 6] = second;
    packet[offset + 7] = second >> 8;
  }

  /** A report that is too short is one the board's firmware reads garbage behind; here it is ignored. */
  #command(packet: Uint8Array, offset: number, length: number): number {
    if (length < REPORT_BYTES) return HANDSHAKE.ack;
    const nowNs = this.#clock.now();
    switch (packet[offset + OUTPUT.command]) {
      case COMMAND.reset:
        this.#powerOn();
        break;
      case COMMAND.setDebounce1:
        this.#counters[0].setDebounce(debounceNs(packet[offset + OUTPUT.debounce1]), nowNs);
        break;
      case COMMAND.setDebounce2:
        this.#counters[1].setDebounce(debounceNs(packet[offset + OUTPUT.debounce2]), nowNs);
        break;
      case COMMAND.resetCounter1:
        this.#counters[0].reset(nowNs);
        break;
      case COMMAND.resetCounter2:
        this.#counters[1].reset(nowNs);
        break;
      case COMMAND.setOutputs:
        this.#outputs.digital = packet[offset + OUTPUT.digital];
        this.#outputs.dac1 = packet[offset + OUTPUT.dac1];
        this.#outputs.dac2 = packet[offset + OUTPUT.dac2];
        break;
      default:
        break;
    }
    return HANDSHAKE.ack;
  }
}

/** Throws `HAL_INVALID`, naming the field, for parameters that do not fit. */
export function createVellemanK8055(
  parameters: K8055Parameters,
  environment: { readonly clock: Clock; readonly random: Random },
): K8055Device {
  return new SimulatedK8055(parameters, environment);
}
