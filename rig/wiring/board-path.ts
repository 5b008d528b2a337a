/** Joins a board to the frontend of the guest that owns it: registers towards the board, interrupt and DMA towards the guest. */

import { type BoardPort, HalError } from '../../hal/index.js';
import type { BoardFrontend } from '../../vmm/index.js';

/**
 * Connects both, once, before the guest starts. An access takes effect at once: what it costs to leave the guest is charged
 * by whoever runs it. `ended` is told when the board goes by itself; its registers read all ones from then on. So it is, with
 * `HAL_TIMEOUT`, when a guest in another thread was not answered in time: what it read is not what the board says.
 * `interrupt` takes the line instead of the frontend where it has a way to go.
 */
export function joinBoard(
  port: BoardPort,
  frontend: BoardFrontend,
  ended: (error: HalError) => void,
  interrupt: (level: boolean) => void = (level) => frontend.interrupt(level),
): void {
  port.attach(
    { interrupt, disconnected: ended },
    {
      read: (address, target, offset, length) => frontend.dmaRead(address, target, offset, length),
      write: (address, source, offset, length) => frontend.dmaWrite(address, source, offset, length),
    },
  );
  frontend.attach({
    readRegister: (offset) => port.readRegister(offset),
    writeRegister: (offset, value) => port.writeRegister(offset, value),
    overdue: (offset) => ended(overdue(port.name, offset)),
  });
}

function overdue(name: string, offset: number): HalError {
  const register = `0x${offset.toString(16).padStart(3, '0')}`;
  return new HalError(
    'HAL_TIMEOUT',
    `The thread that owns ${name} did not answer a guest that read register ${register} within 5 s.`,
    { where: name, hint: 'the host may be overloaded; give the rig a core of its own, or run the guest partitioned' },
  );
}
