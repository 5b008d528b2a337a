/** What a trace says of the run that made it: enough to find the guest again and run it from the journal. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JsonValue } from '../../hal/index.js';
import type { RunRequest } from '../run/run-types.js';
import type { Calibration } from './calibration.js';
import type { OpenGuest } from './open-guest.js';

export const runManifestSchema = z.looseObject({
  kind: z.literal('rigvisor-run'),
  guest: z.string(),
  imageSha256: z.string(),
  guests: z.number().int().min(1).max(64),
  seed: z.string(),
  durationNs: z.number(),
  bootargs: z.string().optional(),
  companion: z.looseObject({ guest: z.string(), imageSha256: z.string() }).optional(),
  cell: z.looseObject({
    profile: z.string(),
    binding: z.string(),
    architecture: z.string(),
    frontend: z.string(),
    engine: z.string(),
  }),
});
export type RunManifest = z.infer<typeof runManifestSchema>;

/** What a recording of a device alone says of itself. */
export const recordingManifestSchema = z.looseObject({ kind: z.literal('rigvisor-recording'), profile: z.string() });

export function imageSha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The same request gives the same manifest on every machine: it names no path, host or date. */
export function runManifest(
  request: RunRequest,
  guest: OpenGuest,
  calibration: Calibration | undefined,
  companion?: OpenGuest,
): JsonValue {
  return {
    kind: 'rigvisor-run',
    cell: { ...request.cell },
    guest: guest.name,
    imageSha256: imageSha256(guest.bytes),
    guests: request.guests ?? 1,
    seed: request.seed,
    ...(request.bootargs === undefined ? {} : { bootargs: request.bootargs }),
    ...(companion === undefined ? {} : { companion: companionManifest(request, companion) }),
    durationNs: request.durationNs,
    calibration: calibration?.name ?? 'measured',
  };
}

function companionManifest(request: RunRequest, companion: OpenGuest): { [key: string]: JsonValue } {
  const bootargs = request.companion?.bootargs;
  return {
    guest: companion.name,
    imageSha256: imageSha256(companion.bytes),
    ...(bootargs === undefined ? {} : { bootargs }),
  };
}
