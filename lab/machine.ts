/** The lab's machine: QEMU with Debian's kernel, an xHCI controller with QEMU's own devices, and the host's folders over 9p. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Qmp } from './qmp.js';
import { INITRAMFS, KERNEL } from './requirements.js';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
/** Everything a run leaves behind. */
export const OUT = join(REPOSITORY, 'out', 'lab');
/** The folder that the machine sees as /out and may write to. */
export const EXCHANGE = join(OUT, 'machine');
export const CONSOLE_LOG = join(OUT, 'console.log');
/** The host as programs inside reach it (QEMU, user networking). */
export const HOST_INSIDE = '10.0.2.2';

const TAIL_LINES = 25;
const CONNECT_TRIES = 200;

export interface LabMachineOptions {
  /** Run by `sh` in the repository, inside; the machine powers off afterwards. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The console is this terminal instead of a file. */
  readonly interactive?: boolean;
}

/** Tags of folders the machine sees at the same place as the host, read only. */
function sharedFolders(): Map<string, string> {
  const shares = new Map([
    ['usr', '/usr'],
    ['repository', REPOSITORY],
  ]);
  const isShared = (path: string) => [...shares.values()].some((each) => path.startsWith(`${each}/`));
  const modules = realpathSync(join(REPOSITORY, 'node_modules'));
  if (!isShared(modules)) shares.set('modules', modules);
  const node = dirname(realpathSync(process.execPath));
  if (!isShared(join(node, 'node'))) shares.set('node', node);
  return shares;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function writeStart(shares: Map<string, string>, { command, environment }: LabMachineOptions): void {
  const settings = {
    LAB_SHARES: [...shares.keys()].join(' '),
    ...Object.fromEntries([...shares].map(([tag, place]) => [`LAB_PLACE_${tag}`, place])),
    LAB_REPOSITORY: REPOSITORY,
    LAB_NODE: realpathSync(process.execPath),
    LAB_COMMAND: command,
    ...environment,
  };
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}=${quote(value)}`);
  const script = readFileSync(join(REPOSITORY, 'lab', 'inside', 'start.sh'), 'utf8');
  writeFileSync(join(EXCHANGE, 'start.sh'), `${lines.join('\n')}\n${script}`);
}

function qemuArguments(shares: Map<string, string>, sockets: string): string[] {
  const folder = (tag: string, path: string, readOnly: boolean) => [
    '-virtfs',
    `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,multidevs=remap,readonly=${readOnly ? 'on' : 'off'}`,
  ];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    // KVM only where somebody says so: nested without hardware it hangs in the BIOS.
    ...['-machine', 'q35', '-accel', process.env.RIGVISOR_LAB_ACCEL ?? 'tcg,thread=multi', '-smp', '2', '-m', '2048'],
    ...['-kernel', KERNEL, '-initrd', INITRAMFS],
    ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on'],
    ...['-serial', 'stdio', '-qmp', `unix:${join(sockets, 'qmp')},server=on,wait=off`],
    ...[...shares].flatMap(([tag, path]) => folder(tag, path, true)),
    ...folder('out', EXCHANGE, false),
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci'],
    ...['-device', 'qemu-xhci,id=xhci,p2=8,p3=8'],
    ...['-chardev', `socket,id=far-end,path=${join(sockets, 'serial')},server=on,wait=off`],
    ...['-device', 'usb-serial,id=serial,chardev=far-end,always-plugged=on'],
    ...['-device', 'usb-tablet,id=tablet', '-device', 'usb-kbd,id=keyboard', '-device', 'edu'],
  ];
}

export class LabMachine {
  /** The end of the process, as a sentence. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #sockets: string;
  readonly #kill = () => this.#process.kill('SIGKILL');
  #qmp: Qmp | undefined;

  private constructor(options: LabMachineOptions) {
    rmSync(EXCHANGE, { recursive: true, force: true });
    mkdirSync(EXCHANGE, { recursive: true });
    this.#sockets = mkdtempSync(join(tmpdir(), 'rigvisor-lab-'));
    const shares = sharedFolders();
    writeStart(shares, options);
    this.#process = spawn('qemu-system-x86_64', qemuArguments(shares, this.#sockets), {
      stdio: options.interactive === true ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(CONSOLE_LOG);
    this.#process.stdout?.pipe(log);
    this.#process.stderr?.pipe(log, { end: false });
    process.once('exit', this.#kill);
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(`QEMU did not start: ${error.message}`));
      this.#process.once('close', (code, signal) => resolve(`QEMU ended with ${code ?? signal}`));
    });
  }

  /** Resolves when QEMU runs; the kernel starts meanwhile. */
  static async start(options: LabMachineOptions): Promise<LabMachine> {
    const machine = new LabMachine(options);
    try {
      machine.#qmp = await machine.#connect();
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  get qmp(): Qmp {
    if (this.#qmp === undefined) throw new Error('QEMU is not connected');
    return this.#qmp;
  }

  /** Socket of the far end of the FTDI device. */
  get serialSocket(): string {
    return join(this.#sockets, 'serial');
  }

  async stop(): Promise<void> {
    this.#kill();
    await this.ended;
    this.#qmp?.close();
    process.removeListener('exit', this.#kill);
    rmSync(this.#sockets, { recursive: true, force: true });
  }

  async #connect(): Promise<Qmp> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    for (let tries = 1; ; tries++) {
      try {
        return await Qmp.connect(join(this.#sockets, 'qmp'));
      } catch (error) {
        if (over) throw new Error(`${await this.ended}; ${consoleTail()}`);
        if (tries === CONNECT_TRIES) throw new Error('QEMU opens no socket', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

/** The last lines of the console, for whoever has to explain why the machine ended. */
export function consoleTail(): string {
  const lines = readFileSync(CONSOLE_LOG, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  return `the end of ${CONSOLE_LOG}:\n${lines.join('\n')}`;
}
