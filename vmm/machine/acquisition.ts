/** The guest's way to its instrument, the same for all three kinds. */

import type { CharacterFrontend } from '../devices/character.js';
import type { AcquisitionKind } from './machine-config.js';

/** Bus region of an emulated acquisition device; `ExitCounters.of` counts its exits. */
export const ACQUISITION_REGION = 'acquisition';

export interface Acquisition {
  readonly kind: AcquisitionKind;
  readonly frontend: CharacterFrontend;
  /**
   * A burst of received characters is complete: the guest sees all of it now, with one interrupt. Without this call it
   * sees them at the same instant, as soon as the clock runs its timers. An NS16550A shows each character at once.
   */
  flush(): void;
  /**
   * Fetches what the guest produced and hands it to the backend; returns how many characters. Only a serial ring has
   * anything here: nothing but polling tells that its guest has written to it.
   */
  poll(): number;
  /** Tells the guest that its device is gone, or is there again; only a serial ring can. */
  disconnected(gone: boolean): void;
  /** Why the frontend stands still because of what its guest did; empty while it works. */
  readonly fault: string;
}
