/** A simulated device that plays a fixed dialogue: what contract suites put behind a simulated port. */

import type { DialogueStep } from './binding-suite.js';
import type { SerialDevice, SerialDeviceOutput } from './serial-device.js';
import { type LineSettings, MODEM_STATUS } from './serial-port.js';

/** Plays `dialogue` step by step and keeps everything it receives. `leave` is called where the dialogue says that it leaves. */
export class ScriptedDevice implements SerialDevice {
  readonly received: number[] = [];
  #output: SerialDeviceOutput | undefined;
  #step = 0;
  #matched = 0;
  #sending = false;

  constructor(
    readonly line: LineSettings,
    readonly dialogue: readonly DialogueStep[],
    readonly leave: () => void,
  ) {}

  start(output: SerialDeviceOutput): void {
    this.#output = output;
    output.modemStatus(MODEM_STATUS.cts | MODEM_STATUS.dsr | MODEM_STATUS.dcd);
    this.#play();
  }

  receive(byte: number): void {
    this.received.push(byte);
    const step = this.dialogue[this.#step];
    if (step === undefined || !('hostSends' in step)) return;
    this.#matched = step.hostSends[this.#matched] === byte ? this.#matched + 1 : 0;
    if (this.#matched < step.hostSends.length) return;
    this.#matched = 0;
    this.#step++;
    this.#play();
  }

  modemControl(): void {}

  transmitIdle(): void {
    if (!this.#sending) return;
    this.#sending = false;
    this.#step++;
    this.#play();
  }

  stop(): void {
    this.#output = undefined;
  }

  #play(): void {
    const step = this.dialogue[this.#step];
    if (step === undefined || this.#output === undefined) return;
    if ('deviceSends' in step) {
      this.#sending = true;
      this.#output.transmit(step.deviceSends, 0, step.deviceSends.length);
    } else if ('deviceLeaves' in step) {
      this.leave();
    }
  }
}
