/** The guest's way to its instrument: characters, URBs or registers, by devices on the bus or by areas in its memory. */

import type { BoardFrontend } from '../devices/board-seam.js';
import type { CharacterFrontend } from '../devices/character.js';
import type { UrbFrontend } from '../devices/urb-seam.js';
import { VmmError } from '../errors.js';
import type { BoardAcquisitionKind, CharacterAcquisitionKind, UrbAcquisitionKind } from './machine-config.js';

/** Bus region of an emulated acquisition device; `ExitCounters.of` counts its exits. */
export const ACQUISITION_REGION = 'acquisition';

interface AnyAcquisition {
  /**
   * A burst is complete: the guest sees all of what was received or completed now, with one interrupt. Without this call
   * it sees it at the same instant, as soon as the clock runs its timers. An NS16550A shows each character at once.
   */
  flush(): void;
  /**
   * Fetches what the guest produced and hands it to the backend; returns how many characters or requests. Only a ring has
   * anything here: nothing but polling tells that its guest has written to it.
   */
  poll(): number;
  /** Why the frontend stands still because of what its guest did; empty while it works. */
  readonly fault: string;
}

/** A character device. */
export interface CharacterAcquisition extends AnyAcquisition {
  readonly kind: CharacterAcquisitionKind;
  readonly frontend: CharacterFrontend;
  /** Tells the guest that its device is gone, or is there again; only a serial ring can. */
  disconnected(gone: boolean): void;
}

/** A USB device. Nothing is plugged in at first: `frontend.plugged` tells the guest what is there. */
export interface UrbAcquisition extends AnyAcquisition {
  readonly kind: UrbAcquisitionKind;
  readonly frontend: UrbFrontend;
  /** URBs that the backend has and has not completed. */
  readonly inFlight: number;
}

/** A board on a memory bus. Its registers show something once a backend is attached and `initialise` was called. */
export interface BoardAcquisition extends AnyAcquisition {
  readonly kind: BoardAcquisitionKind;
  readonly frontend: BoardFrontend;
  /** Shows the registers that are a page; after `frontend.attach`, before the guest starts. */
  initialise(): void;
}

export type Acquisition = CharacterAcquisition | UrbAcquisition | BoardAcquisition;

/** A machine, as far as its port is concerned. */
interface PortOwner {
  readonly name: string;
  readonly acquisition: Acquisition | undefined;
}

/** The machine's character port. Throws `VMM_CONFIG` when it has none. */
export function characterAcquisition({ name, acquisition }: PortOwner): CharacterAcquisition {
  if (acquisition !== undefined && isCharacterAcquisition(acquisition)) return acquisition;
  throw new VmmError('VMM_CONFIG', `The machine '${name}' was made without a character port.`, { where: name });
}

/** The machine's USB port. Throws `VMM_CONFIG` when it has none. */
export function urbAcquisition({ name, acquisition }: PortOwner): UrbAcquisition {
  if (acquisition !== undefined && isUrbAcquisition(acquisition)) return acquisition;
  throw new VmmError('VMM_CONFIG', `The machine '${name}' was made without a USB port.`, { where: name });
}

/** The machine's board. Throws `VMM_CONFIG` when it has none. */
export function boardAcquisition({ name, acquisition }: PortOwner): BoardAcquisition {
  if (acquisition !== undefined && isBoardAcquisition(acquisition)) return acquisition;
  throw new VmmError('VMM_CONFIG', `The machine '${name}' was made without a board.`, { where: name });
}

/** Whether registers, not characters or transfers, are there. */
export function isBoardAcquisition(acquisition: Acquisition): acquisition is BoardAcquisition {
  return acquisition.kind === 'board-registers' || acquisition.kind === 'board-window';
}

/** Whether characters pass there. */
export function isCharacterAcquisition(acquisition: Acquisition): acquisition is CharacterAcquisition {
  return !isUrbAcquisition(acquisition) && !isBoardAcquisition(acquisition);
}

/** Whether USB transfers, not characters, pass there. */
export function isUrbAcquisition(acquisition: Acquisition): acquisition is UrbAcquisition {
  return acquisition.kind === 'virtio-usb' || acquisition.kind === 'urb-ring';
}
