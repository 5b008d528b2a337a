/** A `BindingInterface` over ports that this process makes: simulated or replayed ones, listed and opened like real ones. */

import type { Clock } from '../../base/index.js';
import { HalError } from '../errors.js';
import { checkOpenOptions } from './binding-errors.js';
import { bindingFromPort, type PortBinding } from './binding-from-port.js';
import type { BindingInterface, OpenOptions, PortInfo } from './binding-types.js';
import { nearNames } from './near-names.js';
import type { SerialPort } from './serial-port.js';

/** One port a `portsBinding` offers. */
export interface OfferedPort {
  readonly path: string;
  /** Makes the port anew for each opening. */
  create(): SerialPort;
  readonly manufacturer?: string;
  readonly serialNumber?: string;
}

export interface PortsBindingOptions {
  readonly clock: Clock;
  readonly ports: readonly OfferedPort[];
  readonly rxBufferBytes?: number;
}

/**
 * A binding whose ports are made by `create`. `open` rejects with `HAL_NOT_FOUND` for another path, naming near ones,
 * with `HAL_IN_USE` while the port is open (unless `lock` is false), and with `HAL_INVALID` for options no port has.
 */
export function simulatedBinding(options: PortsBindingOptions): BindingInterface<PortBinding, OpenOptions, PortInfo> {
  const open = new Map<string, PortBinding>();
  return {
    async list() {
      return options.ports.map((port) => ({
        path: port.path,
        manufacturer: port.manufacturer,
        serialNumber: port.serialNumber,
        pnpId: undefined,
        locationId: undefined,
        productId: undefined,
        vendorId: undefined,
      }));
    },
    async open(openOptions) {
      const line = checkOpenOptions(openOptions);
      const { path } = openOptions;
      const offered = options.ports.find((port) => port.path === path);
      if (offered === undefined) throw notFound(path, options.ports);
      if (openOptions.lock !== false && open.get(path)?.isOpen)
        throw new HalError('HAL_IN_USE', `${path} is open already`, { where: path, hint: 'Close it first.' });
      const { clock, rxBufferBytes } = options;
      const port = bindingFromPort(offered.create(), {
        clock,
        path,
        line,
        openOptions,
        ...(rxBufferBytes === undefined ? {} : { rxBufferBytes }),
      });
      open.set(path, port);
      return port;
    },
  };
}

function notFound(path: string, ports: readonly OfferedPort[]): HalError {
  const names = ports.map((port) => port.path);
  const near = nearNames(path, names);
  return new HalError('HAL_NOT_FOUND', `there is no port ${path}`, {
    where: path,
    hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : `The ports are: ${names.join(', ') || 'none'}.`,
  });
}
