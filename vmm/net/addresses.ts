/** The addresses of the user-mode network, which are those that QEMU's has (QEMU documentation, "Using the user mode network stack"). */

/** IPv4 addresses as unsigned 32-bit numbers. */
export const NETWORK = {
  /** What the DHCP server leases; the one address that the guest may use. */
  guest: 0x0a00_020f,
  /** Gateway, DHCP server and the host's loopback interface. */
  gateway: 0x0a00_0202,
  dns: 0x0a00_0203,
  mask: 0xffff_ff00,
  /** 10.0.2.255 */
  broadcast: 0x0a00_02ff,
  everyone: 0xffff_ffff,
} as const;

/** Number of a dotted address, `undefined` when the text is none. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** One of the two hosts that the network itself is. */
export function isHost(address: number): boolean {
  return address === NETWORK.gateway || address === NETWORK.dns;
}
