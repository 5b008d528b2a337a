/** The monitor: an embeddable RISC-V virtual machine with devices, virtual time, a journal and exact replay. */

export { type LatencyBound, type LatencyBoundOptions, latencyBound } from './analysis/latency-bound.js';
export { BOARD } from './boot/board-map.js';
export { type AcquisitionNode, type BoardDescription, buildBoardTree } from './boot/board-tree.js';
export { type BootPart, type BootParts, composeImage, KERNEL_GPA } from './boot/boot-parts.js';
export { DeviceTree, DeviceTreeNode } from './boot/device-tree.js';
export { type ElfSymbol, readElfSymbols } from './boot/elf-symbols.js';
export { type GuestImage, type ImageSegment, type ImageTarget, parseImage, placeImage } from './boot/image.js';
export { type AddressRange, Bus, type BusRegion } from './bus/bus.js';
export type { InterruptLine, MmioDevice } from './bus/mmio-device.js';
export { GuestMemory, type SharedWasmMemory } from './cpu/guest-memory.js';

export { INTERRUPT, RAM_OFFSET, STATE } from './cpu/state-layout.js';
export type {
  HypercallMode,
  Privilege,
  Vcpu,
  VcpuHost,
  VcpuInspection,
  VcpuStatistics,
  VmExit,
  VmExitReason,
} from './cpu/vcpu.js';
export { BoardMmio, type BoardMmioOptions } from './devices/board-mmio.js';
export type { BoardBackend, BoardFrontend } from './devices/board-seam.js';
export { BoardWindow, type BoardWindowLayout, type BoardWindowOptions } from './devices/board-window.js';
export {
  type CharacterBackend,
  type CharacterFrontend,
  type CharacterLine,
  LINE_STATUS,
} from './devices/character.js';
export { CLINT, Clint, type ClintOptions, TICK_NS } from './devices/clint.js';
export type { GuestRam } from './devices/guest-ram.js';
export { Ns16550a, type Ns16550aOptions, UART_CLOCK_HZ } from './devices/ns16550a.js';
export { PLIC, PLIC_PRIORITIES, PLIC_SOURCES, Plic, type PlicOptions } from './devices/plic.js';
export {
  REPORT_RECORD,
  REPORT_RING,
  ReportRing,
  type ReportRingOptions,
  type ReportSink,
  reportRingBytes,
} from './devices/report-ring.js';
export { NO_PEER, type SectionLink } from './devices/section-link.js';
export { SERIAL_RING, SerialRing, type SerialRingOptions, serialRingBytes } from './devices/serial-ring.js';
export { joinSharedMemory, SharedMemory, type SharedMemoryOptions } from './devices/shared-memory.js';
export { FINISHER, type FinisherOutcome, TestFinisher, type TestFinisherOptions } from './devices/test-finisher.js';
export { URB_COMMAND, URB_FIELD, URB_HEADER_BYTES, URB_MAX_BYTES, URBS_IN_FLIGHT } from './devices/urb-request.js';
export { URB_RING, UrbRing, type UrbRingOptions, urbRingBytes } from './devices/urb-ring.js';
export { URB_SPEED, type UrbBackend, type UrbFrontend, type UrbPlug } from './devices/urb-seam.js';
export { type BlockStorage, MemoryStorage, SECTOR_BYTES } from './devices/virtio/block-storage.js';
export { VIRTIO_CONSOLE, VirtioConsole, type VirtioConsoleOptions } from './devices/virtio/virtio-console.js';
export { VIRTIO_USB, VirtioUsb, type VirtioUsbOptions } from './devices/virtio/virtio-usb.js';
export { VmmError, type VmmErrorCode } from './errors.js';
export {
  argument,
  CALL,
  CALL_WORDS,
  type HypercallHandler,
  type HypercallResult,
  HypercallTable,
  SBI_ERROR,
} from './hypercall/hypercall-table.js';
export { createSbi, SBI_EXTENSION, type SbiHost } from './hypercall/sbi.js';
export { createSupervisorSbi, type Fence, type SupervisorSbiHost } from './hypercall/sbi-supervisor.js';
export { assemble, type Program } from './isa/assembler.js';
export { CSR } from './isa/csr-numbers.js';
export { CHUNK_BYTES, JOURNAL_VERSION, type JournalEnd, type JournalStart } from './journal/journal-format.js';
export { type JournalEntryKind, JournalReader } from './journal/journal-reader.js';
export { type JournalSink, JournalWriter } from './journal/journal-writer.js';
export { type Divergence, type ReplayConfig, type ReplayResult, replayJournal } from './journal/replay.js';
export {
  ACQUISITION_REGION,
  type Acquisition,
  type BoardAcquisition,
  boardAcquisition,
  type CharacterAcquisition,
  characterAcquisition,
  isBoardAcquisition,
  isUrbAcquisition,
  type UrbAcquisition,
  urbAcquisition,
} from './machine/acquisition.js';
export { createVcpu, ENGINE_NAMES, type EngineName, type VcpuOptions } from './machine/create-vcpu.js';
export type { ExitCounters, ExitSnapshot, RegionExits } from './machine/exit-counters.js';
export { InstructionTimebase } from './machine/instruction-timebase.js';
export { INTERRUPT_NAMES, type InterruptLatencies, InterruptLog, type InterruptName } from './machine/interrupt-log.js';
export { createMachine, type Machine } from './machine/machine.js';
export type {
  AcquisitionConfig,
  AcquisitionKind,
  BoardAcquisitionConfig,
  BoardAcquisitionKind,
  BoardDevices,
  CharacterAcquisitionConfig,
  CharacterAcquisitionKind,
  MachineConfig,
  NetworkConfig,
  SharedMemoryConfig,
  UrbAcquisitionConfig,
  UrbAcquisitionKind,
} from './machine/machine-config.js';
export type { MachineCore } from './machine/machine-core.js';
export { imageDigest } from './machine/machine-digest.js';
export type { MachineEnd } from './machine/machine-end.js';
export { type MemoryPlan, type PlannedConfig, planMemory } from './machine/memory-plan.js';
export type { ExitCost, MachineLimits, VirtualPace } from './machine/virtual-pace.js';
export {
  type CoScheduled,
  type RunStop,
  VirtualScheduler,
  type VirtualSchedulerOptions,
} from './machine/virtual-scheduler.js';
export { WallRunner, type WallStop } from './machine/wall-runner.js';
export type { TcpConnector, TcpHandlers, TcpStream } from './net/tcp-connector.js';
export { MachineThread, type MachineThreadListener, type MachineThreadOptions } from './thread/machine-thread.js';
export type { ThreadSections } from './thread/remote-sections.js';
export { SharedRing, sharedRingBytes } from './thread/shared-ring.js';
export type { ThreadMachineConfig, ThreadSchedule } from './thread/thread-messages.js';
export { VcpuThread } from './thread/vcpu-thread.js';
