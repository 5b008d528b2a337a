/** Reads the files of which a guest's image is made. */

import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type BootPart, composeImage, type GuestImage } from '../../vmm/index.js';
import { RigError } from '../errors.js';
import { openGuest } from '../wiring/open-guest.js';
import type { GuestRequest } from './guest-request.js';

const MIB = 1024 * 1024;
const LARGEST_FILE = 1024 * MIB;
const DEFAULT_RAM = { image: 16 * MIB, parts: 128 * MIB } as const;

export interface LoadedImage {
  readonly image: GuestImage;
  readonly ramBytes: number;
}

/**
 * `RIG_USAGE` when the request names both an image and parts of one, or none; `RIG_GUEST` for files that cannot be read;
 * `VMM_IMAGE` for those that are nothing to run.
 */
export function loadImage(request: GuestRequest): LoadedImage {
  const { image, bios, kernel, initrd } = request;
  if (image !== undefined) {
    const extra = [bios, kernel, initrd].some((part) => part !== undefined);
    if (extra)
      throw new RigError('RIG_USAGE', 'an image is given together with --bios, --kernel or --initrd', {
        hint: 'give either IMAGE, or firmware and kernel by their options',
      });
    return { image: openGuest(image).image, ramBytes: request.ramBytes ?? DEFAULT_RAM.image };
  }
  if (bios === undefined && kernel === undefined)
    throw new RigError('RIG_USAGE', 'there is nothing to run', {
      hint: 'give an image, or --kernel FILE, or --bios FILE',
    });
  const ramBytes = request.ramBytes ?? DEFAULT_RAM.parts;
  return {
    image: composeImage({
      ramBytes,
      ...(bios === undefined ? {} : { bios: readPart(bios, 'firmware') }),
      ...(kernel === undefined ? {} : { kernel: unpacked(readPart(kernel, 'kernel'), ramBytes) }),
      ...(initrd === undefined ? {} : { initrd: readPart(initrd, 'initial RAM disk') }),
    }),
    ramBytes,
  };
}

function readPart(path: string, what: string): BootPart {
  const bytes = readInput(path, what);
  // A name without a dot and a slash is that of bytes that a program made up.
  return { bytes, name: /[./\\]/.test(path) ? path : `./${path}` };
}

/** A whole file; `RIG_GUEST` when it is none, cannot be read, or is larger than 1 GiB. */
export function readInput(path: string, what: string): Uint8Array {
  const refuse = (why: string, cause?: unknown): RigError =>
    new RigError('RIG_GUEST', `the ${what} ${path} ${why}`, { where: path, hint: 'give the path of a file', cause });
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw refuse('does not exist');
  if (!status.isFile()) throw refuse('is not a file');
  if (status.size > LARGEST_FILE) throw refuse(`is larger than ${LARGEST_FILE / MIB} MiB`);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw refuse(`cannot be read: ${(cause as Error).message}`, cause);
  }
}

/** Kernels are often installed compressed by gzip. */
function unpacked({ bytes, name }: BootPart, ramBytes: number): BootPart {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { bytes, name };
  try {
    return { bytes: gunzipSync(bytes, { maxOutputLength: ramBytes }), name };
  } catch (cause) {
    const tooLong = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new RigError(
      'RIG_GUEST',
      `the kernel ${name} ${tooLong ? 'unpacks to more than the RAM' : 'cannot be unpacked'}`,
      {
        where: name,
        hint: tooLong ? 'give the guest more RAM with --memory' : 'copy or build it again',
        cause,
      },
    );
  }
}
