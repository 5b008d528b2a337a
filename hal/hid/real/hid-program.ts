/** The process that owns one real HID device. Started by `HostProcess` with an IPC channel. */

import { sendToParent, serveHost } from '../../host-process/serve-host.js';
import { createHost } from './hid-host.js';
import type { HidCredit, HidRequests } from './protocol.js';

const { handlers, ...service } = createHost(sendToParent);
serveHost<HidRequests, HidCredit>(handlers, service);
