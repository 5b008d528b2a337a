/** The USB device of a run: tapped into the trace, damaged as the plan asks, and joined to its guest. */

import { type Clock, Timer } from '../../base/index.js';
import {
  checkUsbFaults,
  type InjectedUsbFault,
  injectUsbFaults,
  type TraceRecorder,
  tapUsbPort,
  type UsbPort,
  type UsbRecorder,
  type UsbSpeed,
} from '../../hal/index.js';
import { type AcquisitionConfig, URB_SPEED, type UrbPlug, urbAcquisition } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import type { Arrivals } from '../metrics/arrivals.js';
import type { RunRequest, WireRun } from '../run/run-types.js';
import { cellPollNs, type DeviceLink, deviceName, type JoinedPath, type JoinOptions } from './device-link.js';
import type { GuestUnit } from './guest-unit.js';
import { stationModel } from './path-stations.js';
import { UrbPath, type UrbPathOptions } from './urb-path.js';
import { UsbLog } from './usb-log.js';

/** Where a guest finds its only device: bus 1, device 2, behind the root hub. */
const DEVID = (1 << 16) | 2;

/** The port of a run, and what is to be waited for when it is closed. */
export interface OpenedUsb {
  readonly port: UsbPort;
  closed?(): Promise<void>;
}

/** Bytes of a guest lie in the stream as they came: no transfer is lost between the port and the guest. */
const WHOLE = { lost: 0, wireIndex: (index: number): number => index } as const;

export class UsbLink implements DeviceLink {
  readonly acquisition: AcquisitionConfig;
  readonly #request: RunRequest;
  readonly #trace: TraceRecorder;
  readonly #open: () => OpenedUsb | Promise<OpenedUsb>;
  readonly #log = new UsbLog(() => this.#recorder?.lastCompletedId ?? 0);
  /** What the device sent, before faults were injected; undefined without any. */
  #sent: UsbLog | undefined;
  #opened: OpenedUsb | undefined;
  /** The port with its taps, through which it is closed, so that the recording ends before it. */
  #shown: UsbPort | undefined;
  #recorder: UsbRecorder | undefined;

  constructor(request: RunRequest, trace: TraceRecorder, open: () => OpenedUsb | Promise<OpenedUsb>) {
    refuseImpossible(request);
    this.acquisition = { kind: request.cell.architecture === 'partitioned' ? 'urb-ring' : 'virtio-usb' };
    this.#request = request;
    this.#trace = trace;
    this.#open = open;
  }

  get receivedCount(): number {
    return this.#log.arrivals.length;
  }

  get arrivals(): Arrivals {
    return this.#log.arrivals;
  }

  get sentArrivals(): Arrivals {
    return (this.#sent ?? this.#log).arrivals;
  }

  packetOf(index: number): number {
    return this.#log.packetOf(index);
  }

  async open(): Promise<void> {
    this.#opened = await this.#open();
  }

  join(options: JoinOptions): JoinedPath {
    const { clock, machines, lost } = options;
    if (this.#opened === undefined) throw new Error('the USB port is joined before it is open');
    const port = this.#tapped(this.#opened.port, clock);
    this.#shown = port;
    const model = stationModel(options);
    const plug = { speed: URB_SPEED[port.description.speed satisfies UsbSpeed], devid: DEVID };
    const path = { clock, port, plug, model, lost };
    const [machine] = machines;
    return this.#request.cell.architecture === 'partitioned' ? joinCell(machine, path) : joinHosted(machine, path);
  }

  wireRun(lost: number, stampResolutionNs: number): WireRun {
    const { arrivals, transmittedBytes, faults, urbs } = this.#log;
    return {
      received: arrivals.length,
      transmitted: transmittedBytes,
      arrivals,
      overruns: lost,
      urbs,
      faults: { ...faults },
      stampResolutionNs,
    };
  }

  close(): void {
    (this.#shown ?? this.#opened?.port)?.close();
  }

  async closed(): Promise<void> {
    await this.#opened?.closed?.();
  }

  /** What the device says of itself is known only now, and stands in the trace before anything it does. */
  #tapped(device: UsbPort, clock: Clock): UsbPort {
    const { cell, faults, seed } = this.#request;
    const { profile, binding } = cell;
    const recorder = this.#trace.addUsb(deviceName(this.#request), device.description, { facts: { profile, binding } });
    this.#recorder = recorder;
    let port = device;
    if (faults !== undefined) {
      const listener = {
        fault: (fault: InjectedUsbFault) => {
          const { kind, atNs, endpointAddress, transfer, bytes } = fault;
          recorder.fault(kind, { endpointAddress, transfer, bytes }, atNs);
          this.#log.fault(kind);
        },
      };
      this.#sent = new UsbLog(() => 0);
      port = tapUsbPort(port, this.#sent, clock);
      port = injectUsbFaults(port, { clock, seed: `${seed}/faults`, plan: checkUsbFaults(faults), listener });
    }
    return tapUsbPort(tapUsbPort(port, recorder, clock), this.#log, clock);
  }
}

/** Each guest would have to enumerate and configure the one device for itself, and no emulated controller is there to do it through. */
function refuseImpossible({ cell, guests = 1 }: RunRequest): void {
  if (guests > 1)
    throw new RigError('RIG_PLAN', `a USB device belongs to one guest, and ${guests} are to have it`, {
      where: cell.profile,
      hint: 'give the run one guest',
    });
  if (cell.frontend === 'emulated')
    throw new RigError(
      'RIG_USAGE',
      `${cell.profile} is a USB device, which no frontend emulates register by register`,
      {
        where: cell.profile,
        hint: "let the plan declare frontends: ['paravirtual'], or use --frontend paravirtual",
      },
    );
}

type Path = Pick<UrbPathOptions, 'clock' | 'port' | 'model' | 'lost'> & { readonly plug: UrbPlug };

function joinHosted(machine: GuestUnit, path: Path): JoinedPath {
  const acquisition = urbAcquisition(machine);
  new UrbPath(acquisition.frontend, {
    ...path,
    inbound: ['hostOs', 'ioProcess', 'driver'],
    outbound: ['driver', 'ioProcess', 'hostOs'],
    flush: () => acquisition.flush(),
  });
  return { shares: [WHOLE] };
}

/** The cell's I/O loop looks into the ring while its guest runs; a guest that waits cannot have changed it. */
function joinCell(machine: GuestUnit, path: Path): JoinedPath {
  const acquisition = urbAcquisition(machine);
  const { clock } = path;
  const loop = new Timer(() => {
    acquisition.poll();
    machine.pollReports();
    if (machine.activity === 'running') wake();
  });
  const pollNs = cellPollNs(clock);
  const wake = (): void => {
    if (pollNs !== undefined && !loop.armed) clock.schedule(loop, clock.now() + pollNs);
  };
  new UrbPath(acquisition.frontend, {
    ...path,
    inbound: ['hostOs', 'cellLoop'],
    outbound: ['cellLoop', 'hostOs'],
    flush: () => {
      acquisition.flush();
      wake();
    },
  });
  wake();
  return { shares: [WHOLE], wake };
}
