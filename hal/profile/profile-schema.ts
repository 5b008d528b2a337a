/** What a hardware profile says: what a device is, how to find and bind it, how it behaves, and what to expect of it. */

import { z } from 'zod';
import { boardSimulatorSchema, serialSimulatorSchema, usbSimulatorSchema } from './simulator-models.js';

/** Names of profiles; the file is called `NAME.json`. */
export const PROFILE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

const hex4 = z.string().regex(/^[0-9a-f]{4}$/, 'expected four lower-case hexadecimal digits');
const text = z.string().min(1).max(200);

/** Keys as udev and labgrid spell them; all keys of one entry must match, any entry is enough. */
const matchSchema = z
  .strictObject({
    ID_VENDOR_ID: hex4.optional().describe('USB vendor id'),
    ID_MODEL_ID: hex4.optional().describe('USB product id'),
    ID_SERIAL_SHORT: text.optional().describe('USB serial number'),
    ID_PATH: text.optional().describe('where it is plugged in, as udev names it'),
    ID_USB_INTERFACE_NUM: z
      .string()
      .regex(/^[0-9a-f]{2}$/, 'expected two lower-case hexadecimal digits')
      .optional()
      .describe('interface of a device with several ports'),
    path: text.optional().describe('pattern of the device file; * stands for any characters'),
  })
  .refine((match) => Object.values(match).some((value) => value !== undefined), {
    message: 'expected at least one key to match',
  });

const lineSchema = z.strictObject({
  baudRate: z.int().min(50).max(50_000_000),
  dataBits: z.union([z.literal(5), z.literal(6), z.literal(7), z.literal(8)]).default(8),
  parity: z.enum(['none', 'even', 'odd', 'mark', 'space']).default('none'),
  stopBits: z.union([z.literal(1), z.literal(1.5), z.literal(2)]).default(1),
});

const timingSchema = z
  .strictObject({
    sampleClock: z
      .strictObject({
        ppm: z.number().min(0).max(100_000).describe('largest error of the rate, either way'),
        jitterUs: z.number().min(0).max(10_000_000).describe('largest deviation of one sample from its time'),
      })
      .optional(),
    uartClock: z.strictObject({ ppm: z.number().min(0).max(100_000) }).optional(),
    outputLatencyMs: z
      .strictObject({ min: z.number().min(0).max(60_000), max: z.number().min(0).max(60_000) })
      .refine(({ min, max }) => min <= max, { message: 'expected min not above max' })
      .optional()
      .describe('from a sample to its first character on the line'),
  })
  .describe('what the device declares of its clocks; limits of plans are derived from it');

const channelSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a name of lower-case letters, digits and hyphens'),
  title: text.optional(),
  unit: z.string().max(40).optional(),
  rateHz: z.number().positive().max(1e9).optional().describe('samples per second'),
});

const limitsSchema = z
  .strictObject({
    receiveFifoDepth: z.int().min(1).max(65_536).optional().describe('characters the host side of the port can hold'),
  })
  .describe('bounds that the wiring models');

/** A USB device, by what it says of itself. */
const usbBindSchema = z.strictObject({
  vendorId: hex4.describe('idVendor'),
  productId: hex4.describe('idProduct'),
  interface: z.int().min(0).max(255).default(0).describe('bInterfaceNumber that carries the data'),
});

const common = {
  $schema: z.string().max(500).optional(),
  name: z.string().regex(PROFILE_NAME, 'expected a name of lower-case letters, digits and hyphens'),
  title: text,
  identification: z.strictObject({ match: z.array(matchSchema).max(32).default([]) }).prefault({}),
  timing: timingSchema.prefault({}),
  channels: z.array(channelSchema).max(256).default([]),
  limits: limitsSchema.prefault({}),
};

const serialProfileSchema = z.strictObject({
  ...common,
  kind: z.literal('serial'),
  bind: z.strictObject({ serial: lineSchema }),
  simulator: serialSimulatorSchema.optional(),
});

const usbProfileSchema = z.strictObject({
  ...common,
  kind: z.literal('usb').describe('driven by its endpoints'),
  bind: z.strictObject({ usb: usbBindSchema }),
  simulator: usbSimulatorSchema.optional(),
});

const hidProfileSchema = z.strictObject({
  ...common,
  kind: z.literal('hid').describe('a USB device whose reports the HID driver of the operating system hands over'),
  bind: z.strictObject({ usb: usbBindSchema }),
  simulator: usbSimulatorSchema.optional(),
});

const boardProfileSchema = z.strictObject({
  ...common,
  kind: z.literal('board').describe('a board on a memory bus, driven by its registers'),
  bind: z.strictObject({
    pci: z.strictObject({ vendorId: hex4.describe('PCI vendor id'), deviceId: hex4.describe('PCI device id') }),
  }),
  simulator: boardSimulatorSchema.optional(),
});

/** The whole profile. Unknown fields are refused, so that a misspelt one is noticed. */
export const hardwareProfileSchema = z
  .discriminatedUnion('kind', [serialProfileSchema, usbProfileSchema, hidProfileSchema, boardProfileSchema])
  .superRefine((profile, context) => {
    const simulated = profile.kind === 'serial' ? profile.simulator?.parameters.baudRate : undefined;
    if (profile.kind === 'serial' && simulated !== undefined && simulated !== profile.bind.serial.baudRate)
      context.addIssue({
        code: 'custom',
        path: ['simulator', 'parameters', 'baudRate'],
        message: `expected ${profile.bind.serial.baudRate} as in bind.serial.baudRate`,
      });
    const names = profile.channels.map((channel) => channel.name);
    const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (twice >= 0)
      context.addIssue({ code: 'custom', path: ['channels', twice, 'name'], message: 'expected a name of its own' });
  });

/** A profile with every default filled in. */
export type HardwareProfile = z.output<typeof hardwareProfileSchema>;

/** The profile of a device behind a serial line. */
export type SerialProfile = Extract<HardwareProfile, { kind: 'serial' }>;

/** The profile of a USB device, HID or not. */
export type UsbProfile = Extract<HardwareProfile, { kind: 'usb' | 'hid' }>;

/** The profile of a board on a memory bus. */
export type BoardProfile = Extract<HardwareProfile, { kind: 'board' }>;

/** One way to recognise the device. */
export type ProfileMatch = HardwareProfile['identification']['match'][number];

/** The JSON schema (draft 2020-12) of profile files, for editors. */
export function profileJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(hardwareProfileSchema, { io: 'input' });
  return { ...schema, title: 'Rigvisor hardware profile' };
}
