/** What crossed the wire of a USB device, as evidence: when bytes arrived, how transfers went, what was injected. */

import { TRANSFER_TYPE, URB_STATUS, type Urb } from '../../base/index.js';
import type { UsbTap } from '../../hal/index.js';
import { TransferArrivals } from '../metrics/arrivals.js';
import type { UrbCounts } from '../run/run-types.js';

/** Taps a port. The bytes of control transfers are no acquired data and are left out of the stream. */
export class UsbLog implements UsbTap {
  readonly arrivals = new TransferArrivals();
  readonly faults: Record<string, number> = {};
  transmittedBytes = 0;
  readonly #counts = { submitted: 0, completed: 0, stalled: 0, unlinked: 0, failed: 0, control: 0 };
  /** Trace packets of the transfers in `arrivals`, in their order. */
  readonly #packets: number[] = [];

  /** `packetId` answers the trace packet of the completion just recorded; asked at each that brought something. */
  constructor(private readonly packetId: () => number) {}

  get urbs(): UrbCounts {
    return { ...this.#counts };
  }

  /** Id of the trace packet that holds byte `index` of the stream, 0 when none does. */
  packetOf(index: number): number {
    return this.#packets[this.arrivals.transferOf(index)] ?? 0;
  }

  submitted(urb: Urb): void {
    this.#counts.submitted++;
    if (urb.transferType === TRANSFER_TYPE.control) this.#counts.control++;
  }

  completed(urb: Urb, atNs: number): void {
    this.#count(urb.status);
    if (urb.transferType === TRANSFER_TYPE.control || urb.actualLength === 0) return;
    if (!urb.inbound) {
      this.transmittedBytes += urb.actualLength;
      return;
    }
    this.arrivals.add(urb.actualLength, atNs);
    this.#packets.push(this.packetId());
  }

  /** One fault was injected. */
  fault(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
  }

  cancelled(): void {}
  reset(): void {}
  plugged(): void {}
  disconnected(): void {}
  closed(): void {}

  #count(status: number): void {
    const counts = this.#counts;
    if (status === URB_STATUS.ok) counts.completed++;
    else if (status === URB_STATUS.stall) counts.stalled++;
    else if (status === URB_STATUS.unlinked || status === URB_STATUS.killed) counts.unlinked++;
    else counts.failed++;
  }
}
