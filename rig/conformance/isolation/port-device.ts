/** Gives a guest of these tests a device behind its port: characters that come back, a K8055, or an RV-DAQ16. */

import { type Clock, createRandom, Timer } from '../../../base/index.js';
import { createDaqBoard, createSimulatedUsbPort, createVellemanK8055, type HalError } from '../../../hal/index.js';
import {
  type Acquisition,
  type BoardAcquisition,
  type BoardFrontend,
  type CharacterAcquisition,
  isBoardAcquisition,
  isUrbAcquisition,
  URB_SPEED,
  type UrbAcquisition,
} from '../../../vmm/index.js';
import { joinBoard } from '../../wiring/board-path.js';
import { UrbPath } from '../../wiring/urb-path.js';

/** Characters come so often, and so many at once at most. */
const BURST_NS = 200_000;
const BURST_CHARACTERS = 24;
/** A guest that floods its line has no claim on the host's memory. */
const MOST_SENT = 10_000;
/** Where a guest finds its only USB device. */
const DEVID = (1 << 16) | 2;

export interface PortDevice {
  /** Characters, transfers or samples that the device has had to do with. */
  traffic(): number;
  /** The first 10,000 characters from the guest, with the nanosecond of each. */
  readonly sent: readonly (readonly [byte: number, atNs: number])[];
  /** Accesses of a board to memory that were refused. */
  refused(): number;
  unplug(): void;
}

/** `woken` is told when the guest has been given something. `clock` is that of the guest, which its registers are read at. */
export function plugIn(acquisition: Acquisition, clock: Clock, seed: string, woken: () => void = () => {}): PortDevice {
  if (isBoardAcquisition(acquisition)) return plugBoard(acquisition, clock, seed, woken);
  if (isUrbAcquisition(acquisition)) return plugUsb(acquisition, clock, seed, woken);
  return plugLine(acquisition, clock, seed, woken);
}

const unexpected = (error: HalError): void => {
  throw error;
};

function plugLine(acquisition: CharacterAcquisition, clock: Clock, seed: string, woken: () => void): PortDevice {
  const random = createRandom(seed);
  const sent: [number, number][] = [];
  let characters = 0;
  const { frontend } = acquisition;
  frontend.attach({
    transmit: (byte) => {
      characters++;
      if (sent.length < MOST_SENT) sent.push([byte, clock.now()]);
    },
    roomAvailable: () => {},
    configure: () => {},
    modemControl: () => {},
  });
  const burst = new Timer(() => {
    for (let i = random.below(BURST_CHARACTERS); i >= 0; i--) if (frontend.receive(random.below(256), 0)) characters++;
    acquisition.flush();
    woken();
    clock.schedule(burst, clock.now() + BURST_NS);
  });
  clock.schedule(burst, clock.now() + BURST_NS);
  return { traffic: () => characters, sent, refused: () => 0, unplug: () => clock.cancel(burst) };
}

function plugUsb(acquisition: UrbAcquisition, clock: Clock, seed: string, woken: () => void): PortDevice {
  const device = createVellemanK8055({}, { clock, random: createRandom(seed) });
  const port = createSimulatedUsbPort({ name: 'sim:velleman-k8055', clock, device });
  let transfers = 0;
  new UrbPath(acquisition.frontend, {
    clock,
    port,
    plug: { speed: URB_SPEED.low, devid: DEVID },
    model: undefined,
    inbound: [],
    outbound: [],
    flush: () => {
      transfers++;
      acquisition.flush();
      woken();
    },
    lost: unexpected,
  });
  return { traffic: () => transfers, sent: [], refused: () => 0, unplug: () => port.close() };
}

function plugBoard(acquisition: BoardAcquisition, clock: Clock, seed: string, woken: () => void): PortDevice {
  const board = createDaqBoard({ clock, seed });
  const { frontend } = acquisition;
  let interrupts = 0;
  let refused = 0;
  const count = (done: boolean): boolean => {
    if (!done) refused++;
    return done;
  };
  const counted: BoardFrontend = {
    attach: (backend) => frontend.attach(backend),
    interrupt: (level) => frontend.interrupt(level),
    dmaRead: (...access) => count(frontend.dmaRead(...access)),
    dmaWrite: (...access) => count(frontend.dmaWrite(...access)),
  };
  joinBoard(board, counted, unexpected, (level) => {
    interrupts++;
    frontend.interrupt(level);
    acquisition.flush();
    if (level) woken();
  });
  acquisition.initialise();
  return { traffic: () => interrupts, sent: [], refused: () => refused, unplug: () => board.close() };
}
