/**
 * Numbers of the Measurement Computing USB-1608FS-Plus, as its drivers use them (wjasper/Linux_Drivers,
 * usb-1608FS-Plus.h; mccdaq/uldaq, AiUsb1608fsPlus).
 */

import { TRANSFER_TYPE } from '../../../base/index.js';
import { describeDevice } from '../../usb/describe.js';
import type { UsbDescription } from '../../usb/usb-port.js';

export const MCC_VENDOR_ID = 0x09db;
export const MCC_PRODUCT_ID = 0x00ea;
export const DATA_ENDPOINT = 0x81;
export const PACKET_BYTES = 64;
export const CHANNELS = 8;
/** The pacer counts at this rate: a scan every (period + 1) ticks. */
export const PACER_HZ = 40_000_000;
/** 64 KiB. */
export const FIFO_SAMPLES = 32_768;

/** `bRequest` of the vendor requests. */
export const REQUEST = {
  dioTristate: 0x00,
  dioPins: 0x01,
  dioLatch: 0x02,
  ain: 0x10,
  ainScanStart: 0x11,
  ainScanStop: 0x12,
  ainConfig: 0x14,
  ainClearFifo: 0x15,
  counter: 0x20,
  calibrationMemory: 0x30,
  userMemory: 0x31,
  blink: 0x41,
  reset: 0x42,
  status: 0x44,
  serial: 0x48,
} as const;

/** Bits of the status word. */
export const STATUS = { scanRunning: 0x0002, overrun: 0x0004 } as const;

/** Bits of a scan's options. */
export const SCAN_OPTION = { immediate: 0x01, debug: 0x20, inhibitStall: 0x80 } as const;

export const SCAN_START_BYTES = 10;

/** Full scale in volts by range code; the others do not exist. */
export const RANGE_VOLTS: Readonly<Record<number, number>> = { 0: 10, 1: 5, 3: 2, 5: 1 };

export const CALIBRATION_BYTES = 768;
export const USER_MEMORY_BYTES = 256;
/** Writing 0xAA55 here opens the calibration memory. */
export const UNLOCK_ADDRESS = 0x300;
export const UNLOCK_CODE = 0xaa55;

export function describeMcc(serialNumber: string): UsbDescription {
  return describeDevice({
    speed: 'full',
    vendorId: MCC_VENDOR_ID,
    productId: MCC_PRODUCT_ID,
    version: 0x0101,
    deviceClass: 0xff,
    manufacturer: 'Measurement Computing Corp.',
    product: 'USB-1608FS-Plus',
    serialNumber,
    maxPowerMa: 500,
    interfaces: [
      {
        number: 0,
        interfaceClass: 0xff,
        endpoints: [{ address: DATA_ENDPOINT, type: TRANSFER_TYPE.bulk, maxPacketBytes: PACKET_BYTES }],
      },
    ],
  });
}
