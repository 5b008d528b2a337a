/** The device tree of the board (docs/guest-abi.md), as QEMU's `virt` has it and Linux expects it. */

import { UART_CLOCK_HZ } from '../devices/ns16550a.js';
import { PLIC_SOURCES } from '../devices/plic.js';
import { FINISHER } from '../devices/test-finisher.js';
import { VmmError } from '../errors.js';
import { BOARD } from './board-map.js';
import { DeviceTree, type DeviceTreeNode } from './device-tree.js';

const TIMEBASE_HZ = 10_000_000;
const CONSOLE_BAUD = 115_200;
/** Causes in `mie` by which CLINT and PLIC reach a hart (Privileged specification, table 14). */
const CAUSE = { msip: 3, mtip: 7, seip: 9, meip: 11, doorbell: 16, sharedMemory: 17 } as const;

/** How the guest reaches an instrument. */
export type AcquisitionNode =
  /** NS16550A number `index`. */
  | { readonly kind: 'ns16550a'; readonly index: number; readonly baudRate: number }
  /** virtio-mmio transport number `index`; a baud rate only where a character device is behind it. */
  | { readonly kind: 'virtio'; readonly index: number; readonly baudRate?: number }
  /** Ring area in RAM. */
  | { readonly kind: 'serial-ring'; readonly base: number; readonly length: number; readonly baudRate: number }
  | { readonly kind: 'urb-ring'; readonly base: number; readonly length: number }
  /** `length` bytes of registers on the bus. */
  | { readonly kind: 'board-registers'; readonly length: number }
  /** The page of registers in RAM. */
  | { readonly kind: 'board-window'; readonly base: number; readonly length: number };

/** Memory shared with another guest. */
export interface SharedMemoryNode {
  readonly base: number;
  readonly length: number;
  readonly id: number;
  readonly peer: number;
  /** Doorbells are told by a register. */
  readonly hasRegister: boolean;
}

export interface BoardDescription {
  readonly xlen: 32 | 64;
  /** Single letters and named extensions in the order of the ISA string, for example `['i', 'm', 'zicsr']`. */
  readonly extensions: readonly string[];
  /** The hart has S mode and the PLIC a second context for it. */
  readonly supervisor?: boolean;
  /** There is a real-time clock. */
  readonly rtc?: boolean;
  readonly ramBase?: number;
  readonly ramBytes: number;
  /** Hypercalls are answered. */
  readonly hypercalls: boolean;
  readonly bootargs?: string;
  /** The initial RAM disk. */
  readonly initrd?: { readonly gpa: number; readonly length: number };
  /** What the guest's random number generator starts from. */
  readonly rngSeed?: Uint8Array;
  /** The first one is announced in `/chosen`. */
  readonly acquisitions?: readonly AcquisitionNode[];
  /** Ring area in RAM. */
  readonly reportRing?: { readonly base: number; readonly length: number };
  readonly sharedMemory?: SharedMemoryNode;
}

/**
 * The tree of the board as a blob. All eight virtio transports are in it, with or without a device behind them.
 * @throws VmmError `VMM_CONFIG` when the description contradicts itself.
 */
export function buildBoardTree(board: BoardDescription): Uint8Array {
  const tree = new DeviceTree();
  const { root } = tree;
  root.cells('#address-cells', 2).cells('#size-cells', 2);
  root.strings('compatible', 'riscv-virtio').strings('model', 'rigvisor,virt');
  const chosen = root.node('chosen');
  const aliases = root.node('aliases');
  const intc = addCpu(tree, board);
  const ramBase = board.ramBase ?? BOARD.ram.base;
  root.node(unit('memory', ramBase)).strings('device_type', 'memory').ranges64('reg', ramBase, board.ramBytes);
  const soc = root.node('soc').cells('#address-cells', 2).cells('#size-cells', 2).strings('compatible', 'simple-bus');
  soc.empty('ranges');
  addFinisher(tree, soc);
  addClint(soc, intc);
  const plic = addPlic(tree, soc, intc, board.supervisor === true);
  if (board.rtc === true) addRtc(soc, plic);
  const console = addUart(soc, plic, BOARD.console.base, BOARD.console.source, CONSOLE_BAUD);
  const transports = addVirtio(soc, plic);
  aliases.strings('serial0', console.path);
  chosen.strings('stdout-path', console.path);
  if (board.bootargs !== undefined) chosen.strings('bootargs', board.bootargs);
  if (board.initrd !== undefined) addInitrd(chosen, board.initrd);
  if (board.rngSeed !== undefined) chosen.bytes('rng-seed', board.rngSeed);
  const acquisitions = (board.acquisitions ?? []).map((acquisition) =>
    addAcquisition(acquisition, soc, plic, transports, () => reservedMemory(root)),
  );
  acquisitions
    .filter((_, i) => board.acquisitions?.[i].kind === 'ns16550a')
    .forEach((node, i) => {
      aliases.strings(`serial${i + 1}`, node.path);
    });
  if (acquisitions.length > 0) chosen.strings('rigvisor,acquisition', acquisitions[0].path);
  if (board.reportRing !== undefined) {
    const ring = addRing(reservedMemory(root), 'report-ring', board.reportRing);
    chosen.strings('rigvisor,report-ring', ring.path);
  }
  if (board.sharedMemory !== undefined) {
    const node = addSharedMemory(reservedMemory(root), board.sharedMemory);
    chosen.strings('rigvisor,shared-memory', node.path);
  }
  if (board.hypercalls) root.node('hypervisor').strings('compatible', 'rigvisor,rig');
  return tree.toBlob();
}

