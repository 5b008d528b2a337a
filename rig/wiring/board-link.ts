/** The board of a run: tapped into the trace and joined to its guest, by registers that are trapped or a page that is polled. */

import { type Clock, Timer } from '../../base/index.js';
import {
  BAR_BYTES,
  type BoardPort,
  CONTROL_WORDS,
  STATUS_WORDS,
  type TraceRecorder,
  type UpperChannel,
} from '../../hal/index.js';
import { type AcquisitionConfig, type BoardAcquisition, boardAcquisition } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import { type Arrivals, byteArrivals } from '../metrics/arrivals.js';
import type { RunRequest, WireRun } from '../run/run-types.js';
import { LoggedBoard } from './board-log.js';
import { joinBoard } from './board-path.js';
import type { StationName } from './calibration.js';
import { cellPollNs, type DeviceLink, deviceName, type JoinedPath, type JoinOptions } from './device-link.js';
import type { GuestUnit } from './guest-unit.js';
import { chainStations, type StationModel, stationModel } from './path-stations.js';

const LAYOUT = { bytes: BAR_BYTES, control: CONTROL_WORDS, status: STATUS_WORDS } as const;
const NOTHING = byteArrivals([]);
/** Bytes of a guest lie in the stream as they came. */
const WHOLE = { lost: 0, wireIndex: (index: number): number => index } as const;

/** Makes the board on the clock of the guest that owns it: a register is accessed at the guest's local time. */
export type OpenBoard = (clock: Clock) => BoardPort;

export class BoardLink implements DeviceLink {
  readonly acquisition: AcquisitionConfig;
  readonly #request: RunRequest;
  readonly #channel: UpperChannel;
  readonly #open: OpenBoard;
  #board: LoggedBoard | undefined;

  constructor(request: RunRequest, trace: TraceRecorder, open: OpenBoard) {
    const kind = request.cell.architecture === 'partitioned' ? 'board-window' : 'board-registers';
    this.acquisition = { kind, layout: LAYOUT };
    this.#request = request;
    this.#channel = trace.addUpper(
      `board ${deviceName(request)}`,
      'data',
      'register accesses that mean something, DMA and interrupts of the board',
    );
    this.#open = open;
  }

  get receivedCount(): number {
    return this.#board?.arrivals.length ?? 0;
  }

  get arrivals(): Arrivals {
    return this.#board?.arrivals ?? NOTHING;
  }

  get sentArrivals(): Arrivals {
    return this.arrivals;
  }

  packetOf(index: number): number {
    return this.#board?.packetOf(index) ?? 0;
  }

  async open(): Promise<void> {}

  join(options: JoinOptions): JoinedPath {
    const { machines, lost, clock } = options;
    const [machine] = machines;
    const board = new LoggedBoard(this.#open(machine.clock), machine.clock, this.#channel);
    this.#board = board;
    const model = stationModel(options);
    const path = { clock, board, model, lost };
    return this.#request.cell.architecture === 'partitioned' ? joinCell(machine, path) : joinHosted(machine, path);
  }

  wireRun(lost: number, stampResolutionNs: number): WireRun {
    const { arrivals } = this;
    return { received: arrivals.length, transmitted: 0, arrivals, overruns: lost, faults: {}, stampResolutionNs };
  }

  close(): void {
    this.#board?.close();
  }

  async closed(): Promise<void> {}
}

/** `RIG_PLAN` or `RIG_USAGE` for a run that no board can have; to be called before anything is made for it. */
export function refuseImpossible({ cell, guests = 1, faults }: RunRequest): void {
  const where = cell.profile;
  if (guests > 1)
    throw new RigError('RIG_PLAN', `a board on a memory bus belongs to one guest, and ${guests} are to have it`, {
      where,
      hint: 'give the run one guest',
    });
  if (faults !== undefined)
    throw new RigError('RIG_PLAN', `no faults can be injected between ${where} and its guest: there is no wire`, {
      where,
      hint: 'leave out faults; an overrun comes of a small FIFO and a guest that stalls',
    });
  if (cell.frontend === 'paravirtual')
    throw new RigError('RIG_USAGE', `${where} is a board on a memory bus, for which there is no paravirtual frontend`, {
      where,
      hint: 'use --frontend emulated',
    });
}

interface Path {
  readonly clock: Clock;
  readonly board: BoardPort;
  readonly model: StationModel | undefined;
  readonly lost: JoinOptions['lost'];
}

/** A line that rises reaches the guest through the stations; one that falls does so at once, since the guest made it fall. */
function joinLine(
  { frontend }: BoardAcquisition,
  { clock, board, model, lost }: Path,
  stations: readonly StationName[],
  shown: () => void,
): void {
  let level = false;
  let rises = 0;
  const inbound = chainStations(stations, clock, model, 'in', {
    arrive: () => {
      frontend.interrupt(level);
      shown();
    },
  });
  joinBoard(board, frontend, lost, (to) => {
    level = to;
    if (to) inbound.arrive(++rises);
    else frontend.interrupt(false);
  });
}

function joinHosted(machine: GuestUnit, path: Path): JoinedPath {
  joinLine(boardAcquisition(machine), path, ['hostOs', 'ioProcess', 'driver'], () => {});
  return { shares: [WHOLE] };
}

/** The cell's I/O loop looks at the page while its guest runs; a guest that waits cannot have changed it. */
function joinCell(machine: GuestUnit, path: Path): JoinedPath {
  const acquisition = boardAcquisition(machine);
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
  joinLine(acquisition, path, ['hostOs', 'cellLoop'], () => {
    acquisition.flush();
    wake();
  });
  acquisition.initialise();
  wake();
  return { shares: [WHOLE], wake };
}
