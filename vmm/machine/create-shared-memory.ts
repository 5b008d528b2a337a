/** Makes the shared memory that a machine's configuration asks for: in RAM, with a register on the bus where there is one. */

import type { Clock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import type { Bus } from '../bus/bus.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { SharedMemory } from '../devices/shared-memory.js';
import type { MemoryPlan } from './memory-plan.js';

/** Bus region of the doorbell register; `ExitCounters.of` counts its exits. */
export const SHARED_MEMORY_REGION = 'shared-memory';

export interface SharedMemoryParts {
  readonly clock: Clock;
  readonly ram: GuestRam;
  readonly plan: MemoryPlan;
  /** Rings in RAM are laid out and served by somebody else. */
  readonly ringsElsewhere: boolean;
  setPending(bits: number, pending: boolean): void;
}

/** The guest's end of a shared memory, and what tells that its guest has rung. */
export interface SharedMemoryPort {
  readonly device: SharedMemory;
  /** Called when the guest writes its doorbell register; never where doorbells are found by polling. */
  onKick: (() => void) | undefined;
}

/** The area is laid out in RAM here, so the guest's image must be in place already. */
export function createSharedMemory(parts: SharedMemoryParts, bus: Bus): SharedMemoryPort | undefined {
  const place = parts.plan.sharedMemory;
  if (place === undefined || (parts.ringsElsewhere && place.doorbell === 'ring')) return undefined;
  const device = new SharedMemory({
    ...place,
    clock: parts.clock,
    ram: parts.ram,
    base: place.gpa,
    interrupt: () => parts.setPending(INTERRUPT.sharedMemory, true),
  });
  device.initialise();
  const port: SharedMemoryPort = { device, onKick: undefined };
  if (place.doorbell === 'register') {
    const { base, length } = BOARD.sharedMemoryDoorbell;
    bus.map({ name: SHARED_MEMORY_REGION, base, length, device: { read: () => 0, write: () => port.onKick?.() } });
  }
  return port;
}
