/** The serial port of a run: tapped into the trace, damaged as the plan asks, and joined to its guests. */

import type { Clock } from '../../base/index.js';
import {
  checkFaultPlan,
  type FaultPlan,
  injectFaults,
  type LineSettings,
  type SerialPort,
  type SerialRecorder,
  type TraceRecorder,
  tapPort,
} from '../../hal/index.js';
import { type AcquisitionConfig, characterAcquisition } from '../../vmm/index.js';
import { type Arrivals, byteArrivals } from '../metrics/arrivals.js';
import type { RunRequest, WireRun } from '../run/run-types.js';
import { CellPath } from './cell-path.js';
import { cellPollNs, type DeviceLink, deviceName, type JoinedPath, type JoinOptions } from './device-link.js';
import type { GuestUnit } from './guest-unit.js';
import { HostedPath } from './hosted-path.js';
import type { ClosingPort } from './open-device.js';
import { stationModel } from './path-stations.js';
import { WireLog } from './wire-log.js';

/** How the port of a run comes to be: at once for a simulator or a replay, by the process that owns it for a real one. */
export type OpenSerialPort = () => SerialPort | Promise<ClosingPort>;

export class SerialLink implements DeviceLink {
  readonly acquisition: AcquisitionConfig;
  readonly #request: RunRequest;
  readonly #line: LineSettings;
  readonly #recorder: SerialRecorder;
  readonly #wire: WireLog;
  /** What the device sent, before faults were injected; undefined without any. */
  #sent: WireLog | undefined;
  readonly #openPort: OpenSerialPort;
  #port: SerialPort | ClosingPort | undefined;

  constructor(request: RunRequest, line: LineSettings, trace: TraceRecorder, openPort: OpenSerialPort) {
    const { architecture, frontend, profile, binding } = request.cell;
    this.#request = request;
    this.#openPort = openPort;
    this.#line = line;
    const hosted = frontend === 'paravirtual' ? 'virtio-console' : 'ns16550a';
    this.acquisition = {
      kind: architecture === 'partitioned' ? 'serial-ring' : hosted,
      baudRate: line.baudRate,
    };
    const recorder = trace.addSerial(deviceName(request), line, { facts: { profile, binding } });
    this.#recorder = recorder;
    this.#wire = new WireLog(() => recorder.lastReceivedId);
  }

  get receivedCount(): number {
    return this.#wire.receivedCount;
  }

  get arrivals(): Arrivals {
    return byteArrivals(this.#wire.arrivalNs);
  }

  get sentArrivals(): Arrivals {
    return byteArrivals((this.#sent ?? this.#wire).arrivalNs);
  }

  packetOf(index: number): number {
    return this.#wire.packetOf(index);
  }

  async open(): Promise<void> {
    this.#port = await this.#openPort();
  }

  join(options: JoinOptions): JoinedPath {
    if (this.#port === undefined) throw new Error('the serial port is joined before it is open');
    const { clock, machines } = options;
    const { architecture } = this.#request.cell;
    const port = this.#tapped(this.#port, clock);
    const model = stationModel(options, architecture);
    const lost: JoinOptions['lost'] = (error) => {
      options.lost(error);
      for (const machine of machines) characterAcquisition(machine).disconnected(true);
    };
    if (architecture === 'partitioned') return joinCell(machines[0], { clock, port, line: this.#line, model, lost });
    const path = new HostedPath({ clock, port, line: this.#line, model, lost });
    return {
      shares: machines.map((machine) => {
        const acquisition = characterAcquisition(machine);
        return path.connect(acquisition.frontend, () => acquisition.flush());
      }),
    };
  }

  wireRun(lost: number, stampResolutionNs: number): WireRun {
    const { receivedCount, transmittedCount, overruns, parityErrors, framingErrors, breaks, faults } = this.#wire;
    return {
      received: receivedCount,
      transmitted: transmittedCount,
      arrivals: this.arrivals,
      overruns: lost + overruns,
      line: { parityErrors, framingErrors, breaks },
      faults: { ...faults },
      stampResolutionNs,
    };
  }

  close(): void {
    this.#port?.close();
  }

  async closed(): Promise<void> {
    if (this.#port !== undefined && 'whenClosed' in this.#port) await this.#port.whenClosed;
  }

  #tapped(device: SerialPort, clock: Clock): SerialPort {
    const wire = this.#wire;
    const recorder = this.#recorder;
    let port = device;
    if (this.#request.faults !== undefined) {
      const plan = this.#request.faults as FaultPlan;
      checkFaultPlan(plan);
      const listener = {
        fault: (fault: Parameters<SerialRecorder['fault']>[0]) => {
          recorder.fault(fault);
          wire.fault(fault);
        },
      };
      this.#sent = new WireLog(() => 0);
      const seed = `${this.#request.seed}/faults`;
      port = injectFaults(tapPort(port, this.#sent, clock), { seed, clock, plan, listener });
    }
    return tapPort(tapPort(port, recorder, clock), wire, clock);
  }
}

function joinCell(
  machine: GuestUnit,
  path: Pick<ConstructorParameters<typeof CellPath>[1], 'clock' | 'port' | 'line' | 'model' | 'lost'>,
): JoinedPath {
  const acquisition = characterAcquisition(machine);
  const { frontend } = acquisition;
  const cell = new CellPath(
    {
      attach: (backend) => frontend.attach(backend),
      receive: (byte, lineStatus) => frontend.receive(byte, lineStatus),
      overrun: () => frontend.overrun(),
      modemStatus: (bits) => frontend.modemStatus(bits),
      publish: () => acquisition.flush(),
      poll: () => {
        acquisition.poll();
        machine.pollReports();
      },
    },
    { ...path, pollNs: cellPollNs(path.clock), guestIdle: () => machine.activity !== 'running' },
  );
  return { shares: [cell.counters], wake: () => cell.wake() };
}
