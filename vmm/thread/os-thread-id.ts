/** How the operating system names the calling thread. */

import { readlinkSync } from 'node:fs';

/** Linux' thread id, from where /proc says which thread asks; undefined elsewhere. */
export function osThreadId(): number | undefined {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return undefined;
  }
}
