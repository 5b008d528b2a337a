/**
 * The process that owns one real port: the native serial library crashes in worker threads and may hang in a driver, so it
 * lives here alone. Started by `HostProcess` with an IPC channel; ends when that channel ends.
 */

import { sendToParent, serveHost } from '../../host-process/serve-host.js';
import type { HostCredit, HostRequests } from './protocol.js';
import { createHost } from './serial-host.js';

const { handlers, hear } = createHost(sendToParent);
// What is open is closed by the operating system: a port that hangs in its driver would keep the process from ending.
serveHost<HostRequests, HostCredit>(handlers, hear === undefined ? {} : { hear });
