/** Where the tests find operating systems that nobody here wrote. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What takes minutes runs at night alone. */
export const nightly = process.env.RIGVISOR_NIGHTLY === '1';

export const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic';
export const U_BOOT = '/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin';

const LINUX = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rigvisor', 'linux');
/** What `scripts/fetch-linux.sh` leaves there. */
export const KERNEL = join(LINUX, 'vmlinux');
export const INITRD = join(LINUX, 'initramfs.cpio');
/** Names of the modules in the initial RAM disk; absent beside one that was made before there were any. */
export const MODULES = join(LINUX, 'modules');

/** Why a test of these files has nothing to run; undefined when all are there. */
export function missing(paths: readonly string[], hint: string): string | undefined {
  const path = paths.find((each) => !existsSync(each));
  return path === undefined ? undefined : `${path} is not there: ${hint}`;
}

/** For the title of a test that may be skipped. */
export function skipNote(reason: string | undefined): string {
  return reason === undefined ? '' : ` (skipped: ${reason})`;
}
