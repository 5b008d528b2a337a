/** Says what a file that is not a pcapng trace looks like, and what to do with it. */

import { HalError } from '../errors.js';

interface Kind {
  readonly looksLike: string;
  readonly hint: string;
}

const CAPTURE_HINT = 'Convert it: editcap -F pcapng INPUT OUTPUT.';

const SIGNATURES: readonly { readonly bytes: readonly number[]; readonly kind: Kind }[] = [
  { bytes: [0x1f, 0x8b], kind: { looksLike: 'a gzip file', hint: 'Unpack it first: gunzip.' } },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], kind: { looksLike: 'a zstd file', hint: 'Unpack it first: unzstd.' } },
  { bytes: [0xa1, 0xb2, 0xc3, 0xd4], kind: { looksLike: 'a classic pcap capture', hint: CAPTURE_HINT } },
  { bytes: [0xd4, 0xc3, 0xb2, 0xa1], kind: { looksLike: 'a classic pcap capture', hint: CAPTURE_HINT } },
  { bytes: [0xa1, 0xb2, 0x3c, 0x4d], kind: { looksLike: 'a classic pcap capture', hint: CAPTURE_HINT } },
  { bytes: [0x4d, 0x3c, 0xb2, 0xa1], kind: { looksLike: 'a classic pcap capture', hint: CAPTURE_HINT } },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    kind: {
      looksLike: 'a ZIP archive (a sigrok .sr file is one)',
      hint: 'Convert it: rig trace convert INPUT OUTPUT.',
    },
  },
  {
    bytes: [0x7f, 0x45, 0x4c, 0x46],
    kind: { looksLike: 'an ELF program', hint: 'Give the trace, not the guest image.' },
  },
];

function kindOf(head: Uint8Array, size: number): Kind {
  if (size === 0) return { looksLike: 'an empty file', hint: 'Nothing was recorded in it; record it again.' };
  for (const { bytes, kind } of SIGNATURES) if (bytes.every((byte, i) => head[i] === byte)) return kind;
  if (head[0] === 0x0a && head[1] === 0x0d && head[2] === 0x0d && head[3] === 0x0a)
    return {
      looksLike: 'a pcapng trace whose first block is damaged',
      hint: 'Nothing behind it can be trusted; record it again.',
    };
  if (head.every((byte) => byte === 0)) return { looksLike: 'nothing but zeros', hint: 'Record it again.' };
  if (head[0] === 0x24 || head[0] === 0x23)
    return {
      looksLike: 'a text log (gpsd, NMEA)',
      hint: 'Import it first (importGpsdLog); rig does so for a file whose name ends in .log.',
    };
  if (head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13))
    return { looksLike: 'a text file', hint: 'Give a pcapng trace.' };
  return { looksLike: 'a file of an unknown kind', hint: 'Give a pcapng trace.' };
}

/** `HAL_TRACE` for the file `name` of `size` bytes that begins with `head`. */
export function foreignFile(name: string, head: Uint8Array, size: number): HalError {
  const { looksLike, hint } = kindOf(head, size);
  return new HalError('HAL_TRACE', `${name} is not a pcapng trace: it looks like ${looksLike}`, { where: name, hint });
}
