/** The part of package `node-hid` 3 that is used, and how it is loaded: only in the process that owns a device. */

import type { HidDeviceInfo } from '../hid-device.js';

export interface NativeHidDevice {
  on(event: 'data', listener: (report: Uint8Array) => void): unknown;
  /** Reading errors come as texts, others as `Error`. */
  on(event: 'error', listener: (error: unknown) => void): unknown;
  write(report: Buffer): Promise<number>;
  sendFeatureReport(report: Buffer): Promise<number>;
  getFeatureReport(reportId: number, reportLength: number): Promise<Uint8Array>;
  getDeviceInfo(): Promise<HidDeviceInfo>;
  close(): Promise<void>;
}

export interface NativeHid {
  readonly HIDAsync: { open(path: string): Promise<NativeHidDevice> };
  devicesAsync(): Promise<HidDeviceInfo[]>;
}

/** Loads the library, or what stands for it in a test. Its native part is loaded at the first call and may fail then. */
export async function loadNativeHid(module: string): Promise<NativeHid> {
  const loaded = (await import(module)) as Partial<NativeHid> & { default?: NativeHid };
  const { HIDAsync, devicesAsync } = loaded.default ?? loaded;
  if (HIDAsync === undefined || devicesAsync === undefined) throw new Error(`the package ${module} offers no HID`);
  return { HIDAsync, devicesAsync };
}
