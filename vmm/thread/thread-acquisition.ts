/** The acquisition port of a machine in another thread, as the thread sees it that owns the device. */

import type { WallClock } from '../../base/index.js';
import type { Acquisition, BoardAcquisition } from '../machine/acquisition.js';
import { isBoardAcquisition } from '../machine/acquisition.js';
import { createRing } from '../machine/create-acquisition.js';
import type { AcquisitionKind } from '../machine/machine-config.js';
import type { MemoryPlan } from '../machine/memory-plan.js';
import { RemoteCharacterFrontend, RemoteUrbFrontend, stamp } from './port-frontend.js';
import { RemoteBoardFrontend } from './remote-board.js';
import type { RemoteRam } from './remote-ram.js';
import type { ThreadOutlet } from './thread-outlet.js';
import { INBOUND } from './thread-protocol.js';
import type { VcpuInbox } from './vcpu-inbox.js';

export interface ThreadPortParts {
  readonly kind: AcquisitionKind | undefined;
  readonly clock: WallClock;
  readonly plan: MemoryPlan;
  readonly ram: RemoteRam;
  readonly inbox: VcpuInbox;
  /** Is told whom what the guest sends is for. */
  readonly outlet: ThreadOutlet;
  readonly control: Int32Array;
}

/** A stand-in for a frontend that lives with its vCPU, or a ring in RAM, served here. */
export function createThreadPort(parts: ThreadPortParts): Acquisition | undefined {
  const { kind, clock, ram, inbox, outlet, control } = parts;
  const now = (): number => clock.now();
  switch (kind) {
    case 'ns16550a':
    case 'virtio-console': {
      const characters = new RemoteCharacterFrontend(inbox, control, now);
      outlet.characters = characters;
      return characterPort(kind, characters);
    }
    case 'virtio-usb': {
      const urbs = new RemoteUrbFrontend(inbox, now, (urb) => outlet.slotOf(urb));
      outlet.urbs = urbs;
      return { kind, frontend: urbs, flush: () => urbs.flush(), poll: () => 0, inFlight: 0, fault: '' };
    }
    case 'board-registers': {
      const board = new RemoteBoardFrontend(ram, inbox, now);
      outlet.board = board;
      return boardPort(kind, board);
    }
    default:
      return ringPort(parts);
  }
}

function characterPort(kind: 'ns16550a' | 'virtio-console', frontend: RemoteCharacterFrontend): Acquisition {
  return {
    kind,
    frontend,
    flush: () => frontend.flush(),
    poll: () => 0,
    disconnected: (gone) => frontend.disconnected(gone),
    fault: '',
  };
}

function boardPort(kind: 'board-registers', frontend: RemoteBoardFrontend): Acquisition {
  return {
    kind,
    frontend,
    initialise: () => {},
    flush: () => {},
    poll: () => 0,
    get fault() {
      return frontend.fault;
    },
  };
}

function ringPort({ kind, clock, plan, ram, inbox }: ThreadPortParts): Acquisition | undefined {
  const setPending = (bits: number, pending: boolean): void => {
    if (pending) stamp(inbox, clock.now());
    inbox.put(INBOUND.interrupts, pending ? bits : 0, pending ? 0 : bits);
    inbox.commit();
  };
  const ring = createRing({ clock, ram, plan, acquisition: kind, setPending });
  return ring !== undefined && isBoardAcquisition(ring) ? shownFirst(ring, inbox) : ring;
}

/** Until the registers stand in the page, what is there says nothing of what the guest wants. */
function shownFirst(window: BoardAcquisition, inbox: VcpuInbox): BoardAcquisition {
  let mark: number | undefined;
  let isShown = false;
  return {
    kind: window.kind,
    frontend: window.frontend,
    initialise: () => {
      window.initialise();
      mark = inbox.mark();
    },
    flush: () => window.flush(),
    poll: () => {
      isShown ||= mark !== undefined && inbox.hasTaken(mark);
      return isShown ? window.poll() : 0;
    },
    fault: '',
  };
}
