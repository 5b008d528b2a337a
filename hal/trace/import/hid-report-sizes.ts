/** The sizes of a HID device's reports, as its report descriptor gives them (HID 1.11, section 6.2.2). */

/** Bytes of a report by its id, the id itself not counted; id 0 where reports are not numbered. */
export interface HidReportSizes {
  readonly numbered: boolean;
  readonly input: ReadonlyMap<number, number>;
  readonly output: ReadonlyMap<number, number>;
}

const TAG = { input: 0x80, output: 0x90, size: 0x74, id: 0x84, count: 0x94, push: 0xa4, pop: 0xb4 } as const;
const LONG_ITEM = 0xfe;
const MAX_STACK = 32;
/** More than any report has; a hostile descriptor may say anything. */
const MAX_BITS = 8 * 16_384;

interface Globals {
  readonly size: number;
  readonly count: number;
  readonly id: number;
}

function add(bits: Map<number, number>, { size, count, id }: Globals): void {
  bits.set(id, Math.min(MAX_BITS, (bits.get(id) ?? 0) + size * count));
}

function bytesOf(bits: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map([...bits].map(([id, count]) => [id, Math.ceil(count / 8)]));
}

/** Reads `descriptor` as far as it makes sense. */
export function hidReportSizes(descriptor: Uint8Array): HidReportSizes {
  const input = new Map<number, number>();
  const output = new Map<number, number>();
  const stack: Globals[] = [];
  let globals: Globals = { size: 0, count: 0, id: 0 };
  let numbered = false;
  for (let at = 0; at < descriptor.length; ) {
    const prefix = descriptor[at];
    if (prefix === LONG_ITEM) {
      at += 3 + (descriptor[at + 1] ?? 0);
      continue;
    }
    const length = [0, 1, 2, 4][prefix & 3];
    let value = 0;
    for (let i = length; i > 0; i--) value = value * 256 + (descriptor[at + i] ?? 0);
    at += 1 + length;
    const tag = prefix & 0xfc;
    if (tag === TAG.size) globals = { ...globals, size: Math.min(value, MAX_BITS) };
    else if (tag === TAG.count) globals = { ...globals, count: Math.min(value, MAX_BITS) };
    else if (tag === TAG.id) {
      globals = { ...globals, id: value & 0xff };
      numbered = true;
    } else if (tag === TAG.push && stack.length < MAX_STACK) stack.push(globals);
    else if (tag === TAG.pop) globals = stack.pop() ?? globals;
    else if (tag === TAG.input) add(input, globals);
    else if (tag === TAG.output) add(output, globals);
  }
  return { numbered, input: bytesOf(input), output: bytesOf(output) };
}

/**
 * The reports in `bytes`, in which several may stand one after the other; what no report size fits is one. `head`: bytes in
 * front of each that tell its id (0: none, then it is report 0).
 */
export function* splitReports(
  bytes: Uint8Array,
  sizes: ReadonlyMap<number, number>,
  head: 0 | 1,
): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; ) {
    const size = sizes.get(head === 0 ? 0 : bytes[at]) ?? 0;
    const end = size === 0 ? bytes.length : Math.min(bytes.length, at + head + size);
    yield bytes.subarray(at, end);
    at = end;
  }
}
