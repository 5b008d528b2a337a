/** What owns the real devices of a run: the host's I/O process, which comes back when it is lost, or the cell's own thread. */

import { type HostProvider, IoProcess, LOCAL_HOSTS } from '../../hal/index.js';

export interface DeviceHosts {
  readonly provider: HostProvider;
  /** Whether it can be lost alone and come back, so that ports are opened again. */
  readonly comesBack: boolean;
  end(): Promise<void>;
}

/** One process for every device of a run, started with the first: the host application of the hosted architecture. */
export function hostedDevices(): DeviceHosts {
  let process: IoProcess | undefined;
  const provider: HostProvider = {
    connect: (factory, where) => {
      process ??= new IoProcess();
      return process.connect(factory, where);
    },
  };
  return { provider, comesBack: true, end: async () => process?.end() };
}

/** The calling thread, whose process is the cell. */
export function cellDevices(): DeviceHosts {
  return { provider: LOCAL_HOSTS, comesBack: false, end: async () => {} };
}
