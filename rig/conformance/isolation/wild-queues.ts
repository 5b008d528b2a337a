/** Scripts of guests that lay out virtqueues for their console or USB device, with numbers that are wrong here and there. */

import { BOARD, type MemoryPlan, URB_COMMAND, URB_FIELD, URB_HEADER_BYTES, URB_RING } from '../../../vmm/index.js';
import type { Script } from './scripted-guest.js';
import { WILD_RAM_BYTES, type WildNumbers } from './wild-numbers.js';

/** Registers of a virtio-mmio transport (virtio 1.2, section 4.2.2). */
const REGISTER = {
  driverFeatures: 0x020,
  driverFeaturesSel: 0x024,
  queueSel: 0x030,
  queueNum: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interruptAck: 0x064,
  status: 0x070,
  desc: 0x080,
  driver: 0x090,
  device: 0x0a0,
};
const TRANSPORT = BOARD.virtio.base;
const INDIRECT = 1 << 28;
const QUEUES_GPA = BOARD.ram.base + 0x8000;
const QUEUE_BYTES = 0x1000;
const BUFFERS_GPA = BOARD.ram.base + 0x1_0000;
const BUFFER_BYTES = 0x400;
const SIZE = 16;
const FLAG = { next: 1, write: 2, indirect: 4 };

/** A queue as its driver sees it. */
class Queue {
  /** Bytes of the longest buffer that a device could take. */
  longest = 0;
  #available = 0;

  constructor(
    readonly script: Script,
    readonly wild: WildNumbers,
    readonly size: number,
    readonly desc: number,
    readonly avail: number,
    readonly used: number,
  ) {}

  describe(index: number, gpa: number, length: number, flags: number, next: number): void {
    const { script, wild } = this;
    const at = this.desc + 16 * (index % this.size);
    script.word(at, wild.address(gpa));
    script.word(at + 4, wild.high());
    const shownLength = wild.length(length);
    if (shownLength < WILD_RAM_BYTES) this.longest = Math.max(this.longest, shownLength);
    script.word(at + 8, shownLength);
    const shownFlags = wild.errs ? wild.random.below(8) : flags;
    script.word(at + 12, (shownFlags | (wild.index(next, 16) << 16)) >>> 0);
  }

