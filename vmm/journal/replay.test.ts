/** Tests of exact replay: a recorded run comes out the same without devices, and any other input is noticed. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { WallClock } from '../../base/index.js';
import type { GuestImage } from '../boot/guest-image.js';
import { parseImage } from '../boot/image.js';
import { VmmError } from '../errors.js';
import { characterAcquisition } from '../machine/acquisition.js';
import { createMachine } from '../machine/machine.js';
import type { CharacterAcquisitionKind } from '../machine/machine-config.js';
import { type Bench, bench, KeptJournal, PASS, program } from '../machine/test-support.js';
import { WallRunner } from '../machine/wall-runner.js';
import type { JournalEnd } from './journal-format.js';
import { type JournalEntryKind, JournalReader } from './journal-reader.js';
import { replayJournal } from './replay.js';

const KINDS: readonly CharacterAcquisitionKind[] = ['ns16550a', 'virtio-console', 'serial-ring'];
const GREETING = new TextEncoder().encode('Hello, replay!\r\n');

/** The shipped diagnostic guest that sends back whatever its acquisition port receives. */
const echoImage = (): GuestImage =>
  parseImage(readFileSync(new URL('../../../guests/echo/echo.elf', import.meta.url)), 'echo.elf');

interface Recorded {
  readonly run: Bench;
  readonly sent: number[];
  readonly end: JournalEnd;
}

/** The echo guest gets the greeting after 5 ms, by three bursts. */
function recordEcho(kind: CharacterAcquisitionKind): Recorded {
  const run = bench(echoImage(), { acquisition: { kind, baudRate: 115_200 }, reportRing: kind === 'serial-ring' });
  const sent: number[] = [];
  const { machine, scheduler } = run;
  const port = characterAcquisition(machine);
  port.frontend.attach({
    transmit: (byte) => sent.push(byte),
    roomAvailable: () => {},
    configure: () => {},
    modemControl: () => {},
  });
  for (let ms = 1; ms <= 30; ms++) {
    scheduler.runUntil(ms * 1_000_000);
    const burst = ms >= 5 && ms < 8 ? GREETING.subarray((ms - 5) * 6, (ms - 4) * 6) : [];
    for (const byte of burst) port.frontend.receive(byte, 0);
    port.flush();
    port.poll();
    machine.pollReports();
    machine.flushJournal();
  }
  return { run, sent, end: machine.seal() };
}

/** Where entries of a kind end, as [chunk, offset behind the entry]. */
function places(chunks: readonly Uint8Array[], kind: JournalEntryKind, gpa?: number): [Uint8Array, number][] {
  const found: [Uint8Array, number][] = [];
  const reader = new JournalReader(chunks);
  while (reader.next()) {
    if (reader.kind !== kind || (gpa !== undefined && reader.gpa !== gpa)) continue;
    const chunk = chunks.find((candidate) => candidate === reader.bytes);
    if (chunk !== undefined) found.push([chunk, reader.position]);
  }
  return found;
}

