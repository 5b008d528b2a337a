/** Serial ports of a Linux machine from its file system, for machines without `udevadm` and for suggesting names. */

import { existsSync, readdirSync } from 'node:fs';
import type { PortInfo } from '../binding-types.js';

const PORT_NAME = /^(tty(S|USB|ACM|AMA|O|MFD|XRUSB|WCH|mxc|THS)\d+|rfcomm\d+|cu\..+|tty\..+)$/;

/** Paths of `/dev` that are serial ports with hardware behind them, as far as the system tells; empty where it tells nothing. */
export function serialPaths(): string[] {
  try {
    return readdirSync('/dev')
      .filter((name) => PORT_NAME.test(name))
      .filter((name) => !existsSync('/sys/class/tty') || existsSync(`/sys/class/tty/${name}/device`))
      .sort()
      .map((name) => `/dev/${name}`);
  } catch {
    return [];
  }
}

/** The same as `list` gives it: only the path is known. */
export function serialPortInfos(): PortInfo[] {
  return serialPaths().map((path) => ({
    path,
    manufacturer: undefined,
    serialNumber: undefined,
    pnpId: undefined,
    locationId: undefined,
    productId: undefined,
    vendorId: undefined,
  }));
}
