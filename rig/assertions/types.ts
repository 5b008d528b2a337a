/** What the plugin adds to chai's types. */

import type { AngleText, FrequencyText, QuantityText, RatioText, TimeText } from '../plan/quantity.js';

export interface TruthTolerance {
  /** Greatest error of latitude and longitude beyond half a unit of the last digit sent; altitudes may be off by 51 mm. */
  readonly position?: AngleText;
  /** `exact`: no fix may claim a time that the receiver did not send. */
  readonly time?: 'exact';
  /** `exact`: every block of scans holds the codes that the simulated converter gave. */
  readonly samples?: 'exact';
}

/** What is counted after `lostNo`, `duplicatedNo` or `reorderedNo`. */
export interface CountedThings {
  /** Measurements of the device: epochs that never came out as a report, or came out twice; reports missing in their sequence. */
  readonly samples: Chai.Assertion;
  /** Characters between the wire and the guest (`lostNo` alone). */
  readonly characters: Chai.Assertion;
}

declare global {
  namespace Chai {
    interface Assertion {
      /** Mean rate of a channel; say how near it must be with `.within('50 ppm')` or `.within('declared')`. */
      rate(nominal: FrequencyText): Assertion;
      /** Deviation of a channel's intervals from their mean. */
      jitter: Assertion;
      /** From the wire to the report. */
      latency: Assertion;
      p50: Assertion;
      p90: Assertion;
      p95: Assertion;
      p99: Assertion;
      p99_9: Assertion;
      p99_99: Assertion;
      max: Assertion;
      min: Assertion;
      mean: Assertion;
      rms: Assertion;
      peakToPeak: Assertion;
      /** Every latency of an interrupt stays `within` what was computed from the guest's image: `.stayWithin.bound`. */
      stayWithin: Assertion;
      bound: Assertion;
      lostNo: CountedThings;
      duplicatedNo: CountedThings;
      reorderedNo: CountedThings;
      /** Exactly so many messages were rejected for their checksum, by the guest's count. */
      checksumErrors(count: number): Assertion;
      /** Received characters = read + reported lost + at most those of the last `allowance` (50 ms) on their way. */
      conserved(allowance?: TimeText): Assertion;
      /** The replay of the run from its journal gave the same output. */
      certified: Assertion;
    }
    interface NumberComparer {
      (limit: TimeText | FrequencyText, message?: string): Assertion;
      (limit: RatioText | AngleText, message?: string): Assertion;
    }
    interface NumericComparison {
      /** After `rate`: greatest deviation from the nominal rate; `declared` takes it from the clocks that are declared. */
      within(tolerance: RatioText | 'declared'): Assertion;
      within(start: QuantityText, finish: QuantityText): Assertion;
    }
    interface Match {
      /** Every fix of the channel is what the simulated receiver sent; every block what the simulated converter gave. */
      truth(tolerance: TruthTolerance): Assertion;
    }
  }
}
