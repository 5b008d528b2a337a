/** The settings of a pseudo-terminal's program side, as Linux keeps them (`struct termios2`, asm-generic/termbits.h). */

import type { LineSettings } from '../serial-port.js';
import type { LinuxCalls } from './libc.js';

const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TERMIOS2_BYTES = 44;
const AT = { cflag: 8, inputSpeed: 36, outputSpeed: 40 } as const;
const CFLAG = { speed: 0x100f, other: 0x1000, size: 0x30, stop2: 0x40, parity: 0x100, odd: 0x200, sticky: 0x40000000 };

/** What a program has set; undefined where the system does not tell. */
export function readLine(linux: LinuxCalls, fd: number): LineSettings | undefined {
  const termios = Buffer.alloc(TERMIOS2_BYTES);
  if (linux.ioctl(fd, TCGETS2, '_Out_ uint8_t *', termios) !== 0) return undefined;
  const baudRate = termios.readUInt32LE(AT.outputSpeed);
  if (baudRate === 0) return undefined;
  const cflag = termios.readUInt32LE(AT.cflag);
  const sticky = (cflag & CFLAG.sticky) !== 0;
  const odd = (cflag & CFLAG.odd) !== 0;
  const parity = sticky ? (odd ? 'mark' : 'space') : odd ? 'odd' : 'even';
  return {
    baudRate,
    dataBits: (5 + ((cflag & CFLAG.size) >> 4)) as LineSettings['dataBits'],
    parity: (cflag & CFLAG.parity) === 0 ? 'none' : parity,
    stopBits: (cflag & CFLAG.stop2) === 0 ? 1 : 2,
  };
}

/** Sets what a program finds when it opens the terminal; answers whether the system took it. */
export function writeLine(linux: LinuxCalls, fd: number, line: LineSettings): boolean {
  const termios = Buffer.alloc(TERMIOS2_BYTES);
  if (linux.ioctl(fd, TCGETS2, '_Out_ uint8_t *', termios) !== 0) return false;
  let cflag = termios.readUInt32LE(AT.cflag);
  cflag &= ~(CFLAG.speed | CFLAG.size | CFLAG.stop2 | CFLAG.parity | CFLAG.odd | CFLAG.sticky);
  cflag |= CFLAG.other | ((line.dataBits - 5) << 4);
  if (line.stopBits !== 1) cflag |= CFLAG.stop2;
  if (line.parity !== 'none') cflag |= CFLAG.parity;
  if (line.parity === 'odd' || line.parity === 'mark') cflag |= CFLAG.odd;
  if (line.parity === 'mark' || line.parity === 'space') cflag |= CFLAG.sticky;
  termios.writeUInt32LE(cflag >>> 0, AT.cflag);
  termios.writeUInt32LE(Math.round(line.baudRate), AT.inputSpeed);
  termios.writeUInt32LE(Math.round(line.baudRate), AT.outputSpeed);
  return linux.ioctl(fd, TCSETS2, 'const uint8_t *', termios) === 0;
}
