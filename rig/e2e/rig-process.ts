/** Starts the real `rig` command as a process of its own, for tests that look at it from outside. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hostMs, sleepMs } from '../wiring/host-time.js';

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));
/** No test waits longer for a process: a loaded machine is slow, a hanging command is a failure. */
const LIMIT_MS = 120_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface StartOptions {
  readonly cwd?: string;
  /** Leads a process group, as a command started by a shell does. */
  readonly group?: boolean;
  /** After so long it is killed; two minutes when absent. */
  readonly limitMs?: number;
  /** User and group without any right. */
  readonly nobody?: boolean;
  /** Standard input: what `type` writes to, or a file that is open; nothing when absent. */
  readonly stdin?: 'pipe' | number;
}

const NOBODY = 65_534;
const running = new Set<RigProcess>();

export class RigProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';
  readonly #child: ChildProcess;
  readonly #args: readonly string[];
  #isOver = false;

  constructor(args: readonly string[], options: StartOptions) {
    this.#args = args;
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
      detached: options.group ?? false,
      timeout: options.limitMs ?? LIMIT_MS,
      killSignal: 'SIGKILL',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.nobody === true ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    this.pid = this.#child.pid ?? -1;
    running.add(this);
    this.ended = this.#watch();
  }

  /** Resolves when standard output or error has shown `pattern`; rejects when the process ends before. */
  async says(pattern: RegExp): Promise<void> {
    await waitUntil(`"rig ${this.#args.join(' ')}" says ${pattern}`, () => {
      if (pattern.test(this.out) || pattern.test(this.err)) return true;
      if (this.#isOver) throw new Error(`it ended without saying ${pattern}: ${this.out}${this.err}`);
      return false;
    });
  }

  /** Writes to its standard input, which was asked for as a pipe; without a text it ends that. */
  type(text?: string | Uint8Array): void {
    if (text === undefined) this.#child.stdin?.end();
    else this.#child.stdin?.write(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As a terminal sends it at Ctrl-C: to the process and all its children. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.pid, name);
  }

  /** Processes it has started that are alive; Linux only. */
  children(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && statOf(pid)?.parent === this.pid);
  }

  #watch(): Promise<Ended> {
    const { stdout, stderr } = this.#child;
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    return new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => {
        this.#isOver = true;
        running.delete(this);
        resolve({ code, signal, out: this.out, err: this.err });
      });
    });
  }
}

/** Starts `rig` with `args` and does not wait. */
export function startRig(args: readonly string[], options: StartOptions = {}): RigProcess {
  return new RigProcess(args, options);
}

/** Runs `rig` with `args` to its end. */
export function rig(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startRig(args, options).ended;
}

/** Ends what a failed test has left; for `afterEach` and `after`. */
export async function endAll(): Promise<void> {
  const left = [...running];
  for (const each of left) each.signal('SIGKILL');
  await Promise.all(left.map((each) => each.ended));
}

/** Looks every 10 ms, at most two minutes. */
export async function waitUntil(what: string, condition: () => boolean): Promise<void> {
  const endMs = hostMs() + LIMIT_MS;
  while (!condition()) {
    if (hostMs() > endMs) throw new Error(`waited ${LIMIT_MS / 1000} s in vain until ${what}`);
    await sleepMs(10);
  }
}

/** Whether the process is there and not merely waiting to be taken note of by its parent. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    // The name, in parentheses, may hold anything.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/**
 * Whom to run as so that permissions count: root may do everything, so there the command runs as somebody without rights,
 * which takes a repository that anybody may read.
 */
export async function withoutRights(): Promise<{ readonly nobody: boolean; readonly reason: string | undefined }> {
  if (process.getuid?.() !== 0) return { nobody: false, reason: undefined };
  const { code } = await rig(['--version'], { nobody: true }).catch(() => ({ code: -1 }));
  const reason = code === 0 ? undefined : 'root may do everything, and nobody else may read this repository';
  return { nobody: true, reason };
}

/** Why this machine cannot show terminals and look at processes; undefined when it can. */
export function notLinux(): string | undefined {
  return process.platform === 'linux' && existsSync('/proc/self/stat') ? undefined : 'this is no Linux machine';
}
