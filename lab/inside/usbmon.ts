/** Records a bus through the kernel's usbmon by `dumpcap`, into the folder that the host sees, too. */

import { spawn } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';

/** Folder of the recordings, inside. */
const OUT = '/out';

export interface Recording {
  /** Ends it and gives it its last name; resolves with how many events were recorded, submissions and completions each. */
  stop(name: string): Promise<number>;
}

/** Resolves when the bus is being recorded to `name`.pcapng; bus 0 stands for all. Rejects with dumpcap's last words. */
export async function recordBus(bus: number, name: string): Promise<Recording> {
  const path = `${OUT}/${name}.pcapng`;
  rmSync(path, { force: true });
  // A buffer of 16 MiB holds what comes while an emulated machine writes.
  const dumpcap = spawn('dumpcap', ['-i', `usbmon${bus}`, '-w', path, '-B', '16'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  const ended = new Promise<void>((resolve) => dumpcap.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    dumpcap.once('error', reject);
    dumpcap.stderr.on('data', (chunk) => {
      words += chunk;
      if (words.includes('File: ')) resolve();
    });
    void ended.then(() => reject(new Error(`dumpcap ended: ${words}`)));
  });
  return {
    stop: async (lastName) => {
      dumpcap.kill('SIGINT');
      await ended;
      const [, received, dropped] = /received\/dropped on interface '[^']*': (\d+)\/(\d+)/.exec(words) ?? [];
      if (received === undefined) throw new Error(`dumpcap said nothing of what it recorded: ${words}`);
      if (dropped !== '0') throw new Error(`usbmon lost ${dropped} of ${received} URBs`);
      renameSync(path, `${OUT}/${lastName}.pcapng`);
      return Number(received);
    },
  };
}
