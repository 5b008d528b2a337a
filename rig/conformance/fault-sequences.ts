/** Plays one seeded sequence of faults: a simulated device, the injector, the wiring of a run and a guest, with taps on both sides of the injector. */

import { join } from 'node:path';
import {
  createRandom,
  ENDPOINT_IN,
  NS_PER_MS,
  type Random,
  TRANSFER_TYPE,
  type Urb,
  VirtualClock,
} from '../../base/index.js';
import {
  createSimulatedPort,
  createSimulatedUsbPort,
  createSimulator,
  createUsbSimulator,
  type FaultPlan,
  type GnssEpoch,
  type HardwareProfile,
  type InjectedFault,
  type InjectedUsbFault,
  injectFaults,
  injectUsbFaults,
  type SerialPort,
  type SerialTap,
  type TraceSink,
  tapPort,
  tapUsbPort,
  type UsbFaultPlan,
  type UsbPort,
  type UsbSimulator,
  type UsbTap,
} from '../../hal/index.js';
import { createMachine } from '../../vmm/index.js';
import { PACKAGE_ROOT } from '../paths.js';
import type { GuestReport, MatrixCell, RunRequest } from '../run/run-types.js';
import { loadCalibration } from '../wiring/calibration.js';
import type { DeviceLink } from '../wiring/device-link.js';
import { findProfile } from '../wiring/executor.js';
import { type OpenGuest, openGuest } from '../wiring/open-guest.js';
import { RunAssembly } from '../wiring/run-assembly.js';
import { scheduleGuests } from '../wiring/schedule-guests.js';
import { SerialLink } from '../wiring/serial-link.js';
import { UsbLink } from '../wiring/usb-link.js';

/** What is to be played; everything else follows from it. */
export interface Sequence {
  readonly seed: string;
  readonly profile: string;
  readonly guest: string;
  readonly architecture: MatrixCell['architecture'];
  readonly frontend: MatrixCell['frontend'];
  readonly bootargs?: string;
  readonly simulator?: RunRequest['simulator'];
  readonly durationNs: number;
  readonly faults: FaultPlan | UsbFaultPlan;
}

/** A transfer of data as it left the injector for the guest. */
export interface SeenTransfer {
  readonly endpointAddress: number;
  /** Bytes that the guest asked for. */
  readonly length: number;
  /** Undefined while it was under way at the end. */
  completedNs: number | undefined;
  status: number;
  data: Uint8Array;
}

/** What is known of a sequence besides what the guest says. */
export interface Played {
  readonly sequence: Sequence;
  readonly reports: readonly GuestReport[];
  /** Why the guest ended; undefined when it still runs, as it should. */
  readonly end: string | undefined;
  /** Bytes of data that the device sent, before the injector; of serial devices with their times. */
  readonly sentBytes: number;
  readonly sentNs: readonly number[];
  readonly faults: readonly { kind: string; atNs: number; index: number; count: number; durationNs: number }[];
  /** USB: transfers of data behind the injector, in the order in which the guest submitted them. */
  readonly transfers: readonly SeenTransfer[];
  /** Serial: characters behind the injector. */
  readonly received: readonly { atNs: number; lineStatus: number }[];
  /** Characters that the wiring had no room for. */
  readonly lost: number;
  readonly device: UsbSimulator | undefined;
  readonly epochs: readonly GnssEpoch[];
}

const NO_TRACE: TraceSink = { write: () => {}, close: () => {} };
const SLICE_NS = 100 * NS_PER_MS;

/** What a process makes once for all sequences. */
class Shelf {
  readonly #guests = new Map<string, OpenGuest>();
  readonly #profiles = new Map<string, HardwareProfile>();
  readonly calibration = loadCalibration(join(PACKAGE_ROOT, 'rig', 'calibration', 'reference.json'));

  guest(name: string): OpenGuest {
    const guest = this.#guests.get(name) ?? openGuest(name);
    this.#guests.set(name, guest);
    return guest;
  }

  profile(name: string): HardwareProfile {
    const profile = this.#profiles.get(name) ?? findProfile(name);
    this.#profiles.set(name, profile);
    return profile;
  }
}

const shelf = new Shelf();

