/** HID devices of the machine by their product's name. */

import { listRealHid, openRealHid, type RealHidDevice } from '../../hal/index.js';
import { until } from './until.js';

/** Waits until the kernel has bound its driver. */
export async function openHid(product: string): Promise<RealHidDevice> {
  const found = await until(product, async () =>
    (await listRealHid()).devices.find((each) => each.product === product),
  );
  return openRealHid(found.path);
}
