/** What a guest does that misbehaves, by its port and a seed: wild numbers where its devices read, then something worse. */

import { createRandom } from '../../../base/index.js';
import {
  BAR_BYTES,
  CONTROL_WORDS,
  DAQ_MODE,
  DAQ_REGISTER,
  DESCRIPTOR_BYTES,
  STATUS_WORDS,
} from '../../../hal/index.js';
import {
  type AcquisitionConfig,
  type AcquisitionKind,
  BOARD,
  type MemoryPlan,
  planMemory,
  SERIAL_RING,
} from '../../../vmm/index.js';
import { Script } from './scripted-guest.js';
import { WILD_RAM_BYTES, WildNumbers } from './wild-numbers.js';
import { wildConsole, wildUrbRing, wildVirtioUsb } from './wild-queues.js';

/** How such a guest goes on when its port has had enough of it. */
export const ENDINGS = [
  'begins again',
  'floods',
  'goes astray',
  'traps',
  'locks up',
  'spins',
  'sleeps',
  'ends',
] as const;
export type Ending = (typeof ENDINGS)[number];

/** Ports that exist in wall time, where the vCPU has a thread of its own. */
export const THREAD_PORTS = ['ns16550a', 'virtio-console', 'virtio-usb', 'serial-ring', 'urb-ring'] as const;
export type ThreadPort = (typeof THREAD_PORTS)[number];
export const WILD_PORTS: readonly AcquisitionKind[] = [...THREAD_PORTS, 'board-registers', 'board-window'];

const BAUD_RATE = 115_200;
const LAYOUT = { bytes: BAR_BYTES, control: CONTROL_WORDS, status: STATUS_WORDS } as const;
const RING_GPA = BOARD.ram.base + 0x8000;
const BLOCKS_GPA = BOARD.ram.base + 0x1_0000;
const DESCRIPTORS = 16;

/** The configuration of a port of this kind. */
export function portConfig(kind: ThreadPort): Exclude<AcquisitionConfig, { readonly layout: unknown }>;
export function portConfig(kind: AcquisitionKind): AcquisitionConfig;
export function portConfig(kind: AcquisitionKind): AcquisitionConfig {
  switch (kind) {
    case 'board-registers':
    case 'board-window':
      return { kind, layout: LAYOUT };
    case 'virtio-usb':
    case 'urb-ring':
      return { kind };
    default:
      return { kind, baudRate: BAUD_RATE };
  }
}

export interface WildScript {
  readonly script: Script;
  readonly ending: Ending;
}

/** The same seed gives the same script. */
export function wildScript(kind: AcquisitionKind, seed: string): WildScript {
  const random = createRandom(seed);
  const script = new Script();
  const plan = planOf(kind, script);
  const area = plan.serialRing?.gpa ?? plan.urbRing?.gpa ?? plan.boardWindow?.gpa ?? RING_GPA;
  const wild = new WildNumbers(random, area, random.below(2) === 0 ? 4 : 25);
  const rounds = 1 + random.below(8);
  switch (kind) {
    case 'ns16550a':
      wildRegisters(script, wild, BOARD.acquisitionUart.base, 8, 40 * rounds);
      break;
    case 'virtio-console':
      wildConsole(script, wild, rounds);
      break;
    case 'virtio-usb':
      wildVirtioUsb(script, wild, rounds);
      break;
    case 'serial-ring':
      wildSerialRing(script, wild, area, rounds);
      break;
    case 'urb-ring':
      wildUrbRing(script, wild, plan.urbRing, rounds);
      break;
    case 'board-registers':
      wildBoard(script, wild, BOARD.acquisitionBoard.base, rounds);
      break;
    case 'board-window':
      wildBoard(script, wild, area, rounds);
      break;
  }
  const ending = wild.of(ENDINGS);
  end(script, wild, ending);
  return { script, ending };
}

const plans = new Map<AcquisitionKind, MemoryPlan>();

function planOf(kind: AcquisitionKind, script: Script): MemoryPlan {
  let plan = plans.get(kind);
  if (plan === undefined) {
    plan = planMemory({ name: 'wild', image: script.image(), ramBytes: WILD_RAM_BYTES, acquisition: portConfig(kind) });
    plans.set(kind, plan);
  }
  return plan;
}

