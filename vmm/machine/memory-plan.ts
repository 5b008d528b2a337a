/** Where the rig's areas lie at the end of guest RAM: rings below, the device tree at the top. */

import { createRandom } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { type AcquisitionNode, buildBoardTree, type SharedMemoryNode } from '../boot/board-tree.js';
import type { BoardWindowLayout } from '../devices/board-window.js';
import { reportRingBytes } from '../devices/report-ring.js';
import { serialRingBytes } from '../devices/serial-ring.js';
import { type SharedMemoryShape, sharedMemoryBytes } from '../devices/shared-memory.js';
import { URB_RING_QUEUE_SIZE, urbRingBytes } from '../devices/urb-ring.js';
import { VmmError } from '../errors.js';
import type {
  AcquisitionConfig,
  CharacterAcquisitionConfig,
  MachineConfig,
  SharedMemoryConfig,
} from './machine-config.js';

const PAGE = 0x1000;
/** Room for the tree; without long boot arguments it takes about 4 KiB. Firmware of a 64-bit guest adds to it in place. */
const TREE_BYTES = { 32: 4 * PAGE, 64: 16 * PAGE } as const;
const FIRMWARE_ROOM_BYTES = 2 * PAGE;
const DEFAULT_RX_ENTRIES = 4_096;
const DEFAULT_TX_ENTRIES = 1_024;
const DEFAULT_REPORT_BYTES = 65_536;
const DEFAULT_SECTION_BYTES = 0x4000;
const DEFAULT_RING_ENTRIES = 64;
const EXTENSIONS = {
  32: ['i', 'm', 'a', 'c', 'zicsr', 'zifencei'],
  64: ['i', 'm', 'a', 'f', 'd', 'c', 'zicntr', 'zicsr', 'zifencei', 'zba', 'zbb', 'svadu'],
} as const;
const RNG_SEED_BYTES = 32;

export interface MemoryPlan {
  readonly xlen: 32 | 64;
  readonly ramBytes: number;
  readonly tree: Uint8Array;
  readonly treeGpa: number;
  /** A page for OpenSBI's dynamic firmware information; undefined for an image that is no firmware with something behind it. */
  readonly firmwareInfoGpa: number | undefined;
  readonly serialRing: { readonly gpa: number; readonly rxEntries: number; readonly txEntries: number } | undefined;
  readonly urbRing: { readonly gpa: number; readonly queueSize: number } | undefined;
  readonly boardWindow: { readonly gpa: number; readonly layout: BoardWindowLayout } | undefined;
  readonly reportRing: { readonly gpa: number; readonly dataBytes: number } | undefined;
  readonly sharedMemory: SharedMemoryPlace | undefined;
}

/** Where a guest's shared memory lies, and what it is told of it. */
export type SharedMemoryPlace = SharedMemoryShape &
  Omit<SharedMemoryConfig, keyof SharedMemoryShape> & { readonly gpa: number };

/** What of a machine's configuration decides about its memory. */
export type PlannedConfig = Omit<MachineConfig, 'engine' | 'clock'>;

/** Throws `VMM_CONFIG` when the areas do not fit, `VMM_IMAGE` when the image reaches into them. */
export function planMemory(config: PlannedConfig): MemoryPlan {
  const ramBytes = config.ramBytes ?? BOARD.ram.defaultBytes;
  const xlen = config.image.xlen ?? config.xlen ?? 32;
  let top = BOARD.ram.base + ramBytes - TREE_BYTES[xlen];
  const treeGpa = top;
  const take = (bytes: number): number => {
    top = Math.floor((top - bytes) / PAGE) * PAGE;
    return top;
  };
  const firmwareInfoGpa = config.image.nextPc === undefined ? undefined : take(PAGE);
  const { acquisition } = config;
  const ring = acquisition?.kind === 'serial-ring' ? ringEntries(acquisition) : undefined;
  const serialRing =
    ring === undefined ? undefined : { gpa: take(serialRingBytes(ring.rxEntries, ring.txEntries)), ...ring };
  const queueSize = acquisition?.kind === 'urb-ring' ? (acquisition.queueSize ?? URB_RING_QUEUE_SIZE) : undefined;
  const urbRing = queueSize === undefined ? undefined : { gpa: take(urbRingBytes(queueSize)), queueSize };
  const boardWindow =
    acquisition?.kind === 'board-window'
      ? { gpa: take(acquisition.layout.bytes), layout: acquisition.layout }
      : undefined;
  const dataBytes = config.reportRingBytes ?? DEFAULT_REPORT_BYTES;
  const reportRing = config.reportRing === true ? { gpa: take(reportRingBytes(dataBytes)), dataBytes } : undefined;
  const { sharedMemory: shared } = config;
  const sharedMemory = shared === undefined ? undefined : placeSharedMemory(shared, take);
  checkRoom(config, top);
  const tree = buildBoardTree({
    xlen,
    extensions: EXTENSIONS[xlen],
    supervisor: xlen === 64,
    rtc: xlen === 64,
    ramBytes,
    hypercalls: config.image.hypercalls !== 'none',
    ...(config.image.initrd === undefined ? {} : { initrd: config.image.initrd }),
    ...(config.seed === undefined ? {} : { rngSeed: rngSeed(config.seed) }),
    ...(config.bootargs === undefined ? {} : { bootargs: config.bootargs }),
    acquisitions: acquisition === undefined ? [] : [acquisitionNode(acquisition, { serialRing, urbRing, boardWindow })],
    ...(reportRing === undefined
      ? {}
      : { reportRing: { base: reportRing.gpa, length: reportRingBytes(reportRing.dataBytes) } }),
    ...(sharedMemory === undefined ? {} : { sharedMemory: sharedMemoryNode(sharedMemory) }),
  });
  const room = TREE_BYTES[xlen] - (xlen === 64 ? FIRMWARE_ROOM_BYTES : 0);
  if (tree.length > room) {
    throw new VmmError('VMM_CONFIG', `The device tree of '${config.name}' takes ${tree.length} of ${room} bytes.`, {
      where: config.name,
      hint: 'Shorten the boot arguments.',
    });
  }
  return { xlen, ramBytes, tree, treeGpa, firmwareInfoGpa, serialRing, urbRing, boardWindow, reportRing, sharedMemory };
}

