/** What the command line and plans use of the wiring; loaded only when something is to run. */

export { createExecutor } from './executor.js';
export { showTerminal } from './export.js';
export { showUsbip } from './export-usbip.js';
export { preflight } from './preflight.js';
export { record } from './record.js';
export { replay } from './replay.js';
export { convertTrace } from './trace-convert.js';
export { diffTraces, exportTrace, traceInfo } from './trace-services.js';
export { usbDevices } from './usb-listing.js';