describe('replay', () => {
  for (const kind of KINDS) {
    it(`repeats a run over ${kind} exactly, without a device`, () => {
      const { run, sent, end } = recordEcho(kind);
      expect(sent).to.deep.equal([...GREETING]);
      const result = replayJournal({ image: echoImage() }, run.journal.chunks);
      expect(result.divergence).to.equal(undefined);
      expect(result).to.include({ identical: true, complete: true, instret: end.instret });
      expect(result.outputDigest).to.equal(end.outputDigest);
      expect(result.ramDigest).to.equal(end.ramDigest);
      expect(result.stateDigest).to.equal(end.stateDigest);
    });

    it(`records the same journal over ${kind} twice`, () => {
      expect(recordEcho(kind).run.journal.chunks).to.deep.equal(recordEcho(kind).run.journal.chunks);
    });
  }

  it('needs no exit on the data path of a serial ring, and has some on the others', () => {
    const exits = KINDS.map((kind) => recordEcho(kind).run.machine.exits.of('acquisition'));
    expect(exits[0]).to.be.above(exits[1]);
    expect(exits[1]).to.be.above(0);
    expect(exits[2]).to.equal(0);
  });

  it('notices one changed bit in a character read from a register', () => {
    const { run } = recordEcho('ns16550a');
    const reads = places(run.journal.chunks, 'mmio-read', 0x0400_0000);
    expect(reads.length).to.equal(GREETING.length);
    const [chunk, end] = reads[3];
    chunk[end - 1] ^= 1;
    const result = replayJournal({ image: echoImage() }, run.journal.chunks);
    expect(result.identical).to.equal(false);
    expect(result.divergence?.sentence).to.match(
      /^The replay left the recorded run at instruction \d+: expected a 1-byte write of 0x6c to 0x4000000/,
    );
  });

  it('notices one changed bit in memory written by a device', () => {
    for (const kind of ['virtio-console', 'serial-ring'] as const) {
      const { run } = recordEcho(kind);
      const { chunks } = run.journal;
      const reader = new JournalReader(chunks);
      let isChanged = false;
      while (!isChanged && reader.next()) {
        const { bytes, offset, length } = reader;
        // The first character of the greeting, however the frontend lays it out.
        if (reader.kind !== 'dma-write' || length > 64 || bytes[offset] !== GREETING[0]) continue;
        bytes[offset] ^= 1;
        isChanged = true;
      }
      expect(isChanged, kind).to.equal(true);
      const result = replayJournal({ image: echoImage() }, chunks);
      expect(result.identical, kind).to.equal(false);
      expect(result.divergence?.sentence, kind).to.match(/bytes read at 0x/);
    }
  });

  it('notices an interrupt that comes at another instruction', () => {
    const { run } = recordEcho('virtio-console');
    const [[chunk, end]] = places(run.journal.chunks, 'interrupt-set');
    // Bit 11 set becomes bit 11 cleared: the guest is not woken.
    chunk[end - 2] = (chunk[end - 2] & ~7) | 3;
    expect(replayJournal({ image: echoImage() }, run.journal.chunks).identical).to.equal(false);
  });

  it('never takes a journal with any changed byte for the recorded run', () => {
    const { run, end } = recordEcho('virtio-console');
    const { chunks } = run.journal;
    const { instret } = end;
    const image = echoImage();
    const accepted: string[] = [];
    chunks.forEach((chunk, c) => {
      for (let i = 0; i < chunk.length; i += i < 24 ? 3 : 61) {
        chunk[i] ^= 0x10;
        try {
          if (replayJournal({ image, maxInstructions: 2 * instret }, chunks).identical)
            accepted.push(`chunk ${c} byte ${i}`);
        } catch (error) {
          expect(error).to.be.instanceOf(VmmError).with.property('code', 'VMM_JOURNAL');
        }
        chunk[i] ^= 0x10;
      }
    });
    expect(accepted).to.deep.equal([]);
  });

  it('replays a cut-off journal as far as it goes', () => {
    const { run, end } = recordEcho('ns16550a');
    const { chunks } = run.journal;
    expect(chunks.length).to.be.above(1);
    const result = replayJournal({ image: echoImage() }, chunks.slice(0, -1));
    expect(result.divergence).to.equal(undefined);
    expect(result).to.include({ complete: false, identical: false, recorded: undefined });
    expect(result.instret).to.be.within(1_000, end.instret - 1);
  });

  it('stops between chunks when it is told to, and takes nothing for a difference', () => {
    const { run, end } = recordEcho('ns16550a');
    const { chunks } = run.journal;
    for (let most = 0; most < chunks.length - 1; most += 7) {
      let asked = 0;
      const result = replayJournal({ image: echoImage(), shouldStop: () => asked++ >= most }, chunks);
      expect(result).to.include({ stopped: true, complete: false, identical: false, divergence: undefined });
      expect(result.instret).to.be.below(end.instret);
      expect(asked).to.equal(most + 1);
    }
    const never = replayJournal({ image: echoImage(), shouldStop: () => false }, chunks);
    expect(never).to.include({ stopped: false, identical: true, instret: end.instret });
  });

  it('stops on the way to an entry that lies far off, within 10^7 instructions', () => {
    const far = program(`
      li t0, 8000000
    wait: addi t0, t0, -1
      bnez t0, wait
      csrr t1, time
      li t0, 0x10000000
      sb t1, 0(t0)
      ${PASS}
    hang: j hang`);
    const { scheduler, machine, journal } = bench(far);
    scheduler.runUntil(1e9);
    expect(machine.end?.kind).to.equal('pass');
    const end = machine.seal();
    expect(end.instret).to.be.within(16_000_000, 16_000_100);
    const chunks = journal.chunks;
    let asked = 0;
    const stopped = replayJournal({ image: far, shouldStop: () => ++asked > 0 }, chunks);
    expect(stopped).to.include({ stopped: true, complete: false, identical: false, divergence: undefined });
    expect(stopped.instret).to.be.at.most(10_000_000);
    expect(asked).to.equal(1);
    const whole = replayJournal({ image: far, shouldStop: () => ++asked < 0 }, chunks);
    expect(whole).to.include({ stopped: false, identical: true, instret: end.instret, divergence: undefined });
    expect(asked).to.be.at.least(2);
  });

  it('collects console and reports again, from hypercalls and from the report ring', () => {
    const text = `
      li a7, 1
      li a0, 0x4f
      ecall
      la a1, text
      li a0, 2
      li a2, 0
      li a7, 0x4442434e
      li a6, 0
      ecall
      la a0, record
      li a1, 24
      li a7, 0x08524947
      li a6, 1
      ecall
      li t0, 0x10000000
      li t1, 0x21
      sb t1, 0(t0)
      ${PASS}
    hang: j hang
    text: .byte 0x4b, 0x3a
      .align 3
    record: .word 5, 0, 0, 0, 7, 0`;
    const image = program(text, true);
    const { scheduler, machine, journal, reports } = bench(image);
    scheduler.runUntil(1_000_000);
    machine.seal();
    const result = replayJournal({ image }, journal.chunks);
    expect(result.divergence).to.equal(undefined);
    expect(new TextDecoder().decode(result.console)).to.equal('OK:!');
    expect(result.reports).to.deep.equal(reports);
    expect(reports.length).to.equal(1);
  });

  it('collects records from the report ring, also round its end', () => {
    const ring = 0x800f_b000;
    // Writes records of 24 + 4 bytes, 32 with padding, as fast as the rig takes them.
    const text = `
      li s0, ${ring + 0x200}
      li s1, 0
      li s2, 100
    next:
      andi t0, s1, 0x7ff
      add t0, t0, s0
      li t1, 9
      sw t1, 0(t0)
      sw s1, 4(t0)
      li t1, 4
      sw t1, 20(t0)
      sw s2, 24(t0)
      addi s1, s1, 32
      li t0, ${ring}
      sw s1, 0x40(t0)
    wait:
      lw t1, 0x80(t0)
      bne t1, s1, wait
      addi s2, s2, -1
      bnez s2, next
      ${PASS}
    hang: j hang`;
    const image = program(text);
    const { scheduler, machine, journal, reports } = bench(image, { reportRing: true, reportRingBytes: 2_048 });
    expect(machine.plan.reportRing?.gpa).to.equal(ring);
    for (let us = 1; machine.end === undefined; us++) {
      scheduler.runUntil(us * 10_000);
      machine.pollReports();
    }
    machine.seal();
    expect(reports.length).to.equal(100);
    const result = replayJournal({ image }, journal.chunks);
    expect(result.divergence).to.equal(undefined);
    expect(result.reports).to.deep.equal(reports);
  });

  it('repeats access faults, time reads and a guest that locks up', () => {
    const text = `
      la t0, handler
      csrw mtvec, t0
      li t0, 0x30000000
      sw t0, 0(t0)
    after:
      csrr s1, time
      csrr s2, timeh
      lw s3, 4(t0)
      li t0, 0x40000000
      csrw mtvec, t0
      .word 0
      .align 2
    handler:
      csrr t1, mepc
      addi t1, t1, 4
      csrw mepc, t1
      mret`;
    const image = program(text);
    const { scheduler, machine, journal } = bench(image);
    expect(scheduler.runUntil(1e9).kind).to.equal('limit');
    expect(machine.end?.kind).to.equal('stuck');
    expect(machine.exits.snapshot().faults).to.equal(2);
    machine.seal();
    expect(replayJournal({ image }, journal.chunks)).to.include({ identical: true, divergence: undefined });
  });

  it('refuses another image, a guest that is too large and a run that is too long', () => {
    const image = program('loop: j loop');
    const { scheduler, machine, journal } = bench(image);
    scheduler.runUntil(1_000_000);
    machine.seal();
    const { chunks } = journal;
    const cases: [() => unknown, RegExp][] = [
      [() => replayJournal({ image: program('nop') }, chunks), /another image/],
      [() => replayJournal({ image, maxRamBytes: 4_096 }, chunks), /more than a replay may use/],
      [() => replayJournal({ image, maxInstructions: 99 }, chunks), /further than a replay may go/],
      [() => replayJournal({ image }, []), /does not begin with the start/],
    ];
    for (const [replay, message] of cases) {
      expect(replay).to.throw(VmmError, message).with.property('code', 'VMM_JOURNAL');
    }
  });

  it('repeats a run that was made in wall time', async () => {
    const clock = new WallClock();
    const journal = new KeptJournal();
    const machine = createMachine({
      name: 'wall',
      engine: 'interpreter',
      ramBytes: 0x10_0000,
      image: echoImage(),
      clock,
      acquisition: { kind: 'ns16550a', baudRate: 115_200 },
      journal,
    });
    const runner = new WallRunner(clock);
    runner.add(machine);
    const abort = new AbortController();
    const sent: number[] = [];
    characterAcquisition(machine).frontend.attach({
      transmit: (byte) => {
        sent.push(byte);
        if (sent.length === GREETING.length) abort.abort();
      },
      roomAvailable: () => {},
      // Once the guest has set its line it is about to listen.
      configure: () => {
        setImmediate(() => {
          for (const byte of GREETING) characterAcquisition(machine).frontend.receive(byte, 0);
        });
      },
      modemControl: () => {},
    });
    expect(await runner.run(10e9, abort.signal)).to.deep.equal({ kind: 'aborted' });
    machine.seal();
    expect(sent).to.deep.equal([...GREETING]);
    expect(replayJournal({ image: echoImage() }, journal.chunks)).to.include({
      identical: true,
      divergence: undefined,
    });
  });
});
