/**
 * The I/O path of a USB device: a guest's transfers pass the stations to the port, their completions come back through
 * them. Hosted: driver, I/O process, host OS. Partitioned: the cell's I/O loop and the host OS, without a VM exit.
 */

import { type Clock, TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import { EndpointTable, HalError, type UsbPort, type UsbSink } from '../../hal/index.js';
import type { UrbBackend, UrbFrontend, UrbPlug } from '../../vmm/index.js';
import type { StationName } from './calibration.js';
import { chainStations, type StationModel } from './path-stations.js';
import type { StationOutput } from './station.js';
import { UrbQueue } from './urb-queue.js';

export interface UrbPathOptions {
  readonly clock: Clock;
  readonly port: UsbPort;
  readonly plug: UrbPlug;
  readonly model: StationModel | undefined;
  /** In the order in which a completion meets them. */
  readonly inbound: readonly StationName[];
  readonly outbound: readonly StationName[];
  /** Completions have been handed to the frontend: the guest may see them. */
  readonly flush: () => void;
  readonly lost: (error: HalError) => void;
}

/** What waits beside transfers: one object each, never a URB of a guest. */
const PULLED = 'pulled';
const PLUGGED = 'plugged';

export class UrbPath implements UrbBackend, UsbSink {
  /** Bytes of bulk and interrupt transfers handed to the guest. */
  delivered = 0;
  readonly #frontend: UrbFrontend;
  readonly #options: UrbPathOptions;
  readonly #outbound: StationOutput;
  readonly #inbound: StationOutput;
  readonly #sent = new UrbQueue<'cancel'>();
  readonly #done = new UrbQueue<typeof PULLED | typeof PLUGGED>();
  /** Endpoints as the guest's own requests have made them: a transfer's type is the endpoint's. */
  readonly #table: EndpointTable;
  #lost: HalError | undefined;

  constructor(frontend: UrbFrontend, options: UrbPathOptions) {
    const { clock, model, port } = options;
    this.#table = new EndpointTable(port.description);
    this.#frontend = frontend;
    this.#options = options;
    this.#inbound = chainStations(options.inbound, clock, model, 'in', { arrive: (end) => this.#deliver(end) });
    this.#outbound = chainStations(options.outbound, clock, model, 'out', { arrive: (end) => this.#execute(end) });
    frontend.attach(this);
    port.attach(this);
    frontend.plugged(options.plug);
  }

  submit(urb: Urb): void {
    urb.transferType = this.#table.typeOf(urb.endpointAddress) ?? TRANSFER_TYPE.bulk;
    this.#outbound.arrive(this.#sent.push(urb, undefined));
  }

  cancel(urb: Urb): void {
    this.#outbound.arrive(this.#sent.push(urb, 'cancel'));
  }

  completed(urb: Urb): void {
    if (urb.transferType === TRANSFER_TYPE.control && urb.status === URB_STATUS.ok) this.#table.accepted(urb.setup);
    this.#inbound.arrive(this.#done.push(urb, undefined));
  }

  plugged(present: boolean): void {
    this.#table.configure(0);
    this.#inbound.arrive(this.#done.push(undefined, present ? PLUGGED : PULLED));
  }

  disconnected(error: HalError): void {
    this.#lost = error;
    this.plugged(false);
  }

  /** Everything that has come to the port's door. */
  #execute(end: number): void {
    const { port } = this.#options;
    while (this.#sent.start < end) {
      const mark = this.#sent.mark();
      const urb = this.#sent.shift();
      if (urb === undefined) continue;
      if (mark === 'cancel') port.cancel(urb);
      else this.#submit(urb);
    }
  }

  #submit(urb: Urb): void {
    const { port } = this.#options;
    try {
      port.submit(urb);
    } catch (error) {
      // A guest may ask for anything; what no port can do harms that transfer alone.
      if (!(error instanceof HalError) || (error.code !== 'HAL_INVALID' && error.code !== 'HAL_CLOSED')) throw error;
      urb.status = error.code === 'HAL_CLOSED' ? URB_STATUS.noDevice : URB_STATUS.invalid;
      urb.actualLength = 0;
      this.completed(urb);
    }
  }

  /** Everything that has come to the frontend's door. */
  #deliver(end: number): void {
    while (this.#done.start < end) {
      const mark = this.#done.mark();
      const urb = this.#done.shift();
      if (urb !== undefined) {
        if (urb.inbound && urb.transferType !== TRANSFER_TYPE.control) this.delivered += urb.actualLength;
        this.#frontend.completed(urb);
      } else {
        this.#frontend.plugged(mark === PLUGGED ? this.#options.plug : undefined);
      }
    }
    this.#options.flush();
    if (this.#lost !== undefined && this.#done.start === this.#done.end) {
      this.#options.lost(this.#lost);
      this.#lost = undefined;
    }
  }
}
