/** Characters that were typed at the console, for a guest that asks for them by SBI. */

import type { MmioDevice } from '../bus/mmio-device.js';

/** NS16550A (PC16550D, table II): receiver buffer, line status and its "data ready" bit. */
const RBR = 0;
const LSR = 5;
const DATA_READY = 1;

/** Takes the next character out of the console's UART, as firmware would; -1 when there is none. */
export function consoleInput(uart: MmioDevice): number {
  return (uart.read(LSR, 1) & DATA_READY) === 0 ? -1 : uart.read(RBR, 1);
}
