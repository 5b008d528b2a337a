/** The device models that are fuzzed, and the surroundings that each one needs to get anywhere. */

import { type Random, type Urb, VirtualClock } from '../../../base/index.js';
import { BOARD } from '../../boot/board-map.js';
import type { MmioDevice } from '../../bus/mmio-device.js';
import type { CharacterBackend, CharacterFrontend } from '../character.js';
import { CLINT, Clint } from '../clint.js';
import { TestLine } from '../device-test-kit.js';
import { GOLDFISH_RTC, GoldfishRtc } from '../goldfish-rtc.js';
import { Ns16550a } from '../ns16550a.js';
import { LCR, UART } from '../ns16550a-registers.js';
import { PLIC, PLIC_SOURCES, Plic } from '../plic.js';
import { TestFinisher } from '../test-finisher.js';
import { URB_HEADER_BYTES } from '../urb-request.js';
import type { UrbBackend } from '../urb-seam.js';
import { TEST_PLUG } from '../urb-test-kit.js';
import { MemoryStorage } from '../virtio/block-storage.js';
import { VirtioBlk } from '../virtio/virtio-blk.js';
import { VirtioConsole } from '../virtio/virtio-console.js';
import { VirtioMmio } from '../virtio/virtio-mmio.js';
import { VirtioRng } from '../virtio/virtio-rng.js';
import { VirtioUsb } from '../virtio/virtio-usb.js';
import { type RequestShape, VIRTIO_REGISTERS, VirtioWorld } from './virtio-world.js';

/** A device with its surroundings. */
export interface FuzzedDevice {
  readonly device: MmioDevice;
  /** What happens around the device between two accesses: time, arrivals, a guest that writes to its RAM. */
  step(random: Random): void;
  /** How often something happened that tells that the accesses reached the inside of the device. */
  depth(): number;
}

export interface FuzzSubject {
  readonly name: string;
  /** Bytes of its window. */
  readonly length: number;
  /** Offsets of its registers: half of the accesses go there. */
  readonly registers: readonly number[];
  create(): FuzzedDevice;
}

/** One line for each device model of the board. */
export const FUZZ_SUBJECTS: readonly FuzzSubject[] = [
  { name: 'test finisher', length: BOARD.testFinisher.length, registers: [0], create: finisher },
  { name: 'CLINT', length: BOARD.clint.length, registers: clintRegisters(), create: clint },
  { name: 'PLIC', length: BOARD.plic.length, registers: plicRegisters(), create: plic },
  { name: 'NS16550A', length: BOARD.console.length, registers: Object.values(UART), create: uart },
  { name: 'Goldfish RTC', length: 0x1000, registers: Object.values(GOLDFISH_RTC), create: rtc },
  { name: 'virtio transport', length: BOARD.virtio.length, registers: VIRTIO_REGISTERS, create: transport },
  { name: 'virtio console', length: BOARD.virtio.length, registers: VIRTIO_REGISTERS, create: virtioConsole },
  { name: 'virtio block device', length: BOARD.virtio.length, registers: VIRTIO_REGISTERS, create: blk },
  { name: 'virtio entropy device', length: BOARD.virtio.length, registers: VIRTIO_REGISTERS, create: rng },
  { name: 'virtio URB device', length: BOARD.virtio.length, registers: VIRTIO_REGISTERS, create: usb },
];

function finisher(): FuzzedDevice {
  let outcomes = 0;
  const device = new TestFinisher({ finish: () => outcomes++ });
  const step = (random: Random): void => {
    if (random.below(16) === 0) device.write(0, 4, [0x5555, 0x3333, 0x7777][random.below(3)]);
  };
  return { device, step, depth: () => outcomes };
}

function clintRegisters(): number[] {
  return [CLINT.msip, CLINT.mtimecmp, CLINT.mtimecmp + 4, CLINT.mtime, CLINT.mtime + 4];
}