/** The request of a whole run of `sequence`, faults included. */
export function requestOf(sequence: Sequence, outDir: string): RunRequest {
  const { architecture, frontend, profile, guest, seed, durationNs, bootargs, simulator, faults } = sequence;
  return {
    cell: { plan: 'fault sequences', profile, binding: 'sim', architecture, frontend, engine: 'interpreter' },
    guest,
    durationNs,
    seed,
    outDir,
    faults: { ...faults },
    ...(bootargs === undefined ? {} : { bootargs }),
    ...(simulator === undefined ? {} : { simulator }),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class Play {
  readonly played: Mutable<Played>;
  readonly clock = new VirtualClock();
  readonly #random: Random;
  readonly #faults: Played['faults'][number][] = [];
  readonly #sentNs: number[] = [];
  readonly #received: Played['received'][number][] = [];
  readonly #transfers: SeenTransfer[] = [];
  readonly #epochs: GnssEpoch[] = [];

  constructor(readonly sequence: Sequence) {
    this.#random = createRandom(sequence.seed);
    this.played = {
      sequence,
      reports: [],
      end: undefined,
      sentBytes: 0,
      sentNs: this.#sentNs,
      faults: this.#faults,
      transfers: this.#transfers,
      received: this.#received,
      lost: 0,
      device: undefined,
      epochs: this.#epochs,
    };
  }

  async run(): Promise<Played> {
    const { clock, sequence, played } = this;
    const { faults: _, ...request } = requestOf(sequence, '');
    const profile = shelf.profile(sequence.profile);
    const port = profile.kind === 'serial' ? this.#serial(profile) : undefined;
    const usb = profile.kind === 'serial' || profile.kind === 'board' ? undefined : this.#usb(profile);
    const assembly = new RunAssembly({
      request,
      guest: shelf.guest(sequence.guest),
      clock,
      calibration: shelf.calibration,
      random: this.#random,
      trace: NO_TRACE,
      makeGuest: createMachine,
      link: (trace): DeviceLink => {
        if (profile.kind === 'serial' && port !== undefined)
          return new SerialLink(request, profile.bind.serial, trace, () => port);
        if (usb === undefined) throw new Error('a sequence has a serial device or a USB device');
        return new UsbLink(request, trace, () => ({ port: usb }));
      },
    });
    try {
      await assembly.connect();
      const scheduler = scheduleGuests(clock, assembly);
      while (clock.now() < sequence.durationNs) {
        const ran = scheduler.runUntil(Math.min(sequence.durationNs, clock.now() + SLICE_NS));
        if (ran.kind !== 'target') played.end ??= ran.kind;
        if (played.end !== undefined) break;
      }
      assembly.settle();
      const [machine] = assembly.machines;
      if (machine.end !== undefined) played.end = machine.end.sentence;
      played.lost = assembly.wireRun(1).overruns;
    } finally {
      // The journal is not sealed: a digest of the whole memory would take longer than the sequence.
      assembly.link.close();
    }
    const [run] = assembly.guestRuns();
    if (run.reportsDropped ?? 0) played.end ??= `${run.reportsDropped} reports were dropped`;
    played.reports = run.reports;
    return played;
  }

  #serial(profile: Extract<HardwareProfile, { kind: 'serial' }>): SerialPort {
    const { clock, sequence } = this;
    const device = createSimulator(profile, sequence.simulator ?? {}, { clock, random: this.#random.fork('device') });
    device.onEpoch((epoch) => this.#epochs.push(epoch));
    const depth = profile.limits.receiveFifoDepth;
    const simulated = createSimulatedPort({
      name: `sim:${profile.name}`,
      clock,
      device,
      ...(depth === undefined ? {} : { host: { rxFifoDepth: depth } }),
    });
    const sent: SerialTap = {
      ...IGNORED,
      received: (_byte, _status, atNs) => {
        this.#sentNs.push(atNs);
        this.played.sentBytes++;
      },
    };
    const seen: SerialTap = {
      ...IGNORED,
      received: (_byte, lineStatus, atNs) => void this.#received.push({ atNs, lineStatus }),
    };
    const faulty = injectFaults(tapPort(simulated, sent, clock), {
      seed: `${sequence.seed}/faults`,
      clock,
      plan: sequence.faults as FaultPlan,
      listener: { fault: (fault: InjectedFault) => void this.#faults.push(fault) },
    });
    return tapPort(faulty, seen, clock);
  }

  #usb(profile: Extract<HardwareProfile, { kind: 'usb' | 'hid' }>): UsbPort {
    const { clock, sequence, played } = this;
    const device = createUsbSimulator(profile, {}, { clock, random: this.#random.fork('device') });
    played.device = device;
    const faulty = injectUsbFaults(
      tapUsbPort(
        createSimulatedUsbPort({ name: `sim:${profile.name}`, clock, device }),
        usbTap({
          completed: (urb) => {
            if (isData(urb)) played.sentBytes += urb.actualLength;
          },
        }),
        clock,
      ),
      {
        seed: `${sequence.seed}/faults`,
        clock,
        plan: sequence.faults as UsbFaultPlan,
        listener: {
          fault: ({ kind, atNs, endpointAddress, bytes }: InjectedUsbFault) =>
            void this.#faults.push({ kind, atNs, index: endpointAddress, count: bytes, durationNs: 0 }),
        },
      },
    );
    const underWay = new Map<Urb, SeenTransfer>();
    const seen = usbTap({
      submitted: (urb) => {
        if (urb.transferType === TRANSFER_TYPE.control) return;
        const transfer = {
          endpointAddress: urb.endpointAddress,
          length: urb.length,
          completedNs: undefined,
          status: urb.status,
          data: NOTHING,
        };
        underWay.set(urb, transfer);
        this.#transfers.push(transfer);
      },
      completed: (urb, atNs) => {
        const transfer = underWay.get(urb);
        if (transfer === undefined) return;
        underWay.delete(urb);
        transfer.completedNs = atNs;
        transfer.status = urb.status;
        transfer.data = urb.data.slice(0, urb.actualLength);
      },
    });
    return tapUsbPort(faulty, seen, clock);
  }
}

const NOTHING = new Uint8Array(0);

function isData(urb: Urb): boolean {
  return urb.transferType !== TRANSFER_TYPE.control && (urb.endpointAddress & ENDPOINT_IN) !== 0;
}

const IGNORED: SerialTap = {
  received: () => {},
  transmitted: () => {},
  configured: () => {},
  modemControl: () => {},
  modemStatus: () => {},
  disconnected: () => {},
  closed: () => {},
  fault: () => {},
};

function usbTap(what: Partial<UsbTap>): UsbTap {
  return {
    submitted: () => {},
    completed: () => {},
    cancelled: () => {},
    reset: () => {},
    plugged: () => {},
    disconnected: () => {},
    closed: () => {},
    ...what,
  };
}

/** Plays `sequence` in virtual time; rejects only when the rig itself fails. */
export function play(sequence: Sequence): Promise<Played> {
  return new Play(sequence).run();
}
