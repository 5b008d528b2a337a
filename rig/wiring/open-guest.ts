/** A guest ready to be put into a machine: its manifest, its image's bytes, and the image they hold. */

import { readFileSync, statSync } from 'node:fs';
import { type GuestImage, parseImage } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import { type LoadedGuest, loadGuest } from '../guest-manifest.js';

const LARGEST_IMAGE = 256 << 20;

export interface OpenGuest extends LoadedGuest {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly image: GuestImage;
}

/** By name or by the path of its image. `RIG_GUEST` when it cannot be found or read, `VMM_IMAGE` when it is no image. */
export function openGuest(nameOrPath: string): OpenGuest {
  const loaded = loadGuest(nameOrPath);
  const bytes = readImage(loaded.imagePath);
  return { ...loaded, name: loaded.manifest.name, bytes, image: parseImage(bytes, loaded.imagePath) };
}

function readImage(path: string): Uint8Array {
  try {
    if (statSync(path).size > LARGEST_IMAGE) throw new Error(`it is larger than ${LARGEST_IMAGE >> 20} MiB`);
    return readFileSync(path);
  } catch (cause) {
    throw new RigError('RIG_GUEST', `the guest image ${path} cannot be read: ${(cause as Error).message}`, {
      where: path,
      hint: 'build the guests with `make -C guests`, or give the path of an ELF file',
      cause,
    });
  }
}
