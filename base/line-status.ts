/** What a received character carries beside its bits: one set of values for the line, the wiring and the emulated UART. */

/**
 * Line status bits that travel with a received character; the values are those of the NS16550A's line status register
 * (PC16550D data sheet, "Line Status Register").
 */
export const LINE_STATUS = { overrun: 0x02, parity: 0x04, framing: 0x08, break: 0x10 } as const;