function unit(name: string, base: number): string {
  return `${name}@${base.toString(16)}`;
}

/** Adds /cpus with hart 0; returns the phandle of its interrupt controller. */
function addCpu(tree: DeviceTree, board: BoardDescription): number {
  const cpus = tree.root.node('cpus').cells('#address-cells', 1).cells('#size-cells', 0);
  cpus.cells('timebase-frequency', TIMEBASE_HZ);
  const cpu = cpus.node('cpu@0').strings('device_type', 'cpu').cells('reg', 0).strings('status', 'okay');
  const mmu = board.xlen === 64 ? 'riscv,sv39' : 'riscv,sv32';
  cpu.strings('compatible', 'riscv').strings('riscv,isa', isaString(board));
  // Linux reads these two instead where they are (Documentation/devicetree/bindings/riscv/extensions.yaml).
  cpu.strings('riscv,isa-base', `rv${board.xlen}i`).strings('riscv,isa-extensions', ...board.extensions);
  cpu.strings('mmu-type', board.supervisor === true ? mmu : 'riscv,none');
  const intc = cpu.node('interrupt-controller').strings('compatible', 'riscv,cpu-intc').empty('interrupt-controller');
  intc.cells('#interrupt-cells', 1).cells('#address-cells', 0);
  const phandle = tree.phandle(intc);
  cpus.node('cpu-map').node('cluster0').node('core0').cells('cpu', tree.phandle(cpu));
  return phandle;
}

/** Letters in one word, then every named extension behind an underscore. */
function isaString({ xlen, extensions }: BoardDescription): string {
  const letters = extensions.filter((extension) => extension.length === 1).join('');
  return [`rv${xlen}${letters}`, ...extensions.filter((extension) => extension.length > 1)].join('_');
}

function addFinisher(tree: DeviceTree, soc: DeviceTreeNode): void {
  const { base, length } = BOARD.testFinisher;
  const test = soc.node(unit('test', base)).strings('compatible', 'sifive,test1', 'sifive,test0', 'syscon');
  const regmap = tree.phandle(test.ranges64('reg', base, length));
  for (const [name, value] of [['poweroff', FINISHER.pass] as const, ['reboot', FINISHER.reset] as const]) {
    const node = tree.root.node(name).strings('compatible', `syscon-${name}`);
    node.cells('regmap', regmap).cells('offset', 0).cells('value', value);
  }
}

function addClint(soc: DeviceTreeNode, intc: number): void {
  const { base, length } = BOARD.clint;
  const clint = soc.node(unit('clint', base)).strings('compatible', 'sifive,clint0', 'riscv,clint0');
  clint.ranges64('reg', base, length).cells('interrupts-extended', intc, CAUSE.msip, intc, CAUSE.mtip);
}

/** Returns the phandle. */
function addPlic(tree: DeviceTree, soc: DeviceTreeNode, intc: number, supervisor: boolean): number {
  const { base, length } = BOARD.plic;
  const plic = soc.node(unit('plic', base)).strings('compatible', 'sifive,plic-1.0.0', 'riscv,plic0');
  plic.ranges64('reg', base, length).empty('interrupt-controller').cells('#interrupt-cells', 1);
  plic.cells('#address-cells', 0).cells('riscv,ndev', PLIC_SOURCES);
  const contexts = supervisor ? [intc, CAUSE.meip, intc, CAUSE.seip] : [intc, CAUSE.meip];
  return tree.phandle(plic.cells('interrupts-extended', ...contexts));
}

