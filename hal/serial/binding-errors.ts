/** Errors as `@serialport/bindings-interface` wants them, and argument checks every binding makes alike. */

import { HalError } from '../errors.js';
import type { OpenOptions, UpdateOptions } from './binding-types.js';
import { checkLine } from './line-settings.js';
import type { LineSettings } from './serial-port.js';

/** The port was closed while a call waited, or before it: `canceled` tells stream layers that this is no disconnection. */
export class CanceledError extends HalError {
  readonly canceled = true;

  constructor(where: string, what: string) {
    super('HAL_CLOSED', `${what}: ${where} is closed`, { where });
  }
}

/** Whether an error means that the port was closed on purpose. */
export function isCanceled(error: unknown): boolean {
  return error instanceof Error && (error as { canceled?: unknown }).canceled === true;
}

/** Any error as a `HalError`; one that is not is `HAL_IO` with it as the cause. */
export function asHalError(error: unknown, where: string): HalError {
  if (error instanceof HalError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new HalError('HAL_IO', `${where}: ${message}`, { where, cause: error });
}

/** Every field of `OpenOptions` with its default (serialport 13). */
export function completeOpenOptions(options: OpenOptions): Required<OpenOptions> {
  return {
    dataBits: 8,
    lock: true,
    stopBits: 1,
    parity: 'none',
    rtscts: false,
    xon: false,
    xoff: false,
    xany: false,
    hupcl: true,
    ...options,
  };
}

/** Throws `HAL_INVALID` when `options` is not what `open` takes; answers the line it asks for. */
export function checkOpenOptions(options: OpenOptions): LineSettings {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new HalError('HAL_INVALID', 'open takes an object of options');
  if (typeof options.path !== 'string' || options.path === '')
    throw new HalError('HAL_INVALID', 'open needs a path', { hint: 'Name the port, for example /dev/ttyUSB0.' });
  if (typeof options.baudRate !== 'number')
    throw new HalError('HAL_INVALID', `open needs a baudRate for ${options.path}`, { where: options.path });
  const { baudRate, dataBits, stopBits, parity } = completeOpenOptions(options);
  const line: LineSettings = { baudRate, dataBits, stopBits, parity: parity as LineSettings['parity'] };
  checkLine(line, options.path);
  return line;
}

export function checkUpdateOptions(options: UpdateOptions, where: string): number {
  if (typeof options !== 'object' || options === null || typeof options.baudRate !== 'number')
    throw new HalError('HAL_INVALID', `update of ${where} needs a baudRate`, { where });
  if (!(options.baudRate >= 1)) throw new HalError('HAL_INVALID', `${options.baudRate} is not a baud rate`, { where });
  return options.baudRate;
}

export function checkReadArguments(buffer: Buffer, offset: number, length: number, where: string): void {
  if (!Buffer.isBuffer(buffer)) throw new HalError('HAL_INVALID', `read from ${where} needs a Buffer`, { where });
  if (!Number.isInteger(offset) || offset < 0)
    throw new HalError('HAL_INVALID', `read offset ${offset} is not a whole number from 0`, { where });
  if (!Number.isInteger(length) || length < 1)
    throw new HalError('HAL_INVALID', `read length ${length} is not a whole number from 1`, { where });
  if (offset + length > buffer.length)
    throw new HalError('HAL_INVALID', `${length} bytes at ${offset} do not fit a buffer of ${buffer.length}`, {
      where,
    });
}

export function checkWriteArguments(buffer: Buffer, where: string): void {
  if (!Buffer.isBuffer(buffer)) throw new HalError('HAL_INVALID', `write to ${where} needs a Buffer`, { where });
}