function rngSeed(seed: string): Uint8Array {
  const bytes = new Uint8Array(RNG_SEED_BYTES);
  const random = createRandom(seed).fork('rng-seed');
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  return bytes;
}

function ringEntries(acquisition: CharacterAcquisitionConfig): { rxEntries: number; txEntries: number } {
  return {
    rxEntries: acquisition.rxEntries ?? DEFAULT_RX_ENTRIES,
    txEntries: acquisition.txEntries ?? DEFAULT_TX_ENTRIES,
  };
}

function placeSharedMemory(config: SharedMemoryConfig, take: (bytes: number) => number): SharedMemoryPlace {
  const { sectionBytes = DEFAULT_SECTION_BYTES, ringEntries = DEFAULT_RING_ENTRIES } = config;
  return { ...config, sectionBytes, ringEntries, gpa: take(sharedMemoryBytes({ sectionBytes, ringEntries })) };
}

function sharedMemoryNode(place: SharedMemoryPlace): SharedMemoryNode {
  const { gpa, id, peer, doorbell } = place;
  return { base: gpa, length: sharedMemoryBytes(place), id, peer, hasRegister: doorbell === 'register' };
}

function acquisitionNode(
  acquisition: AcquisitionConfig,
  { serialRing, urbRing, boardWindow }: Pick<MemoryPlan, 'serialRing' | 'urbRing' | 'boardWindow'>,
): AcquisitionNode {
  if (urbRing !== undefined) return { kind: 'urb-ring', base: urbRing.gpa, length: urbRingBytes(urbRing.queueSize) };
  if (boardWindow !== undefined)
    return { kind: 'board-window', base: boardWindow.gpa, length: boardWindow.layout.bytes };
  if ('layout' in acquisition) return { kind: 'board-registers', length: acquisition.layout.bytes };
  if (!('baudRate' in acquisition)) return { kind: 'virtio', index: 0 };
  const { kind, baudRate } = acquisition;
  if (serialRing !== undefined) {
    const length = serialRingBytes(serialRing.rxEntries, serialRing.txEntries);
    return { kind: 'serial-ring', base: serialRing.gpa, length, baudRate };
  }
  return kind === 'virtio-console' ? { kind: 'virtio', index: 0, baudRate } : { kind: 'ns16550a', index: 0, baudRate };
}

function checkRoom(config: PlannedConfig, lowestGpa: number): void {
  const { image } = config;
  if (lowestGpa <= BOARD.ram.base) {
    throw new VmmError('VMM_CONFIG', `The RAM of '${config.name}' is too small for its device tree and rings.`, {
      where: config.name,
      hint: 'Give the guest more RAM or smaller rings.',
    });
  }
  for (const { gpa, memoryBytes } of image.segments) {
    if (gpa + memoryBytes <= lowestGpa || gpa >= BOARD.ram.base + (config.ramBytes ?? BOARD.ram.defaultBytes)) continue;
    throw new VmmError(
      'VMM_IMAGE',
      `${image.name} leaves no room for the device tree and the rings at the end of RAM.`,
      {
        where: image.name,
        hint: 'Give the guest more RAM.',
      },
    );
  }
}
