/** A thread that runs the vCPU of one machine after the other, because starting a thread costs more than starting a machine. */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { VmmError } from '../errors.js';
import type { ThreadOrder } from './thread-messages.js';

const PROGRAM = new URL('./vcpu-worker.js', import.meta.url);

/** A thread for one machine alone. */
export function startWorker(order: ThreadOrder): Worker {
  return new Worker(fileURLToPath(PROGRAM), { workerData: order });
}

/**
 * Given to machines by `MachineThreadOptions.thread`. A machine that is sealed leaves it to the next one; with one that is
 * killed or lost it ends, and is started anew for the next. Machines share nothing but what their engine has compiled.
 */
export class VcpuThread {
  #worker: Worker | undefined;
  #isTaken = false;

  /** The thread, building a machine by `order`; for `MachineThread`. Throws `VMM_CONFIG` while another machine has it. */
  take(order: ThreadOrder): Worker {
    if (this.#isTaken)
      throw new VmmError('VMM_CONFIG', `The thread for '${order.machine.name}' still runs another machine.`, {
        where: order.machine.name,
        hint: 'Seal or kill that one first, and wait for it.',
      });
    this.#isTaken = true;
    const idle = this.#worker;
    if (idle === undefined) {
      this.#worker = startWorker(order);
      this.#watch(this.#worker);
      return this.#worker;
    }
    idle.ref();
    idle.postMessage(order);
    return idle;
  }

  /** Its machine was sealed: it waits for the next one, and keeps nothing alive meanwhile. For `MachineThread`. */
  release(): void {
    this.#isTaken = false;
    const worker = this.#worker;
    if (worker === undefined) return;
    // What listened for the machine would keep it, and its memory, in reach.
    for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
    this.#watch(worker);
    worker.unref();
  }

  /** Ends the thread, whatever it does; for `MachineThread`, when its machine is killed, and for whoever needs it no more. */
  async discard(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#isTaken = false;
  }

  /** One that has ended by itself is started anew for the next machine; the machine that had it tells of the loss. */
  #watch(worker: Worker): void {
    const forget = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
    };
    worker.once('exit', forget);
    worker.once('error', forget);
  }
}
