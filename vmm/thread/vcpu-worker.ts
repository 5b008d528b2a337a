/** The program of a vCPU's thread: builds each machine around the memory it was given, and runs it. */

import { parentPort, workerData } from 'node:worker_threads';
import { CyclicSchedule, WallClock } from '../../base/index.js';
import { createMachine } from '../machine/machine.js';
import { osThreadId } from './os-thread-id.js';
import type { ThreadMessage, ThreadOrder } from './thread-messages.js';
import { OUTBOUND } from './thread-protocol.js';
import { VcpuLoop } from './vcpu-loop.js';
import { VcpuOutbox } from './vcpu-outbox.js';

function post(message: ThreadMessage, moved: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, moved);
}

/** Builds the machine, runs it until it is to be sealed, and seals it. */
function perform(order: ThreadOrder): void {
  const clock = new WallClock({ origin: order.origin, polled: true });
  const outbox = new VcpuOutbox(
    order.memory,
    () => clock.now(),
    () => post({ kind: 'news' }),
  );
  const machine = createMachine({
    ...order.machine,
    clock,
    memory: order.ram,
    ringsElsewhere: true,
    journal: {
      chunk: (bytes) => {
        const copy = bytes.slice();
        post({ kind: 'journal', bytes: copy }, [copy.buffer as ArrayBuffer]);
      },
    },
    onConsole: (byte) => outbox.put(OUTBOUND.console, byte),
    onReport: (record, length) => outbox.report(record, length, clock.now()),
    onEnd: (end) => post({ kind: 'ended', end }),
  });
  const { sliceInstructions, spinNs, memory } = order;
  const schedule = order.schedule && new CyclicSchedule(order.schedule.frameNs, order.schedule.windows);
  const turns = schedule && { schedule, owner: order.schedule?.owner ?? '' };
  const loop = new VcpuLoop({ machine, clock, memory, outbox, sliceInstructions, spinNs, turns });
  // Where the runtime offers it: what building the machine left behind is not collected while its guest runs.
  (globalThis as { readonly gc?: () => void }).gc?.();
  post({ kind: 'ready', threadId: osThreadId(), regions: [...machine.core.regionNames] });
  loop.run();
  post({ kind: 'sealed', end: machine.seal(), interrupts: machine.interrupts?.all() ?? {} });
}

perform(workerData as ThreadOrder);
// A thread of its own ends with its machine, by `terminate`.
parentPort?.on('message', perform);
