/** Where the rig's areas lie at the end of guest RAM: rings below, the device tree at the top. */

import { BOARD } from '../boot/board-map.js';
import { type AcquisitionNode, buildBoardTree } from '../boot/board-tree.js';
import { reportRingBytes } from '../devices/report-ring.js';
import { serialRingBytes } from '../devices/serial-ring.js';
import { VmmError } from '../errors.js';
import type { AcquisitionConfig, MachineConfig } from './machine-config.js';

const PAGE = 0x1000;
/** Room for the tree; without long boot arguments it takes about 4 KiB. */
const TREE_BYTES = 4 * PAGE;
const DEFAULT_RX_ENTRIES = 4_096;
const DEFAULT_TX_ENTRIES = 1_024;
const DEFAULT_REPORT_BYTES = 65_536;
const ISA_RV32 = 'rv32imac_zicsr_zifencei';

export interface MemoryPlan {
  readonly ramBytes: number;
  readonly tree: Uint8Array;
  readonly treeGpa: number;
  readonly serialRing: { readonly gpa: number; readonly rxEntries: number; readonly txEntries: number } | undefined;
  readonly reportRing: { readonly gpa: number; readonly dataBytes: number } | undefined;
}

/** Throws `VMM_CONFIG` when the areas do not fit, `VMM_IMAGE` when the image reaches into them. */
export function planMemory(config: MachineConfig): MemoryPlan {
  const ramBytes = config.ramBytes ?? BOARD.ram.defaultBytes;
  let top = BOARD.ram.base + ramBytes - TREE_BYTES;
  const treeGpa = top;
  const take = (bytes: number): number => {
    top = Math.floor((top - bytes) / PAGE) * PAGE;
    return top;
  };
  const { acquisition } = config;
  const ring = acquisition?.kind === 'serial-ring' ? ringEntries(acquisition) : undefined;
  const serialRing =
    ring === undefined ? undefined : { gpa: take(serialRingBytes(ring.rxEntries, ring.txEntries)), ...ring };
  const dataBytes = config.reportRingBytes ?? DEFAULT_REPORT_BYTES;
  const reportRing = config.reportRing === true ? { gpa: take(reportRingBytes(dataBytes)), dataBytes } : undefined;
  checkRoom(config, top);
  const tree = buildBoardTree({
    xlen: 32,
    isa: ISA_RV32,
    ramBytes,
    hypercalls: config.image.hypercalls,
    ...(config.bootargs === undefined ? {} : { bootargs: config.bootargs }),
    acquisitions: acquisition === undefined ? [] : [acquisitionNode(acquisition, serialRing)],
    ...(reportRing === undefined
      ? {}
      : { reportRing: { base: reportRing.gpa, length: reportRingBytes(reportRing.dataBytes) } }),
  });
  if (tree.length > TREE_BYTES) {
    throw new VmmError(
      'VMM_CONFIG',
      `The device tree of '${config.name}' takes ${tree.length} of ${TREE_BYTES} bytes.`,
      {
        where: config.name,
        hint: 'Shorten the boot arguments.',
      },
    );
  }
  return { ramBytes, tree, treeGpa, serialRing, reportRing };
}

function ringEntries(acquisition: AcquisitionConfig): { rxEntries: number; txEntries: number } {
  return {
    rxEntries: acquisition.rxEntries ?? DEFAULT_RX_ENTRIES,
    txEntries: acquisition.txEntries ?? DEFAULT_TX_ENTRIES,
  };
}

function acquisitionNode(acquisition: AcquisitionConfig, ring: MemoryPlan['serialRing']): AcquisitionNode {
  const { kind, baudRate } = acquisition;
  if (ring !== undefined) {
    return { kind: 'serial-ring', base: ring.gpa, length: serialRingBytes(ring.rxEntries, ring.txEntries), baudRate };
  }
  return kind === 'virtio-console' ? { kind: 'virtio', index: 0, baudRate } : { kind: 'ns16550a', index: 0, baudRate };
}

function checkRoom(config: MachineConfig, lowestGpa: number): void {
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
  if (image.xlen === 64) {
    throw new VmmError('VMM_IMAGE', `${image.name} is a 64-bit image; the interpreter runs 32-bit RISC-V.`, {
      where: image.name,
      hint: 'Build it for rv32imac.',
    });
  }
}
