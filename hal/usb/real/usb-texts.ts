/** What the USB library's error texts mean: it gives no codes (usb 3.1 over nusb 0.2). */

export type UsbTrouble =
  | 'stall'
  | 'cancelled'
  | 'disconnected'
  | 'fault'
  | 'denied'
  | 'busy'
  | 'no-endpoint'
  | 'no-interface'
  | 'no-configuration'
  | 'not-open'
  | 'unsupported'
  | 'other';

/** Names of nusb's `TransferError` and `ErrorKind` and their sentences; the more particular ones first. */
const TEXTS: readonly (readonly [RegExp, UsbTrouble])[] = [
  [/\bstall(ed)?\b/i, 'stall'],
  [/disconnected|device not found|no such device|errno 19\b/i, 'disconnected'],
  [/permission ?denied|operation not permitted|access denied/i, 'denied'],
  [/endpoints? (not found|already in use)|endpoints are in use/i, 'no-endpoint'],
  [/interface not found|not claimed|alternate setting not found/i, 'no-interface'],
  [/configuration not found|invalid configuration|no descriptor found|not configured/i, 'no-configuration'],
  [/(interface|device|resource) (is )?busy|already attached/i, 'busy'],
  [/invalid state/i, 'not-open'],
  [/not implemented|unsupported/i, 'unsupported'],
  [/\bcancell?ed\b|timed out/i, 'cancelled'],
  [/\bfault\b|protocol violation|hardware issue/i, 'fault'],
];

export function usbTrouble(text: string): UsbTrouble {
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}
