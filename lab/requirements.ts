/** What the lab needs of the host, and how to get what is missing. */

import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rigvisor', 'lab');
/** What `scripts/fetch-lab.sh` leaves there. */
export const KERNEL = join(CACHE, 'vmlinuz');
export const INITRAMFS = join(CACHE, 'initramfs.cpio');

/** Programs and libraries by the Debian package that brings them; the machine sees the host's /usr. */
const PROGRAMS: readonly (readonly [name: string, apt: string])[] = [
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['usbip', 'usbip'],
  ['dumpcap', 'wireshark-common'],
  ['tshark', 'tshark'],
];
const LIBRARIES: readonly (readonly [name: string, apt: string])[] = [
  ['libusb-1.0.so.0', 'libusb-1.0-0'],
  ['libudev.so.1', 'libudev1'],
];
const SBIN = ['/usr/sbin', '/sbin'];
const LIB = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];

function isThere(folders: readonly string[], name: string): boolean {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function usrIsMerged(): boolean {
  try {
    return lstatSync('/lib').isSymbolicLink();
  } catch {
    return false;
  }
}

/** Why the lab cannot be run here, and what to do about it; undefined when everything is there. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `the lab shares its programs with the host, which must be Linux on x86-64, not ${process.platform} on ${process.arch}`;
  if (!usrIsMerged()) return 'the lab needs a host whose /lib is a link to /usr/lib';
  const path = [...(process.env.PATH ?? '').split(delimiter), ...SBIN];
  const missing = [
    ...PROGRAMS.filter(([name]) => !isThere(path, name)),
    ...LIBRARIES.filter(([name]) => !isThere(LIB, name)),
  ];
  if (missing.length > 0)
    return (
      `${missing.map(([name]) => name).join(', ')} missing: ` +
      `apt-get install --no-install-recommends ${missing.map(([, apt]) => apt).join(' ')}`
    );
  const image = [KERNEL, INITRAMFS].find((each) => !existsSync(each));
  return image === undefined
    ? undefined
    : `${image} is not there: apt-get install --no-install-recommends busybox-static kmod cpio && sh scripts/fetch-lab.sh`;
}
