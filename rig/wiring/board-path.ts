/** Joins a board to the frontend of the guest that owns it: registers towards the board, interrupt and DMA towards the guest. */

import type { BoardPort, HalError } from '../../hal/index.js';
import type { BoardFrontend } from '../../vmm/index.js';

/**
 * Connects both, once, before the guest starts. An access takes effect at once: what it costs to leave the guest is charged
 * by whoever runs it. `ended` is told when the board goes by itself; its registers read all ones from then on.
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
  frontend.attach(port);
}
