/** A guest ready to be put into a machine: its manifest, its image's bytes, and the image they hold. */

import { readFileSync, statSync } from 'node:fs';
import { type GuestImage, parseImage, VmmError } from '../../vmm/index.js';
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
  const image = parseImage(bytes, loaded.imagePath);
  if (image.format === 'raw' && isText(bytes)) throw textImage(loaded.imagePath);
  return { ...loaded, name: loaded.manifest.name, bytes, image };
}

const TEXT_SAMPLE = 4096;

/** Any bytes are a raw image; but machine code without a single control character there is none. */
function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, TEXT_SAMPLE).every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}

function textImage(path: string): VmmError {
  return new VmmError('VMM_IMAGE', `${path} is a text file and no guest image`, {
    where: path,
    hint: 'give the path of an ELF file or of a raw binary',
  });
}

function readImage(path: string): Uint8Array {
  const refuse = (why: string, cause?: unknown): RigError =>
    new RigError('RIG_GUEST', `the guest image ${path} ${why}`, {
      where: path,
      hint: 'give the path of an ELF file, or build the shipped guests with `make -C guests`',
      cause,
    });
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw refuse('does not exist');
  if (!status.isFile()) throw refuse('is not a file');
  if (status.size > LARGEST_IMAGE) throw refuse(`is larger than ${LARGEST_IMAGE >> 20} MiB`);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw refuse(`cannot be read: ${(cause as Error).message}`, cause);
  }
}
