/** The drives and the network of a guest's run, opened together and closed together. */

import type { BoardDevices } from '../../vmm/index.js';
import { type FileStorage, openFileStorage } from './file-storage.js';
import type { GuestRequest } from './guest-request.js';
import { LoopbackConnector } from './loopback-connector.js';

export class GuestDevices {
  readonly config: BoardDevices;
  readonly #drives: FileStorage[] = [];
  readonly #connector: LoopbackConnector | undefined;

  /** Throws `RIG_USAGE` for a drive that cannot be opened as asked, or a port that is none. */
  constructor(request: Pick<GuestRequest, 'drives' | 'network' | 'rng'>) {
    const { drives, network, rng } = request;
    this.#connector = network === undefined ? undefined : new LoopbackConnector({ ports: network.ports });
    try {
      for (const { path, access } of drives)
        this.#drives.push(openFileStorage(path, { readOnly: access === 'readonly', snapshot: access !== 'write' }));
    } catch (error) {
      this.close();
      throw error;
    }
    const connector = this.#connector;
    this.config = {
      drives: this.#drives,
      rng,
      ...(connector === undefined
        ? {}
        : { network: { connector: { connect: (port, handlers) => connector.connect(port, handlers) } } }),
    };
  }

  /** The guest talks to a program of this computer. */
  get hasConnections(): boolean {
    return (this.#connector?.connections ?? 0) > 0;
  }

  /** Lets what came over the network enter the guest. */
  poll(): void {
    this.#connector?.poll();
  }

  close(): void {
    this.#connector?.close();
    for (const drive of this.#drives.splice(0)) drive.close();
  }
}
