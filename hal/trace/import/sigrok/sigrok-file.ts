/** Reads a sigrok session (`.sr`, a ZIP) as a stream of samples, in constant memory. */

import { closeSync, fstatSync, openSync } from 'node:fs';
import { type Entry, fromFdPromise, type ZipFile } from 'yauzl';
import { HalError } from '../../../errors.js';
import { fileError } from '../../trace-sink.js';
import { parseSigrokMetadata, type SigrokMetadata, type SigrokProbe } from './sigrok-metadata.js';

/** More chunks would be a capture of a terabyte. */
const MAX_ENTRIES = 100_000;
const MAX_METADATA_BYTES = 65_536;
const BLOCK_BYTES = 1 << 18;

/** Whole samples; `bytes` begins at a multiple of eight and is overwritten by the next block. */
export interface SampleBlock {
  readonly bytes: Uint8Array;
  /** Samples in it. */
  readonly count: number;
}

function trouble(path: string, what: string, cause?: unknown): HalError {
  return new HalError('HAL_TRACE', `${path} is not a whole sigrok session: ${what}`, {
    where: path,
    hint: 'Record or save it again with sigrok.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a library said, without its names of classes, as part of one sentence. */
function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0].slice(0, 200);
}

/**
 * An open session. Opening reads the directory and the metadata only; `blocks` may be called several times, one after the
 * other. Whatever is in the file, memory stays below a megabyte beside the directory (at most 100,000 entries), and time is
 * linear in the file's size, as deflate expands at most 1032 times and no byte of the file is inflated twice in one pass.
 */
export class SigrokFile {
  readonly path: string;
  readonly metadata: SigrokMetadata;
  /** Samples as the directory tells; all of them are delivered or reading fails. */
  readonly samples: number;
  readonly #zip: ZipFile;
  readonly #chunks: readonly Entry[];

  private constructor(path: string, zip: ZipFile, metadata: SigrokMetadata, chunks: readonly Entry[]) {
    this.path = path;
    this.#zip = zip;
    this.metadata = metadata;
    this.#chunks = chunks;
    this.samples = Math.floor(chunks.reduce((sum, entry) => sum + entry.uncompressedSize, 0) / metadata.unitSize);
  }

  /** Opens the session at `path`. Rejects with `HAL_NOT_FOUND`, `HAL_DENIED`, `HAL_INVALID`, `HAL_IO`; `HAL_TRACE` when it is none. */
  static async open(path: string): Promise<SigrokFile> {
    const { fd, size } = openPlainFile(path);
    let zip: ZipFile;
    try {
      zip = await fromFdPromise(fd, { lazyEntries: true, autoClose: false, validateEntrySizes: true });
    } catch (error) {
      closeSync(fd);
      throw trouble(path, reason(error), error);
    }
    try {
      const entries = await readDirectory(path, zip, size);
      const text = await readMetadata(path, zip, entries.get('metadata'));
      const metadata = parseSigrokMetadata(text, path);
      return new SigrokFile(path, zip, metadata, chunksOf(path, entries, metadata.captureFile));
    } catch (error) {
      zip.close();
      throw error instanceof HalError ? error : trouble(path, reason(error), error);
    }
  }

  /** Nanoseconds from the first sample to sample `index`. */
  timeNs(index: number): number {
    return Math.round((index * 1e9) / this.metadata.sampleRate);
  }

  /**
   * The probe called `name`, or numbered so (`1` or `probe1` is the first bit) where no probe has that name. Throws
   * `HAL_NOT_FOUND`, naming those there are.
   */
  probe(name: string): SigrokProbe {
    const { probes } = this.metadata;
    const number = /^(?:probe)?(\d{1,3})$/i.exec(name);
    const found =
      probes.find((probe) => probe.name === name) ??
      probes.find((probe) => probe.name.toLowerCase() === name.toLowerCase()) ??
      probes.find((probe) => number !== null && probe.bit === Number(number[1]) - 1);
    if (found !== undefined) return found;
    throw new HalError('HAL_NOT_FOUND', `${this.path} has no probe "${name}"`, {
      where: this.path,
      hint: `It has ${probes.map((probe) => probe.name).join(', ') || 'none with a name'}.`,
    });
  }

  /** Every sample, in order, from the start. Rejects with `HAL_TRACE` where the archive is damaged. */
  async *blocks(): AsyncGenerator<SampleBlock, void, undefined> {
    const { unitSize } = this.metadata;
    const buffer = new Uint8Array(BLOCK_BYTES);
    let filled = 0;
    try {
      for (const entry of this.#chunks) {
        const stream = await this.#zip.openReadStreamPromise(entry);
        for await (const piece of stream as AsyncIterable<Uint8Array>) {
          for (let at = 0; at < piece.length; ) {
            const taken = Math.min(piece.length - at, BLOCK_BYTES - filled);
            buffer.set(piece.subarray(at, at + taken), filled);
            at += taken;
            filled += taken;
            if (filled < BLOCK_BYTES) continue;
            const count = Math.floor(filled / unitSize);
            yield { bytes: buffer.subarray(0, count * unitSize), count };
            buffer.copyWithin(0, count * unitSize, filled);
            filled -= count * unitSize;
          }
        }
      }
    } catch (error) {
      throw error instanceof HalError ? error : trouble(this.path, reason(error), error);
    }
    const count = Math.floor(filled / unitSize);
    if (count > 0) yield { bytes: buffer.subarray(0, count * unitSize), count };
  }

  /** Idempotent. */
  close(): void {
    if (this.#zip.isOpen) this.#zip.close();
  }
}

function openPlainFile(path: string): { readonly fd: number; readonly size: number } {
  let fd = -1;
  try {
    fd = openSync(path, 'r');
    const status = fstatSync(fd);
    if (!status.isFile())
      throw new HalError('HAL_INVALID', `${path} is not a file`, { where: path, hint: 'Name a sigrok session.' });
    return { fd, size: status.size };
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw error instanceof HalError ? error : fileError(path, 'read', error);
  }
}

/** Entries by name. Entries that share bytes of the file (how small archives become huge) are refused. */
async function readDirectory(path: string, zip: ZipFile, size: number): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) throw trouble(path, `it has ${zip.entryCount} entries`);
  const entries = new Map<string, Entry>();
  let packed = 0;
  for await (const entry of zip.eachEntry()) {
    packed += entry.compressedSize;
    if (packed > size) throw trouble(path, 'its entries overlap');
    if (entries.has(entry.fileName)) throw trouble(path, `it has two entries ${JSON.stringify(entry.fileName)}`);
    if (entries.size >= MAX_ENTRIES) throw trouble(path, 'it has too many entries');
    entries.set(entry.fileName, entry);
  }
  return entries;
}

