/** Measuring the stations of the I/O path on this host. */

export { type CalibrateOptions, calibrate, quantilesOf } from './calibrate.js';
export { calibrationTable } from './calibration-table.js';
export { calibrationText } from './calibration-text.js';
export { predictionTable } from './prediction-table.js';
