/** A K8055 whose outputs are wired to its inputs. */

import { type Clock, Timer, URB_STATUS } from '../../../base/index.js';
import type { UrbAcquisition } from '../../machine/acquisition.js';
import { configurationDescriptor, deviceDescriptor, ScriptedUsb, type UsbScript } from './scripted-usb.js';

const POLL_NS = 10_000_000;
const INPUT = 0x81;
const OUTPUT = 0x01;

export class ScriptedK8055 implements UsbScript {
  readonly usb: ScriptedUsb;
  deviceDescriptor: readonly number[];
  configurationDescriptor: readonly number[] = configurationDescriptor(
    3,
    [9, 0x21, 0x10, 0x01, 0, 1, 0x22, 29, 0, 7, 5, INPUT, 3, 8, 0, 10, 7, 5, OUTPUT, 3, 8, 0, 10],
    2,
  );
  /** Output reports that came. */
  readonly outputs: number[][] = [];
  /** Input reports that went out. */
  sent = 0;
  dac1 = 0;
  dac2 = 0;
  readonly #clock: Clock;
  readonly #poll = new Timer(() => this.#tick());

  constructor(clock: Clock, port: UrbAcquisition, product = 0x5500) {
    this.deviceDescriptor = deviceDescriptor(0x10cf, product, 8);
    this.#clock = clock;
    this.usb = new ScriptedUsb(clock, port, this);
  }

  control(setup: Uint8Array): readonly number[] | number {
    // SET_IDLE; anything else it does not know.
    return setup[0] === 0x21 && setup[1] === 0x0a ? [] : URB_STATUS.stall;
  }

  transfer(): void {}

  haltCleared(): void {}

  power(on: boolean): void {
    this.#clock.cancel(this.#poll);
    if (on) this.#clock.schedule(this.#poll, this.#clock.now() + POLL_NS);
  }

  #tick(): void {
    this.#clock.schedule(this.#poll, this.#clock.now() + POLL_NS);
    const output = this.usb.waiting(OUTPUT);
    if (output !== undefined) {
      const report = [...output.data.subarray(0, output.length)];
      this.outputs.push(report);
      if (report[0] === 5) [this.dac1, this.dac2] = [report[2], report[3]];
      this.usb.complete(OUTPUT, URB_STATUS.ok);
    }
    if (this.usb.waiting(INPUT) === undefined) return;
    this.sent++;
    this.usb.complete(INPUT, URB_STATUS.ok, Uint8Array.of(0x91, 1, this.dac1, this.dac2, this.sent, 0, 2, 1));
  }
}