async function readMetadata(path: string, zip: ZipFile, entry: Entry | undefined): Promise<string> {
  if (entry === undefined) throw trouble(path, 'it has no metadata');
  if (entry.uncompressedSize > MAX_METADATA_BYTES)
    throw trouble(path, `its metadata claims ${entry.uncompressedSize} bytes`);
  checkReadable(path, entry);
  const stream = await zip.openReadStreamPromise(entry);
  const pieces: Uint8Array[] = [];
  for await (const piece of stream as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function checkReadable(path: string, entry: Entry): void {
  if (entry.isEncrypted()) throw trouble(path, 'it is encrypted');
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    throw trouble(path, `its entry ${JSON.stringify(entry.fileName)} is packed by method ${entry.compressionMethod}`);
}

/** The chunks of `captureFile` in order: one without number, or numbers 1 to n without a gap. */
function chunksOf(path: string, entries: ReadonlyMap<string, Entry>, captureFile: string): readonly Entry[] {
  const single = entries.get(captureFile);
  const chunks: Entry[] = single === undefined ? [] : [single];
  for (let number = 1; single === undefined; number++) {
    const entry = entries.get(`${captureFile}-${number}`);
    if (entry === undefined) break;
    chunks.push(entry);
  }
  const numbered = [...entries.keys()].filter(
    (name) => name.startsWith(`${captureFile}-`) && /^\d+$/.test(name.slice(captureFile.length + 1)),
  ).length;
  if (chunks.length === 0)
    throw trouble(path, numbered === 0 ? 'it has no samples' : `its chunk ${captureFile}-1 is missing`);
  if (single === undefined && numbered > chunks.length)
    throw trouble(path, `its chunk ${captureFile}-${chunks.length + 1} is missing`);
  for (const chunk of chunks) checkReadable(path, chunk);
  return chunks;
}
