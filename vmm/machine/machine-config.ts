/** What a machine is made from. */

import type { VirtualClock, WallClock } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import type { SharedWasmMemory } from '../cpu/guest-memory.js';
import type { BoardWindowLayout } from '../devices/board-window.js';
import type { ReportSink } from '../devices/report-ring.js';
import type { BlockStorage } from '../devices/virtio/block-storage.js';
import type { JournalSink } from '../journal/journal-writer.js';
import type { TcpConnector } from '../net/tcp-connector.js';
import type { EngineName } from './create-vcpu.js';
import type { MachineEnd } from './machine-end.js';
import type { ExitCost, MachineLimits } from './virtual-pace.js';

/** How the guest reaches a character device. The first two are emulated devices on the bus, the third is memory alone. */
export type CharacterAcquisitionKind = 'ns16550a' | 'virtio-console' | 'serial-ring';

/** How the guest reaches a USB device: an emulated device on the bus, or memory alone. */
export type UrbAcquisitionKind = 'virtio-usb' | 'urb-ring';

/** How the guest reaches the registers of a board on a memory bus: each access is an exit, or they are a page of its memory. */
export type BoardAcquisitionKind = 'board-registers' | 'board-window';

/** How the guest reaches its instrument. */
export type AcquisitionKind = CharacterAcquisitionKind | UrbAcquisitionKind | BoardAcquisitionKind;

export interface CharacterAcquisitionConfig {
  readonly kind: CharacterAcquisitionKind;
  /** What the profile names; it goes into the device tree. */
  readonly baudRate: number;
  /** Entries of a serial ring each way, powers of two; 4,096 and 1,024 when absent. */
  readonly rxEntries?: number;
  readonly txEntries?: number;
}

export interface UrbAcquisitionConfig {
  readonly kind: UrbAcquisitionKind;
  /** Descriptors of a URB ring, a power of two up to 1,024; 64 when absent. */
  readonly queueSize?: number;
}

export interface BoardAcquisitionConfig {
  readonly kind: BoardAcquisitionKind;
  /** What the registers of the board mean; a page of up to 64 KiB. */
  readonly layout: BoardWindowLayout;
}

export type AcquisitionConfig = CharacterAcquisitionConfig | UrbAcquisitionConfig | BoardAcquisitionConfig;

/** Memory shared with another guest. */
export interface SharedMemoryConfig {
  /** Number of this guest, and of its peer. */
  readonly id: number;
  readonly peer: number;
  /** `ring`: doorbells are found by polling and cost no exit. `register`: a write to a register tells of them. */
  readonly doorbell: 'ring' | 'register';
  /** Bytes of each section, a power of two from 4 KiB; 16 KiB when absent. */
  readonly sectionBytes?: number;
  /** Doorbells that may wait, a power of two; 64 when absent. */
  readonly ringEntries?: number;
}

/** A network card and the user-mode network behind it (`UserNetwork`). */
export interface NetworkConfig {
  /** `DEFAULT_MAC` when absent. */
  readonly mac?: string;
  /** What stands behind the ports of 10.0.2.2; every connection is refused when absent. */
  readonly connector?: TcpConnector;
  /** Names for the network's DNS server, with their IPv4 addresses. */
  readonly hosts?: ReadonlyMap<string, string>;
}

/** virtio devices behind transports, in this order, after that of a virtio acquisition; eight places in all. */
export interface BoardDevices {
  readonly drives?: readonly BlockStorage[];
  readonly network?: NetworkConfig;
  /** Adds an entropy device that draws from the seed. */
  readonly rng?: boolean;
}

export interface MachineConfig {
  /** How messages and records name it. */
  readonly name: string;
  readonly engine: EngineName;
  readonly image: GuestImage;
  /** Register width for an image that does not say; 32 when absent. */
  readonly xlen?: 32 | 64;
  readonly devices?: BoardDevices;
  /** Seed of what the guest is given as random: `rng-seed` in the device tree, and the entropy device. Neither comes without it. */
  readonly seed?: string;
  /** Date at the clock's origin, in whole ms since 1970, for the real-time clock; 2026-01-01 when absent. */
  readonly epochMs?: number;
  /** The run's clock. Its domain decides what paces the machine: instructions or the host. */
  readonly clock: VirtualClock | WallClock;
  /** A multiple of 64 KiB up to 2 GiB; 16 MiB when absent. */
  readonly ramBytes?: number;
  /** Instructions a second in virtual time; 100,000,000 when absent. */
  readonly cpuHz?: number;
  readonly acquisition?: AcquisitionConfig;
  /** Adds a report ring of `reportRingBytes` (65,536 when absent). */
  readonly reportRing?: boolean;
  readonly reportRingBytes?: number;
  readonly sharedMemory?: SharedMemoryConfig;
  readonly bootargs?: string;
  /** Memory that another thread made for this machine, of the size of its plan; its own when absent. */
  readonly memory?: SharedWasmMemory;
  /** Rings in RAM are laid out and served by another thread, on this machine's memory; false when absent. */
  readonly ringsElsewhere?: boolean;
  /** Where the journal goes; without it there is none. */
  readonly journal?: JournalSink;
  /** What exits cost in virtual time; nothing when absent. Must depend on its arguments alone. */
  readonly exitCostNs?: ExitCost;
  readonly limits?: MachineLimits;
  /** Bits of `mip` whose interrupts are measured, from pending to the first instruction of the handler; none when absent. */
  readonly measuredInterrupts?: number;
  /** Whether the console's UART takes the time of its line for what the guest writes; true when absent. */
  readonly isConsolePaced?: boolean;
  /** One character of the guest's console, from its UART or by hypercall. */
  readonly onConsole?: (byte: number) => void;
  /** The console's UART has room for a character again, after it had none. */
  readonly onConsoleRoom?: () => void;
  /** One report record, by hypercall or from the report ring: `record[0 .. length)`, valid during the call. */
  readonly onReport?: ReportSink;
  /** The guest has ended; called once, from inside the exit that ended it. */
  readonly onEnd?: (end: MachineEnd) => void;
}
