/** What a device model is to the bus: registers at offsets, and lines it raises. It never knows the machine. */

/** A bank of memory-mapped registers. */
export interface MmioDevice {
  /**
   * Reads `size` (1, 2, 4) bytes at `offset`, which the bus has checked to lie inside the region. Returns an unsigned
   * 32-bit value. Registers that do not exist read as the manual says, or 0. Never throws, whatever the guest does.
   */
  read(offset: number, size: number): number;
  /** Writes the low `size` bytes of `value` (unsigned 32 bits). Never throws, whatever the guest does. */
  write(offset: number, size: number, value: number): void;
}

/** A level-triggered interrupt wire. Setting the level it already has does nothing. */
export interface InterruptLine {
  set(level: boolean): void;
}
