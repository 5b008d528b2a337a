/** Puts the board's devices on the bus (`docs/guest-abi.md`, "Board"). */

import type { Clock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { Bus } from '../bus/bus.js';
import type { InterruptLine } from '../bus/mmio-device.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import type { CharacterBackend } from '../devices/character.js';
import { Clint } from '../devices/clint.js';
import { GoldfishRtc } from '../devices/goldfish-rtc.js';
import type { GuestRam } from '../devices/guest-ram.js';
import { Ns16550a } from '../devices/ns16550a.js';
import { Plic } from '../devices/plic.js';
import { ReportRing } from '../devices/report-ring.js';
import { type FinisherOutcome, TestFinisher } from '../devices/test-finisher.js';
import { VmmError } from '../errors.js';
import type { Acquisition } from './acquisition.js';
import { createAcquisition, takesTransport } from './create-acquisition.js';
import { createSharedMemory, type SharedMemoryPort } from './create-shared-memory.js';
import type { AcquisitionKind, BoardDevices } from './machine-config.js';
import type { MemoryPlan } from './memory-plan.js';
import { emptyTransport, virtioDevices } from './virtio-devices.js';

export interface BoardParts {
  readonly clock: Clock;
  readonly ram: GuestRam;
  readonly plan: MemoryPlan;
  readonly acquisition: AcquisitionKind | undefined;
  readonly devices: BoardDevices;
  readonly seed: string | undefined;
  readonly epochMs: number | undefined;
  readonly isConsolePaced: boolean;
  /** Rings in RAM are laid out and served by somebody else. */
  readonly ringsElsewhere: boolean;
  /** Sets or clears bits of the guest's `mip`; `dueNs`: when the event was due that is the cause, where that is known. */
  setPending(bits: number, pending: boolean, dueNs?: number): void;
  /** Bits that are set already are to be taken once more, for another event that was due. */
  setAgain(bits: number, dueNs: number): void;
  finish(outcome: FinisherOutcome): void;
  console(byte: number): void;
  consoleRoom(): void;
}

export interface Board {
  readonly bus: Bus;
  readonly clint: Clint;
  readonly console: Ns16550a;
  readonly acquisition: Acquisition | undefined;
  readonly reportRing: ReportRing | undefined;
  readonly sharedMemory: SharedMemoryPort | undefined;
}

/** Rings are laid out in RAM here, so the guest's image must be in place already. */
export function createBoard(parts: BoardParts): Board {
  const { clock, plan, ram } = parts;
  const bus = new Bus();
  const setPending = (bits: number, pending: boolean, dueNs?: number): void => parts.setPending(bits, pending, dueNs);
  const meip: InterruptLine = { set: (level) => setPending(INTERRUPT.meip, level) };
  const seip: InterruptLine = { set: (level) => setPending(INTERRUPT.seip, level) };
  const plic = new Plic({ outputs: plan.xlen === 64 ? [meip, seip] : [meip] });
  const clint = new Clint({ clock, setPending, setAgain: (bits, dueNs) => parts.setAgain(bits, dueNs) });
  const console = new Ns16550a({ clock, line: plic.line(BOARD.console.source), isPaced: parts.isConsolePaced });
  console.attach(consoleBackend(parts));
  bus.reserve({ name: 'ram', base: BOARD.ram.base, length: plan.ramBytes });
  const finisher = new TestFinisher({ finish: (outcome) => parts.finish(outcome) });
  bus.map({ name: 'finisher', ...window(BOARD.testFinisher), device: finisher });
  bus.map({ name: 'clint', ...window(BOARD.clint), device: clint });
  bus.map({ name: 'plic', ...window(BOARD.plic), device: plic });
  bus.map({ name: 'console', ...window(BOARD.console), device: console });
  const served = parts.ringsElsewhere ? { ...parts, acquisition: onBus(parts.acquisition) } : parts;
  const acquisition = createAcquisition(served, bus, plic);
  const sharedMemory = createSharedMemory(parts, bus);
  if (plan.xlen === 64) {
    const { source } = BOARD.rtc;
    const epoch = parts.epochMs === undefined ? {} : { epochMs: parts.epochMs };
    bus.map({
      name: 'rtc',
      ...window(BOARD.rtc),
      device: new GoldfishRtc({ clock, line: plic.line(source), ...epoch }),
    });
  }
  mapTransports(parts, bus, plic, takesTransport(parts.acquisition) ? 1 : 0);
  let reportRing: ReportRing | undefined;
  if (plan.reportRing !== undefined && !parts.ringsElsewhere) {
    reportRing = new ReportRing({ ram, base: plan.reportRing.gpa, dataBytes: plan.reportRing.dataBytes });
    reportRing.initialise();
  }
  return { bus, clint, console, acquisition, reportRing, sharedMemory };
}

/** A port that is a device on the bus; undefined for one that lies in RAM. */
function onBus(kind: AcquisitionKind | undefined): AcquisitionKind | undefined {
  return kind === 'serial-ring' || kind === 'urb-ring' || kind === 'board-window' ? undefined : kind;
}

function window(place: { readonly base: number; readonly length: number }): { base: number; length: number } {
  return { base: place.base, length: place.length };
}

function consoleBackend(parts: BoardParts): CharacterBackend {
  return {
    transmit: (byte) => parts.console(byte),
    roomAvailable: () => parts.consoleRoom(),
    configure: () => {},
    modemControl: () => {},
  };
}

/** Every transport is in the device tree: one with device id 0 tells the guest to look further (virtio 1.2, 4.2.3.1). */
function mapTransports(parts: BoardParts, bus: Bus, plic: Plic, first: number): void {
  const { base, length, stride, source, count } = BOARD.virtio;
  const devices = virtioDevices(parts);
  if (first + devices.length > count) {
    throw new VmmError(
      'VMM_CONFIG',
      `The board has ${count} places for virtio devices, not ${first + devices.length}.`,
      {
        hint: 'Leave out a drive.',
      },
    );
  }
  for (let n = first; n < count; n++) {
    const line = plic.line(source + n);
    const { name, create } = devices[n - first] ?? { name: `virtio${n}`, create: emptyTransport };
    bus.map({ name, base: base + n * stride, length, device: create(line) });
  }
}