function clint(): FuzzedDevice {
  const clock = new VirtualClock();
  let changes = 0;
  const device = new Clint({ clock, setPending: () => changes++ });
  return { device, step: (random) => pass(clock, random, 1e9), depth: () => changes };
}

function plicRegisters(): number[] {
  const contexts = [0, 1].flatMap((context) => {
    const base = PLIC.context + context * PLIC.contextStride;
    return [base + PLIC.threshold, base + PLIC.claim, PLIC.enable + context * PLIC.enableStride];
  });
  return [...contexts, PLIC.pending, ...[1, 10, 95].map((source) => PLIC.priority + 4 * source)];
}

function plic(): FuzzedDevice {
  const outputs = [new TestLine(), new TestLine()];
  const device = new Plic({ outputs });
  const step = (random: Random): void => {
    const source = random.below(2) === 0 ? 10 : 1 + random.below(PLIC_SOURCES);
    device.line(source).set(random.below(2) === 0);
  };
  return { device, step, depth: () => outputs[0].rises + outputs[1].rises };
}

function uart(): FuzzedDevice {
  const clock = new VirtualClock();
  const device = new Ns16550a({ clock, line: new TestLine() });
  const backend = new CountingBackend();
  device.attach(backend);
  const step = (random: Random): void => {
    if (random.below(8) === 0) reopen(device);
    arrive(device, random);
    if (random.below(16) === 0) device.overrun();
    if (random.below(16) === 0) device.modemStatus(random.below(16));
    pass(clock, random, 100_000);
  };
  return { device, step, depth: () => backend.transmitted };
}

/** Back to a line on which something moves: 115,200 baud, no loopback. */
function reopen(device: MmioDevice): void {
  for (const [register, value] of [
    [UART.LCR, LCR.DLAB],
    [UART.DLL, 2],
    [UART.DLM, 0],
    [UART.LCR, 3],
    [UART.MCR, 0],
  ])
    device.write(register, 1, value);
}

function rtc(): FuzzedDevice {
  const clock = new VirtualClock();
  const line = new TestLine();
  const device = new GoldfishRtc({ clock, line });
  return { device, step: (random) => pass(clock, random, 2 ** 33), depth: () => line.rises };
}

/** The transport by itself, with a device behind it that only takes the chains it is given. */
function transport(): FuzzedDevice {
  const world = new VirtioWorld(2);
  let chains = 0;
  const device = new VirtioMmio(
    {
      deviceId: 1,
      featuresLow: 1 << 28,
      featuresHigh: 0,
      queues: world.createQueues(),
      readConfig: () => 0,
      writeConfig: () => {},
      notified: (index) => {
        chains += world.drain(index);
      },
      started: () => {},
    },
    world.line,
  );
  return { device, step: (random) => world.step(device, random), depth: () => chains };
}

function virtioConsole(): FuzzedDevice {
  const world = new VirtioWorld(2);
  const { clock, line, ram } = world;
  const device = new VirtioConsole({ clock, line, ram, receiveCapacity: 64 });
  const backend = new CountingBackend();
  device.attach(backend);
  const step = (random: Random): void => {
    arrive(device, random);
    world.step(device, random);
  };
  return { device, step, depth: () => backend.transmitted };
}

function blk(): FuzzedDevice {
  const world = new VirtioWorld(1);
  const { clock, line, ram } = world;
  const storage = new CountedStorage(new Uint8Array(0x1_0000));
  const device = new VirtioBlk({ clock, line, ram, storage, id: 'fuzz' });
  return { device, step: (random) => world.step(device, random), depth: () => storage.accesses };
}

class CountedStorage extends MemoryStorage {
  accesses = 0;

  override read(sector: number, target: Uint8Array, offset: number, bytes: number): boolean {
    this.#check(sector, bytes);
    return super.read(sector, target, offset, bytes);
  }

