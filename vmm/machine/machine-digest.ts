/** Fingerprints by which two runs are compared. */

import { createHash } from 'node:crypto';
import type { GuestImage } from '../boot/guest-image.js';
import type { Vcpu } from '../cpu/vcpu.js';

const IMAGE_DIGEST_DIGITS = 32;

/** 32 hexadecimal digits of SHA-256 over what the loader takes from an image: entry, mode, segments, hypercalls. */
export function imageDigest(image: GuestImage): string {
  const hash = createHash('sha256');
  hash.update(`${image.entry} ${image.startPrivilege} ${image.xlen ?? 0} ${image.hypercalls}`);
  for (const { gpa, bytes, memoryBytes } of image.segments) {
    hash.update(` ${gpa} ${bytes.length} ${memoryBytes} `);
    hash.update(bytes);
  }
  return hash.digest('hex').slice(0, IMAGE_DIGEST_DIGITS);
}

/** SHA-256, hexadecimal, over pc, privilege and the general registers. */
export function stateDigest(vcpu: Vcpu): string {
  const words = [vcpu.readPc(), BigInt(vcpu.privilege)];
  for (let i = 1; i < 32; i++) words.push(vcpu.readRegister(i));
  return createHash('sha256')
    .update(words.map((word) => word.toString(16)).join(' '))
    .digest('hex');
}
