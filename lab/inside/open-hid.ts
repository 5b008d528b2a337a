/** HID devices of the machine by their product's name. */

import { createRequire } from 'node:module';
import type { HIDAsync } from 'node-hid';
import { until } from './until.js';

const { devicesAsync, HIDAsync: Device } = createRequire(import.meta.url)('node-hid') as typeof import('node-hid');

/** Waits until the kernel has bound its driver. */
export async function openHid(product: string): Promise<HIDAsync> {
  const found = await until(product, async () => (await devicesAsync()).find((each) => each.product === product));
  return Device.open(found.path ?? '');
}
