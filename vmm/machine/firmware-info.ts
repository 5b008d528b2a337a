/** What OpenSBI's dynamic firmware is told about the next boot stage (OpenSBI, docs/firmware/fw_dynamic.md). */

const MAGIC = 0x4942534fn;
const VERSION = 2n;
const SUPERVISOR = 1n;

/** `struct fw_dynamic_info` of a 64-bit hart: S mode at `nextPc`, no options, booted by hart 0. Other firmware ignores it. */
export function firmwareInfo(nextPc: number): Uint8Array {
  const fields = [MAGIC, VERSION, BigInt(nextPc), SUPERVISOR, 0n, 0n];
  const bytes = new Uint8Array(8 * fields.length);
  const view = new DataView(bytes.buffer);
  for (const [i, field] of fields.entries()) view.setBigUint64(8 * i, field, true);
  return bytes;
}
