/** The hardware abstraction layer: the one index of everything other layers may use of it. */

export { HalError, type HalErrorCode, type HalErrorDetails } from './errors.js';
export type { FaultDirection, FaultKind, FaultListener, InjectedFault } from './serial/faults.js';
export { DEVICE_BACKLOG_LIMIT, type SerialDevice, type SerialDeviceOutput } from './serial/serial-device.js';
export {
  bitsPerCharacter,
  characterEndNs,
  LINE_STATUS,
  type LineSettings,
  MODEM_CONTROL,
  MODEM_STATUS,
  type SerialPort,
  type SerialSink,
} from './serial/serial-port.js';
export { type SerialTap, tapPort } from './serial/tap.js';