function addRtc(soc: DeviceTreeNode, plic: number): void {
  const { base, length, source } = BOARD.rtc;
  const rtc = soc.node(unit('rtc', base)).strings('compatible', 'google,goldfish-rtc');
  rtc.ranges64('reg', base, length).cells('interrupts', source).cells('interrupt-parent', plic);
}

/** Two 64-bit addresses; the second one is behind the last byte. */
function addInitrd(chosen: DeviceTreeNode, { gpa, length }: { readonly gpa: number; readonly length: number }): void {
  chosen.ranges64('linux,initrd-start', gpa).ranges64('linux,initrd-end', gpa + length);
}

function addUart(soc: DeviceTreeNode, plic: number, base: number, source: number, baudRate: number): DeviceTreeNode {
  const uart = soc.node(unit('serial', base)).strings('compatible', 'ns16550a');
  uart.ranges64('reg', base, BOARD.console.length).cells('clock-frequency', UART_CLOCK_HZ);
  return uart.cells('current-speed', baudRate).cells('interrupts', source).cells('interrupt-parent', plic);
}

function addVirtio(soc: DeviceTreeNode, plic: number): DeviceTreeNode[] {
  const { base, length, stride, source, count } = BOARD.virtio;
  return Array.from({ length: count }, (_, n) => {
    const transport = soc.node(unit('virtio_mmio', base + n * stride)).strings('compatible', 'virtio,mmio');
    transport.ranges64('reg', base + n * stride, length);
    return transport.cells('interrupts', source + n).cells('interrupt-parent', plic);
  });
}

function reservedMemory(root: DeviceTreeNode): DeviceTreeNode {
  const known = root.children.find((node) => node.name === 'reserved-memory');
  if (known !== undefined) return known;
  const node = root.node('reserved-memory').cells('#address-cells', 2).cells('#size-cells', 2);
  return node.empty('ranges');
}

function addRing(parent: DeviceTreeNode, kind: string, area: { base: number; length: number }): DeviceTreeNode {
  const ring = parent.node(unit(kind, area.base)).strings('compatible', `rigvisor,${kind}`);
  return ring.ranges64('reg', area.base, area.length).empty('no-map');
}

function addSharedMemory(parent: DeviceTreeNode, shared: SharedMemoryNode): DeviceTreeNode {
  const node = addRing(parent, 'shared-memory', shared).cells('rigvisor,local-interrupt', CAUSE.sharedMemory);
  node.cells('rigvisor,id', shared.id).cells('rigvisor,peer', shared.peer);
  return shared.hasRegister ? node.cells('rigvisor,doorbell-register', BOARD.sharedMemoryDoorbell.base) : node;
}

function addBoard(soc: DeviceTreeNode, plic: number, length: number): DeviceTreeNode {
  const { base, source } = BOARD.acquisitionBoard;
  const board = soc.node(unit('daq-board', base)).strings('compatible', 'rigvisor,daq-board');
  return board.ranges64('reg', base, length).cells('interrupts', source).cells('interrupt-parent', plic);
}

function addAcquisition(
  acquisition: AcquisitionNode,
  soc: DeviceTreeNode,
  plic: number,
  transports: readonly DeviceTreeNode[],
  reserved: () => DeviceTreeNode,
): DeviceTreeNode {
  const { kind } = acquisition;
  if (kind === 'board-registers') return addBoard(soc, plic, acquisition.length);
  if (kind === 'board-window')
    return addRing(reserved(), 'daq-board-window', acquisition).cells('rigvisor,local-interrupt', CAUSE.doorbell);
  if (kind === 'serial-ring' || kind === 'urb-ring') {
    const ring = addRing(reserved(), kind, acquisition).cells('rigvisor,local-interrupt', CAUSE.doorbell);
    return kind === 'urb-ring' ? ring : ring.cells('current-speed', acquisition.baudRate);
  }
  const { index, baudRate } = acquisition;
  const { base, stride, source, count } = BOARD.acquisitionUart;
  const places = kind === 'virtio' ? BOARD.virtio.count : count;
  if (!Number.isInteger(index) || index < 0 || index >= places)
    throw new VmmError('VMM_CONFIG', `the board has ${places} places for ${kind}, numbered from 0; ${index} is none`, {
      where: kind,
    });
  if (kind === 'ns16550a') return addUart(soc, plic, base + index * stride, source + index, acquisition.baudRate);
  return baudRate === undefined ? transports[index] : transports[index].cells('current-speed', baudRate);
}
