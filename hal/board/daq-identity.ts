/** The RV-DAQ16 in PCI's configuration space, for boards that no bus tells of. */

import { BAR_BYTES } from '../simulators/daq-board/registers.js';
import type { BoardIdentity } from './board-port.js';

export const DAQ_IDENTITY: BoardIdentity = {
  vendorId: 0xf055,
  deviceId: 0xda16,
  subsystemVendorId: 0xf055,
  subsystemId: 1,
  barBytes: [BAR_BYTES],
};
