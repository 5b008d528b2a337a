/** Makes the acquisition port that a machine's configuration asks for, on the bus or in RAM. */

import type { Clock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import type { Bus } from '../bus/bus.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import { BoardMmio } from '../devices/board-mmio.js';
import { BoardWindow } from '../devices/board-window.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { Ns16550a } from '../devices/ns16550a.js';
import type { Plic } from '../devices/plic.js';
import { SerialRing } from '../devices/serial-ring.js';
import { UrbRing } from '../devices/urb-ring.js';
import { VirtioConsole } from '../devices/virtio/virtio-console.js';
import { VirtioUsb } from '../devices/virtio/virtio-usb.js';
import { ACQUISITION_REGION, type Acquisition } from './acquisition.js';
import type { AcquisitionKind } from './machine-config.js';
import type { MemoryPlan } from './memory-plan.js';

export interface AcquisitionParts {
  readonly clock: Clock;
  readonly ram: GuestRam;
  readonly plan: MemoryPlan;
  readonly acquisition: AcquisitionKind | undefined;
  /** Sets or clears bits of the guest's `mip`. */
  setPending(bits: number, pending: boolean): void;
}

/** Whether it stands behind the board's first virtio transport. */
export function takesTransport(kind: AcquisitionKind | undefined): boolean {
  return kind === 'virtio-console' || kind === 'virtio-usb';
}

/** A ring is laid out in RAM here, so the guest's image must be in place already. */
export function createAcquisition(parts: AcquisitionParts, bus: Bus, plic: Plic): Acquisition | undefined {
  switch (parts.acquisition) {
    case undefined:
      return undefined;
    case 'ns16550a':
      return createUart(parts, bus, plic);
    case 'virtio-console':
      return createConsole(parts, bus, plic);
    case 'virtio-usb':
      return createUsb(parts, bus, plic);
    case 'board-registers':
      return createBoardRegisters(parts, bus, plic);
    case 'serial-ring':
    case 'urb-ring':
    case 'board-window':
      return createRing(parts);
  }
}

/** A port that needs memory alone, and so may be served by another thread than that of the vCPU. */
export function createRing(parts: AcquisitionParts): Acquisition | undefined {
  switch (parts.acquisition) {
    case 'serial-ring':
      return createSerialRing(parts);
    case 'urb-ring':
      return createUrbRing(parts);
    case 'board-window':
      return createBoardWindow(parts);
    default:
      return undefined;
  }
}

function createUart({ clock }: AcquisitionParts, bus: Bus, plic: Plic): Acquisition {
  const { base, length, source } = BOARD.acquisitionUart;
  const uart = new Ns16550a({ clock, line: plic.line(source) });
  bus.map({ name: ACQUISITION_REGION, base, length, device: uart });
  return { kind: 'ns16550a', frontend: uart, flush: () => {}, poll: () => 0, disconnected: () => {}, fault: '' };
}

function createConsole({ clock, ram }: AcquisitionParts, bus: Bus, plic: Plic): Acquisition {
  const { base, length, source } = BOARD.virtio;
  const device = new VirtioConsole({ clock, line: plic.line(source), ram });
  bus.map({ name: ACQUISITION_REGION, base, length, device });
  return {
    kind: 'virtio-console',
    frontend: device,
    flush: () => device.flushReceive(),
    poll: () => 0,
    disconnected: () => {},
    get fault() {
      return device.fault;
    },
  };
}

function createUsb({ clock, ram }: AcquisitionParts, bus: Bus, plic: Plic): Acquisition {
  const { base, length, source } = BOARD.virtio;
  const device = new VirtioUsb({ clock, line: plic.line(source), ram });
  bus.map({ name: ACQUISITION_REGION, base, length, device });
  return {
    kind: 'virtio-usb',
    frontend: device,
    flush: () => device.flush(),
    poll: () => 0,
    get inFlight() {
      return device.inFlight;
    },
    get fault() {
      return device.fault;
    },
  };
}

function createBoardRegisters({ ram }: AcquisitionParts, bus: Bus, plic: Plic): Acquisition {
  const { base, length, source } = BOARD.acquisitionBoard;
  const device = new BoardMmio({ ram, line: plic.line(source) });
  bus.map({ name: ACQUISITION_REGION, base, length, device });
  return { kind: 'board-registers', frontend: device, initialise: () => {}, flush: () => {}, poll: () => 0, fault: '' };
}

function createSerialRing(parts: AcquisitionParts): Acquisition | undefined {
  const place = parts.plan.serialRing;
  if (place === undefined) return undefined;
  const ring = new SerialRing({
    clock: parts.clock,
    ram: parts.ram,
    base: place.gpa,
    rxEntries: place.rxEntries,
    txEntries: place.txEntries,
    doorbell: () => parts.setPending(INTERRUPT.doorbell, true),
  });
  ring.initialise();
  return {
    kind: 'serial-ring',
    frontend: ring,
    flush: () => ring.publish(),
    poll: () => ring.poll(),
    disconnected: (gone) => ring.disconnected(gone),
    get fault() {
      return ring.fault;
    },
  };
}

function createUrbRing(parts: AcquisitionParts): Acquisition | undefined {
  const place = parts.plan.urbRing;
  if (place === undefined) return undefined;
  const ring = new UrbRing({
    clock: parts.clock,
    ram: parts.ram,
    base: place.gpa,
    queueSize: place.queueSize,
    doorbell: () => parts.setPending(INTERRUPT.doorbell, true),
  });
  ring.initialise();
  return {
    kind: 'urb-ring',
    frontend: ring,
    flush: () => ring.flush(),
    poll: () => ring.poll(),
    get inFlight() {
      return ring.inFlight;
    },
    get fault() {
      return ring.fault;
    },
  };
}

/** The page shows nothing before the board stands behind it. */
function createBoardWindow(parts: AcquisitionParts): Acquisition | undefined {
  const place = parts.plan.boardWindow;
  if (place === undefined) return undefined;
  const window = new BoardWindow({
    ram: parts.ram,
    base: place.gpa,
    layout: place.layout,
    doorbell: () => parts.setPending(INTERRUPT.doorbell, true),
  });
  return {
    kind: 'board-window',
    frontend: window,
    initialise: () => window.initialise(),
    flush: () => window.flush(),
    poll: () => window.poll(),
    fault: '',
  };
}