/** Bytes go where a driver's would, and anywhere else within the device. */
function wildRegisters(script: Script, wild: WildNumbers, base: number, registers: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = base + wild.random.below(registers);
    if (wild.random.below(3) === 0) script.load(wild.address(at & ~3));
    else script.word(wild.address(at & ~3), wild.random.uint32());
  }
}

function wildSerialRing(script: Script, wild: WildNumbers, area: number, rounds: number): void {
  let head = 0;
  for (let round = 0; round < rounds; round++) {
    const count = 1 + wild.random.below(32);
    for (let i = 0; i < count; i++)
      script.half(area + 0x200 + 2 * wild.random.below(0x1400), wild.random.uint32() & 0xffff);
    head = (head + count) >>> 0;
    script.word(area + SERIAL_RING.txHead, wild.index(head, 32));
    script.wait(500 + wild.random.below(2_000));
    if (wild.errs) script.word(area + SERIAL_RING.rxTail, wild.index(0, 32));
    if (wild.errs) {
      for (const field of [SERIAL_RING.baudRate, SERIAL_RING.lineControl, SERIAL_RING.modemControl])
        script.word(area + field, wild.of([0, 9_600, 115_200, wild.random.uint32()]));
      script.word(area + SERIAL_RING.controlSequence, wild.random.uint32());
    }
    // What the rig wrote before boot: it must not believe it afterwards.
    if (wild.errs) script.word(area + 4 * wild.random.below(0x80), wild.random.uint32());
    if (wild.random.below(4) === 0) script.sleep();
  }
}

function wildBoard(script: Script, wild: WildNumbers, base: number, rounds: number): void {
  const { random } = wild;
  const R = DAQ_REGISTER;
  const write = (offset: number, value: number): void => script.word(base + offset, value);
  for (let round = 1; round <= rounds; round++) {
    for (let i = 0; i < DESCRIPTORS; i++) {
      const at = RING_GPA + DESCRIPTOR_BYTES * i;
      script.word(at, wild.address(BLOCKS_GPA + 0x800 * i));
      script.word(at + 4, wild.high());
      script.word(at + 8, wild.length(2 + 2 * random.below(256)));
    }
    write(R.mode, wild.index(DAQ_MODE.dma | DAQ_MODE.interrupt, 32));
    write(R.divisor, wild.index(wild.of([10, 25, 100]), 32));
    write(R.channelMask, wild.index(1 + random.below(0xffff), 32));
    write(R.ringLow, wild.address(RING_GPA));
    write(R.ringHigh, wild.high());
    write(R.ringSize, wild.index(DESCRIPTORS, 32));
    write(R.coalesceCount, wild.index(1, 32));
    write(R.coalesceUs, wild.index(0, 32));
    write(R.acknowledge, wild.index(0, 32));
    write(R.tail, wild.index(DESCRIPTORS, 32));
    write(R.run, wild.index(round, 32));
    script.wait(5_000 + random.below(40_000));
    write(R.acknowledge, wild.index(random.below(DESCRIPTORS), 32));
    write(R.tail, wild.index(DESCRIPTORS + random.below(DESCRIPTORS), 32));
    if (wild.errs) write(4 * random.below(BAR_BYTES / 4), random.uint32());
    if (wild.errs) script.storm(base + R.tail, 1 + random.below(500));
    if (random.below(4) === 0) script.sleep();
  }
}

function end(script: Script, wild: WildNumbers, ending: Ending): void {
  const { random } = wild;
  switch (ending) {
    case 'begins again':
      break;
    case 'floods':
      script.storm(
        wild.of([BOARD.console.base, BOARD.clint.base, BOARD.virtio.base + 0x50, BOARD.plic.base + 4]),
        3_000,
      );
      break;
    case 'goes astray':
      // Not the finisher: it would only end.
      for (let i = 0; i < 32; i++) script.word(0x0200_0000 + (random.uint32() & 0x7dff_fffc), random.uint32());
      script.jump((random.uint32() & ~1) >>> 0);
      script.jump(BOARD.ram.base + 2 * random.below(WILD_RAM_BYTES / 2));
      break;
    case 'traps':
      for (let i = 0; i < 64; i++) script.illegalInstruction();
      break;
    case 'locks up':
      script.lockUp();
      break;
    case 'spins':
      script.spin();
      break;
    case 'sleeps':
      script.sleep();
      script.sleep();
      break;
    case 'ends':
      script.word(BOARD.testFinisher.base, wild.of([0x5555, 0x3333, 0x0003_3333, 0x7777, random.uint32()]));
      break;
  }
}
