/** A sink for tests that writes down what an import does, one text an event. */

import type { LineSettings } from '../../serial/serial-port.js';
import type { Urb, UsbDescription } from '../../usb/usb-port.js';
import type { Facts, ForeignSink } from './foreign-sink.js';

function hex(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('hex');
}

/** `0x81`, or for a control transfer its setup packet. */
function place(urb: Urb): string {
  return urb.transferType === 2 ? `control ${hex(urb.setup, 8)}` : urb.endpointAddress.toString(16);
}

export class ListSink implements ForeignSink {
  /** In the order in which they came: milliseconds, interface, what. */
  readonly events: string[] = [];
  readonly times: number[] = [];
  readonly interfaces: { readonly name: string; readonly description?: UsbDescription; readonly facts?: Facts }[] = [];

  usb(name: string, description: UsbDescription, facts: Facts) {
    this.interfaces.push({ name, description, facts });
    return {
      submitted: (urb: Urb, atNs: number): void => {
        const data = urb.inbound ? '' : ` ${hex(urb.data, urb.length)}`;
        this.#add(atNs, name, `S${urb.id} ${place(urb)} ${urb.length}${data}`);
      },
      completed: (urb: Urb, atNs: number): void => {
        const data = urb.inbound ? ` ${hex(urb.data, urb.actualLength)}` : '';
        this.#add(atNs, name, `C${urb.id} ${urb.status} ${urb.actualLength}${data}`);
      },
      reset: (atNs: number): void => this.#add(atNs, name, 'reset'),
    };
  }

  serial(name: string, _line: LineSettings, facts: Facts) {
    this.interfaces.push({ name, facts });
    return {
      received: (byte: number, lineStatus: number, atNs: number): void =>
        this.#add(atNs, name, `r ${byte.toString(16)}${lineStatus === 0 ? '' : ` ${lineStatus}`}`),
      transmitted: (bytes: Uint8Array, offset: number, length: number, atNs: number): void =>
        this.#add(atNs, name, `t ${hex(bytes.subarray(offset), length)}`),
    };
  }

  channel(name: string) {
    this.interfaces.push({ name });
    return {
      data: (bytes: Uint8Array, offset: number, length: number, atNs: number): void =>
        this.#add(atNs, name, hex(bytes.subarray(offset), length)),
      text: (text: string, atNs: number): void => this.#add(atNs, name, text),
    };
  }

  #add(atNs: number, name: string, what: string): void {
    this.times.push(atNs);
    this.events.push(`${atNs / 1e6} ${name}: ${what}`);
  }
}