  override write(sector: number, source: Uint8Array, offset: number, bytes: number): boolean {
    this.#check(sector, bytes);
    return super.write(sector, source, offset, bytes);
  }

  #check(sector: number, bytes: number): void {
    this.accesses++;
    if (bytes % 512 !== 0 || !(sector + bytes / 512 <= this.sectors))
      throw new RangeError(`${bytes} bytes at sector ${sector} are not in this storage`);
  }
}

function rng(): FuzzedDevice {
  const world = new VirtioWorld(1);
  const { line, ram } = world;
  let filled = 0;
  const device = new VirtioRng({
    line,
    ram,
    fill: (target, length) => {
      target.fill(filled++, 0, length);
    },
  });
  return { device, step: (random) => world.step(device, random), depth: () => filled };
}

const URB_REQUEST: RequestShape = {
  headerBytes: URB_HEADER_BYTES,
  endBytes: URB_HEADER_BYTES,
  fill: (ram, gpa, random) => {
    const wild = (usual: number): number => (random.below(16) === 0 ? random.uint32() : usual);
    // Few numbers, so that URBs are unlinked and numbers are used twice.
    const words = [1 + random.below(2), random.below(32), 0, random.below(2), random.below(4), random.below(32)];
    [...words, 64 * random.below(32), 0, 0, random.below(16)].forEach((word, i) => {
      ram.pokeU32(gpa + 4 * i, wild(word));
    });
  },
};

/** Completes what it is given in any order, at once too, with any status and length. */
class WildUrbs implements UrbBackend {
  submitted = 0;
  readonly #waiting: Urb[] = [];

  constructor(readonly complete: (urb: Urb) => void) {}

  submit(urb: Urb): void {
    if (urb.data.length < urb.length) throw new RangeError(`a URB of ${urb.length} bytes has ${urb.data.length}`);
    this.submitted++;
    this.#waiting.push(urb);
  }

  cancel(urb: Urb): void {
    if (!this.#waiting.includes(urb)) throw new RangeError('a URB is cancelled that nobody has');
    if (urb.id % 2 === 0) this.#end(this.#waiting.indexOf(urb), -2, 0);
  }

  step(random: Random): void {
    if (this.#waiting.length > 64) throw new RangeError('more URBs are in flight than the pool has');
    if (this.#waiting.length === 0 || random.below(2) === 0) return;
    const status = random.below(2) === 0 ? 0 : -random.below(128);
    this.#end(random.below(this.#waiting.length), status, random.below(0x1_0000));
  }

  #end(index: number, status: number, actual: number): void {
    const [urb] = this.#waiting.splice(index, 1);
    urb.status = status;
    urb.actualLength = Math.min(actual, urb.length);
    this.complete(urb);
  }
}

function usb(): FuzzedDevice {
  const world = new VirtioWorld(1, URB_REQUEST);
  const { clock, line, ram } = world;
  const device = new VirtioUsb({ clock, line, ram });
  const backend = new WildUrbs((urb) => device.completed(urb));
  device.attach(backend);
  const step = (random: Random): void => {
    backend.step(random);
    if (random.below(64) === 0) device.plugged(random.below(4) === 0 ? undefined : TEST_PLUG);
    world.step(device, random);
  };
  return { device, step, depth: () => backend.submitted };
}

/** Keeps a count and nothing else, so that memory does not grow by the test itself. */
class CountingBackend implements CharacterBackend {
  transmitted = 0;

  transmit(): void {
    this.transmitted++;
  }

  roomAvailable(): void {}

  configure(): void {}

  modemControl(): void {}
}

function arrive(frontend: CharacterFrontend, random: Random): void {
  if (random.below(4) === 0) frontend.receive(random.below(256), random.uint32() & 0x1e);
}

function pass(clock: VirtualClock, random: Random, atMostNs: number): void {
  if (random.below(4) === 0) clock.advanceTo(clock.now() + random.below(atMostNs));
}
