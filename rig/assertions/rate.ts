/** `rate('1 Hz').within('50 ppm')`: limits of a rate, given or derived from the declared clocks. */

import { RigError } from '../errors.js';
import { type Limit, shortNumber } from '../metrics/measurement.js';
import { parseAs } from '../plan/quantity.js';
import type { DeclaredClock } from '../run/run-types.js';
import type { ChannelView } from '../view/channel-view.js';

export interface PendingRate {
  readonly channel: ChannelView;
  readonly nominalText: string;
  readonly nominalHz: number;
  /** As the assertion is called while it has no limit. */
  readonly description: string;
}

export function pendingRate(channel: ChannelView, nominalText: string): PendingRate {
  const nominalHz = parseAs('frequency', nominalText);
  if (nominalHz === 0) throw new RigError('RIG_PLAN', 'a rate of 0 Hz cannot be measured', { where: nominalText });
  return { channel, nominalText, nominalHz, description: `rate('${nominalText}') of ${channel.subject}` };
}

/**
 * `declared`: the sum of what the device's and the stamping clock may be off, and of one quantum of each over the
 * measured span, because a free-running clock is nowhere nearer than that. Otherwise the tolerance as given.
 */
export function rateLimit(pending: PendingRate, tolerance: string, clocks: readonly DeclaredClock[]): Limit {
  const { nominalHz, nominalText } = pending;
  if (tolerance !== 'declared') {
    const fraction = parseAs('ratio', tolerance) * 1e-6;
    return around(nominalHz, fraction, `within ${tolerance} of ${nominalText}`);
  }
  const device = clocks.find((clock) => clock.name === 'device');
  if (device === undefined)
    throw new RigError('RIG_PLAN', 'no clock of the device is declared, so no limit can be derived from it', {
      hint: `declare it in the hardware profile, or state the tolerance: .within('50 ppm')`,
    });
  const spanNs = (Math.max(1, pending.channel.total - 1) * 1e9) / nominalHz;
  const counted = clocks.filter((clock) => clock.name === 'device' || clock.name === 'stamps');
  const ppm = counted.reduce((sum, clock) => sum + clock.ppm + (clock.quantumNs / spanNs) * 1e6, 0);
  return around(
    nominalHz,
    ppm * 1e-6,
    `within ${shortNumber(ppm, 6)} ppm of ${nominalText}, as the declared clocks allow`,
  );
}

function around(nominal: number, fraction: number, text: string): Limit {
  return { min: nominal * (1 - fraction), max: nominal * (1 + fraction), text };
}
