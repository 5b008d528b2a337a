/** Damages bytes for tests, seeded: what hostile and broken files look like. */

import type { Random } from '../../base/index.js';

const INTERESTING = [0, 1, 4, 11, 12, 28, 32, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_fffc, 0xffff_ffff] as const;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** Flips, overwrites, cuts, removes, repeats: one to eight times. */
export function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let n = 1 + random.below(8); n > 0 && bytes.length > 0; n--) {
    const at = random.below(bytes.length);
    switch (random.below(6)) {
      case 0:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.below(256);
        break;
      case 2:
        if (bytes.length >= 4)
          new DataView(bytes.buffer).setUint32(
            Math.min(at & ~3, bytes.length - 4),
            INTERESTING[random.below(INTERESTING.length)],
            random.below(2) === 0,
          );
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + random.below(40)));
        break;
      default:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(random.below(bytes.length)));
    }
  }
  return bytes;
}
