/** Why a native package does not load, in one sentence and with what to install. */

import { HalError } from '../errors.js';

/** Debian's and Ubuntu's packages of the shared libraries that native packages are linked with. */
const DEBIAN: Readonly<Record<string, string>> = {
  'libusb-1.0.so.0': 'libusb-1.0-0',
  'libudev.so.1': 'libudev1',
};

/** What it says where `packageName` cannot be loaded; undefined where `message` is about something else. */
export function nativeModuleError(
  message: string,
  packageName: string,
  purpose: string,
  cause: unknown,
): HalError | undefined {
  const library = /(lib[\w.+-]+\.so[.\d]*): cannot open shared object file/.exec(message)?.[1];
  if (library !== undefined)
    return new HalError(
      'HAL_UNSUPPORTED',
      `${purpose} needs the library ${library}, which this machine does not have`,
      {
        cause,
        hint:
          DEBIAN[library] === undefined
            ? `Install the package that holds ${library}.`
            : `On Debian and Ubuntu: sudo apt-get install ${Object.values(DEBIAN).join(' ')}`,
      },
    );
  if (/cannot find (package|module)|err_module_not_found/i.test(message))
    return new HalError('HAL_UNSUPPORTED', `${purpose} needs the package ${packageName}, which is not installed`, {
      cause,
      hint: `Run "npm install ${packageName}"; npm leaves it out where it cannot be built.`,
    });
  if (/failed to find binding|native binding|invalid elf header|was compiled against|glibc/i.test(message))
    return new HalError('HAL_UNSUPPORTED', `the package ${packageName} does not run on this machine: ${message}`, {
      cause,
      hint: 'Run "npm ci" on this machine: its native part belongs to one platform.',
    });
  return undefined;
}
