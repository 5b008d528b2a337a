/** What the host does for tests inside: plugs, moves and types at QEMU's devices, and is the far end of the FTDI device. */

import { createConnection, type Socket } from 'node:net';
import { WallClock } from '../base/index.js';
import {
  createSimulatedUsbPort,
  type MccDevice,
  type SimulatedUsbPort,
  serveUsbip,
  type UsbipServer,
} from '../hal/index.js';
import type { LabMachine } from './machine.js';
import type { Ask, FarEndBytes, HostService, HostServices, PointerStep } from './protocol.js';
import { type SimulatedDevice, simulatedDevice } from './simulated-device.js';

type Handlers = { [S in HostService]: (args: HostServices[S]['args']) => Promise<HostServices[S]['answer']> };

export class LabServices {
  readonly #machine: LabMachine;
  readonly #farEnd: Socket;
  readonly #clock = new WallClock();
  #simulator: SimulatedDevice['simulator'];
  #port: SimulatedUsbPort | undefined;
  #server: UsbipServer | undefined;
  readonly #handlers: Handlers = {
    pointer: async ({ steps }) => {
      for (const step of steps) await this.#machine.qmp.run('input-send-event', { events: pointerEvents(step) });
      return null;
    },
    keys: async ({ names }) => {
      for (const name of names)
        for (const down of [true, false])
          await this.#machine.qmp.run('input-send-event', {
            events: [{ type: 'key', data: { down, key: { type: 'qcode', data: name } } }],
          });
      return null;
    },
    plug: async ({ driver, id, chardev }) => {
      const more = chardev === undefined ? {} : { chardev, 'always-plugged': true };
      await this.#machine.qmp.run('device_add', { driver, id, bus: 'xhci.0', ...more });
      return null;
    },
    unplug: async ({ id }) => {
      await this.#machine.qmp.run('device_del', { id });
      return null;
    },
    farEnd: async ({ bytes }) => {
      this.#farEnd.write(Buffer.from(bytes, 'hex'));
      return null;
    },
    serve: async ({ device, overrides = {} }) => {
      await this.#server?.close();
      const { peripheral, simulator } = simulatedDevice(device, overrides, this.#clock);
      this.#simulator = simulator;
      this.#port = createSimulatedUsbPort({ name: `sim:${device}`, clock: this.#clock, device: peripheral });
      this.#server = await serveUsbip({ ports: [this.#port], port: 0 });
      return { port: this.#server.port };
    },
    pull: async () => {
      this.#port?.unplug();
      return null;
    },
    codes: async ({ scan, scans }) => {
      if (this.#simulator?.model !== 'mcc-usb-1608fs-plus') throw new Error('no converter is served');
      return codesOf(this.#simulator, scan, scans);
    },
  };

  /** `tell` takes what comes unasked. */
  constructor(machine: LabMachine, tell: (message: FarEndBytes) => void) {
    this.#machine = machine;
    this.#farEnd = createConnection(machine.serialSocket);
    this.#farEnd.on('error', () => {});
    this.#farEnd.on('data', (bytes) => tell({ farEnd: bytes.toString('hex') }));
  }

  async answer({ service, args }: Ask): Promise<unknown> {
    const handler = this.#handlers[service] as ((args: unknown) => Promise<unknown>) | undefined;
    if (handler === undefined) throw new Error(`the host has no service ${service}`);
    return handler(args);
  }

  async close(): Promise<void> {
    this.#farEnd.destroy();
    await this.#server?.close();
  }
}

function codesOf(converter: MccDevice, scan: number, scans: number): number[] {
  const truth = converter.scans[scan];
  return Array.from({ length: scans }, (_, index) =>
    truth.channels.map((channel) => converter.codeOf(truth, channel, index)),
  ).flat();
}

function pointerEvents({ x, y, left }: PointerStep): unknown[] {
  const axis = (name: string, value: number | undefined) =>
    value === undefined ? [] : [{ type: 'abs', data: { axis: name, value } }];
  const button = left === undefined ? [] : [{ type: 'btn', data: { button: 'left', down: left } }];
  return [...axis('x', x), ...axis('y', y), ...button];
}
