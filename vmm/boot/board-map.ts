/** Addresses and interrupt sources of the board (docs/guest-abi.md), compatible with QEMU's RISC-V `virt`. */

/** One window on the bus; `source` is its PLIC interrupt source. */
export const BOARD = {
  testFinisher: { base: 0x0010_0000, length: 0x1000 },
  rtc: { base: 0x0010_1000, length: 0x1000, source: 11 },
  clint: { base: 0x0200_0000, length: 0x1_0000 },
  /** Acquisition UARTs: number n at `base + n * stride`, PLIC source `source + n`. */
  acquisitionUart: { base: 0x0400_0000, length: 0x100, stride: 0x1000, source: 64, count: 16 },
  /** Doorbell register of the shared memory, where it has one. */
  sharedMemoryDoorbell: { base: 0x0500_0000, length: 0x1000 },
  /** Registers of an acquisition board on the bus. */
  acquisitionBoard: { base: 0x0600_0000, length: 0x1_0000, source: 80 },
  plic: { base: 0x0c00_0000, length: 0x60_0000 },
  console: { base: 0x1000_0000, length: 0x100, source: 10 },
  /** virtio-mmio transports: number n at `base + n * stride`, PLIC source `source + n`. */
  virtio: { base: 0x1000_1000, length: 0x1000, stride: 0x1000, source: 1, count: 8 },
  ram: { base: 0x8000_0000, defaultBytes: 16 * 1024 * 1024 },
} as const;