  offer(head: number): void {
    const { script, wild } = this;
    script.half(this.avail + 4 + 2 * (this.#available % this.size), wild.index(head, 16));
    this.#available = (this.#available + 1) & 0xffff;
    script.half(this.avail + 2, wild.index(this.#available, 16));
  }
}

/** Resets the device, negotiates and programs its queues. */
function startTransport(script: Script, wild: WildNumbers, queues: readonly Queue[]): void {
  const write = (register: number, value: number): void => script.word(TRANSPORT + register, value);
  for (const status of [0, 1, 3]) write(REGISTER.status, status);
  write(REGISTER.driverFeaturesSel, 1);
  write(REGISTER.driverFeatures, 1);
  write(REGISTER.driverFeaturesSel, 0);
  write(REGISTER.driverFeatures, wild.of([0, INDIRECT]));
  write(REGISTER.status, 11);
  queues.forEach((queue, i) => {
    write(REGISTER.queueSel, i);
    write(REGISTER.queueNum, queue.size);
    for (const [register, gpa] of [
      [REGISTER.desc, queue.desc],
      [REGISTER.driver, queue.avail],
      [REGISTER.device, queue.used],
    ]) {
      // An area that is refused stops everything; most seeds are to come further.
      write(register, wild.random.below(20) === 0 ? wild.address(gpa) : gpa);
      write(register + 4, 0);
    }
    write(REGISTER.queueReady, 1);
  });
  write(REGISTER.status, 15);
}

function transportQueues(script: Script, wild: WildNumbers, count: number): Queue[] {
  return Array.from({ length: count }, (_, i) => {
    const gpa = QUEUES_GPA + QUEUE_BYTES * i;
    return new Queue(script, wild, SIZE, gpa, gpa + 0x400, gpa + 0x800);
  });
}

/** One to eight buffers for each direction of a virtio-console, round after round. */
export function wildConsole(script: Script, wild: WildNumbers, rounds: number): void {
  const queues = transportQueues(script, wild, 2);
  startTransport(script, wild, queues);
  for (let round = 0; round < rounds; round++) {
    const direction = wild.random.below(2);
    const queue = queues[direction];
    for (let i = wild.random.below(4); i >= 0; i--) {
      const head = wild.random.below(SIZE);
      const chained = wild.random.below(3) === 0;
      const flags = direction === 0 ? FLAG.write : 0;
      const buffer = BUFFERS_GPA + BUFFER_BYTES * (2 * head + direction);
      queue.describe(head, buffer, 1 + wild.random.below(64), flags | (chained ? FLAG.next : 0), (head + 1) % SIZE);
      if (chained) queue.describe(head + 1, buffer + 64, 1 + wild.random.below(64), flags, 0);
      queue.offer(head);
    }
    script.word(TRANSPORT + REGISTER.queueNotify, wild.index(direction, 32));
    // An exit costs the guest the same for one character and for 65,537, but not the host: it would take minutes.
    script.wait(1 + queue.longest);
    afterwards(script, wild);
  }
}

/** Requests to a USB device, behind a transport of virtio. */
export function wildVirtioUsb(script: Script, wild: WildNumbers, rounds: number): void {
  const [queue] = transportQueues(script, wild, 1);
  startTransport(script, wild, [queue]);
  for (let round = 0; round < rounds; round++) {
    offerUrbs(queue, wild);
    script.word(TRANSPORT + REGISTER.queueNotify, wild.index(0, 32));
    afterwards(script, wild);
  }
}

/** Requests to a USB device, in a ring that is polled; now and then the driver begins anew. */
export function wildUrbRing(script: Script, wild: WildNumbers, place: MemoryPlan['urbRing'], rounds: number): void {
  const gpa = place?.gpa ?? 0;
  const size = place?.queueSize ?? 0;
  const desc = gpa + 0x200;
  const avail = desc + 16 * size;
  const queue = new Queue(script, wild, size, desc, avail, Math.ceil((avail + 6 + 2 * size) / 4) * 4);
  script.word(gpa + URB_RING.ready, 1);
  for (let round = 0; round < rounds; round++) {
    if (wild.errs) script.word(gpa + URB_RING.ready, wild.random.below(3));
    if (wild.errs) script.word(gpa + 4 * wild.random.below(0x60), wild.random.uint32());
    offerUrbs(queue, wild);
    script.wait(500 + wild.random.below(2_000));
    afterwards(script, wild);
  }
}

/** Requests of the standard control pipe and of interrupt endpoints 1, of which a K8055 has both. */
function offerUrbs(queue: Queue, wild: WildNumbers): void {
  const { random } = wild;
  for (let i = random.below(3); i >= 0; i--) {
    const place = random.below(SIZE / 2);
    const at = BUFFERS_GPA + 2 * BUFFER_BYTES * place;
    const length = 8 + random.below(24);
    const [direction, endpoint] = wild.of([
      [1, 0],
      [0, 0],
      [1, 1],
      [0, 1],
    ]);
    request(queue, wild, at, { direction, endpoint, length: endpoint === 0 && direction === 0 ? 0 : length });
    const head = 2 * place;
    queue.describe(head, at, URB_HEADER_BYTES + (direction === 0 ? length : 0), FLAG.next, head + 1);
    queue.describe(head + 1, at + BUFFER_BYTES, URB_HEADER_BYTES + (direction === 1 ? length : 0), FLAG.write, 0);
    queue.offer(head);
  }
}

interface Request {
  readonly direction: number;
  readonly endpoint: number;
  readonly length: number;
}

function request({ script }: Queue, wild: WildNumbers, at: number, { direction, endpoint, length }: Request): void {
  const { random } = wild;
  const field = (offset: number, value: number): void => script.word(at + offset, wild.index(value, 32));
  field(URB_FIELD.command, random.below(8) === 0 ? URB_COMMAND.unlink : URB_COMMAND.submit);
  script.word(at + URB_FIELD.seqnum, random.below(64));
  field(URB_FIELD.devid, 0);
  field(URB_FIELD.direction, direction);
  field(URB_FIELD.ep, endpoint);
  script.word(at + URB_FIELD.transferFlags, random.below(64));
  script.word(at + URB_FIELD.length, wild.length(length));
  script.word(at + URB_FIELD.numberOfPackets, wild.errs ? random.uint32() : 0);
  script.word(at + URB_FIELD.interval, random.below(256));
  // GET_DESCRIPTOR or SET_CONFIGURATION; of the other endpoints nobody reads it.
  const setup = direction === 1 ? [0x0100_0680, length << 16] : [0x0001_0900, 0];
  script.word(at + URB_FIELD.setup, wild.errs ? random.uint32() : setup[0]);
  script.word(at + URB_FIELD.setup + 4, wild.errs ? random.uint32() : setup[1]);
}

function afterwards(script: Script, wild: WildNumbers): void {
  if (wild.random.below(2) === 0) script.word(TRANSPORT + REGISTER.interruptAck, 3);
  if (wild.random.below(4) === 0) script.sleep();
  if (wild.errs) script.storm(TRANSPORT + REGISTER.queueNotify, 1 + wild.random.below(500));
}
