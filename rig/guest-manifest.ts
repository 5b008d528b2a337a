/** Guest manifests (`guests/NAME/NAME.guest.json`): which channels a guest reports on, and how its payloads are read. */

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, sep } from 'node:path';
import { z } from 'zod';
import { RigError } from './errors.js';
import { GUESTS_DIR, namesIn } from './paths.js';
import type { GuestReport } from './run/run-types.js';

const SIZES = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8, f32: 4, f64: 8 } as const;
type FieldType = keyof typeof SIZES;
const FIELD_TYPES = Object.keys(SIZES) as [FieldType, ...FieldType[]];
const MAX_PAYLOAD = 1024;
const MAX_FILE_BYTES = 1 << 20;

const fieldSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z]\w*$/, 'a field name is a letter, then letters, digits and "_"'),
  /** Bytes from the start of the payload; little-endian. */
  offset: z.number().int().min(0).max(MAX_PAYLOAD),
  type: z.enum(FIELD_TYPES),
  unit: z.string().optional(),
  /** The quantity in `unit` is the field's value times this. */
  scale: z.number().optional(),
});

const recordSchema = z
  .strictObject({
    type: z.number().int().min(0).max(0xffff_ffff),
    name: z.string().min(1),
    bytes: z.number().int().min(0).max(MAX_PAYLOAD),
    fields: z.array(fieldSchema).max(256),
  })
  .refine((record) => record.fields.every((field) => field.offset + SIZES[field.type] <= record.bytes), {
    error: 'a field lies beyond the payload',
    path: ['fields'],
  })
  .refine((record) => allDifferent(record.fields.map((field) => field.name)), {
    error: 'two fields have one name',
    path: ['fields'],
  });

const channelSchema = z
  .strictObject({
    number: z.number().int().min(0).max(255),
    name: z.string().min(1),
    records: z.array(recordSchema).min(1).max(64),
  })
  .refine((channel) => allDifferent(channel.records.map((record) => record.type)), {
    error: 'two records have one type',
    path: ['records'],
  });

const manifestSchema = z
  .strictObject({
    name: z.string().min(1),
    /** File name of the ELF image, beside the manifest. */
    image: z.string().regex(/^[^/\\]+$/, 'the image is a file name without a folder'),
    /** Version of the report hypercall and ring that the guest speaks. */
    abi: z.literal(1),
    description: z.string().optional(),
    channels: z.array(channelSchema).max(256),
  })
  .refine((manifest) => allDifferent(manifest.channels.map((channel) => channel.number)), {
    error: 'two channels have one number',
    path: ['channels'],
  });

export type GuestManifest = z.infer<typeof manifestSchema>;

function allDifferent(items: readonly (string | number)[]): boolean {
  return new Set(items).size === items.length;
}

/** A guest on disk. */
export interface LoadedGuest {
  readonly manifest: GuestManifest;
  /** Path of its ELF image; whether that is readable is for whoever loads it. */
  readonly imagePath: string;
  /** Reads a payload by channel number and record type; what the manifest does not name gets a numbered name and no fields. */
  decode(channel: number, type: number, payload: Uint8Array): Pick<GuestReport, 'channel' | 'type' | 'fields'>;
}

/**
 * Loads a guest by name (`guests/NAME`) or by the path of its image. `RIG_GUEST`, naming the field, for an unknown name
 * or a manifest that breaks the schema. An image without a manifest beside it has no named channels.
 */
export function loadGuest(nameOrPath: string): LoadedGuest {
  const byPath = nameOrPath.includes(sep) || nameOrPath.includes('/') || extname(nameOrPath) !== '';
  const stem = byPath ? basename(nameOrPath, extname(nameOrPath)) : nameOrPath;
  const folder = byPath ? dirname(nameOrPath) : join(GUESTS_DIR, nameOrPath);
  const manifestPath = join(folder, `${stem}.guest.json`);
  if (!existsSync(manifestPath)) {
    if (!byPath) throw unknownGuest(nameOrPath);
    return withDecoder({ name: stem, image: basename(nameOrPath), abi: 1, channels: [] }, nameOrPath);
  }
  const manifest = parseManifest(readText(manifestPath), manifestPath);
  return withDecoder(manifest, byPath ? nameOrPath : join(folder, manifest.image));
}

/** Names of the guests that are shipped. */
export function listGuests(): string[] {
  return namesIn(GUESTS_DIR, '').filter((name) => existsSync(join(GUESTS_DIR, name, `${name}.guest.json`)));
}

/** Checks the text of a manifest; `RIG_GUEST`, naming the field, when it breaks the schema. */
export function parseManifest(text: string, where: string): GuestManifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw malformed(where, `it is not JSON: ${(cause as Error).message}`);
  }
  const parsed = manifestSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(where, `${issue.path.length === 0 ? 'the file' : issue.path.join('.')}: ${issue.message}`);
}

function withDecoder(manifest: GuestManifest, imagePath: string): LoadedGuest {
  const channels = new Map(manifest.channels.map((channel) => [channel.number, channel]));
  return {
    manifest,
    imagePath,
    decode: (number, type, payload) => {
      const channel = channels.get(number);
      const record = channel?.records.find((candidate) => candidate.type === type);
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      const fields: Record<string, number> = {};
      // A record shorter than the manifest says keeps the fields that are whole.
      for (const field of record?.fields ?? [])
        if (field.offset + SIZES[field.type] <= payload.byteLength)
          fields[field.name] = readField(view, field.offset, field.type);
      return { channel: channel?.name ?? `channel-${number}`, type: record?.name ?? `type-${type}`, fields };
    },
  };
}

function readField(view: DataView, offset: number, type: FieldType): number {
  switch (type) {
    case 'u8':
      return view.getUint8(offset);
    case 'i8':
      return view.getInt8(offset);
    case 'u16':
      return view.getUint16(offset, true);
    case 'i16':
      return view.getInt16(offset, true);
    case 'u32':
      return view.getUint32(offset, true);
    case 'i32':
      return view.getInt32(offset, true);
    case 'u64':
      return Number(view.getBigUint64(offset, true));
    case 'i64':
      return Number(view.getBigInt64(offset, true));
    case 'f32':
      return view.getFloat32(offset, true);
    case 'f64':
      return view.getFloat64(offset, true);
  }
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_FILE_BYTES) throw malformed(path, 'it is longer than 1 MiB');
    return bytes.toString('utf8');
  } catch (cause) {
    if (cause instanceof RigError) throw cause;
    throw new RigError('RIG_GUEST', `the guest manifest ${path} cannot be read`, { where: path, cause });
  }
}

function malformed(where: string, reason: string): RigError {
  return new RigError('RIG_GUEST', `the guest manifest ${basename(where)} is malformed: ${reason}`, {
    where,
    hint: 'docs/guest-abi.md says what a manifest holds',
  });
}

function unknownGuest(name: string): RigError {
  return new RigError('RIG_GUEST', `there is no guest named "${name}"`, {
    where: name,
    hint: `choose from: ${listGuests().join(', ') || 'none is shipped'}; or give the path of an ELF file`,
  });
}
