/** The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words. */

/** Adds `length` bytes from `at` on to a sum that `foldChecksum` ends; an odd last byte is padded with zero. */
export function addWords(sum: number, bytes: Uint8Array, at: number, length: number): number {
  let total = sum;
  const even = at + (length & ~1);
  for (let i = at; i < even; i += 2) total += (bytes[i] << 8) | bytes[i + 1];
  if ((length & 1) !== 0) total += bytes[even] << 8;
  return total;
}

/** The checksum of a sum; 0 over words that include a correct checksum. */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return ~folded & 0xffff;
}

/** The sum of the pseudo-header that UDP and TCP add to theirs (RFC 768 and RFC 9293, section 3.1). */
export function pseudoHeaderSum(source: number, destination: number, protocol: number, length: number): number {
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length;
}
