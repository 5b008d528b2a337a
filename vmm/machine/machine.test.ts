/** Tests of whole machines in virtual time, with small programs as guests. */

import { expect } from 'chai';
import { VirtualClock } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { characterAcquisition } from './acquisition.js';
import { InstructionTimebase } from './instruction-timebase.js';
import { createMachine } from './machine.js';
import type { MachineConfig } from './machine-config.js';
import { bench, PASS, program } from './test-support.js';
import { VirtualScheduler } from './virtual-scheduler.js';

/** Sets mtimecmp to `ticks`, turns the timer interrupt on, spins; the handler notes minstret and time, then passes. */
const timerGuest = (ticks: number): string => `
  la t0, handler
  csrw mtvec, t0
  li t0, 0x2004000
  li t1, ${ticks}
  sw t1, 0(t0)
  sw x0, 4(t0)
  li t0, 0x80
  csrw mie, t0
  csrsi mstatus, 8
loop:
  addi s0, s0, 1
  j loop
  .align 2
handler:
  csrr s1, minstret
  csrr s2, time
  csrr s3, mcause
  ${PASS}
  j handler
`;

/** Waits for the UART interrupt, then notes time and the character in s2 and s4 and passes. */
const RECEIVER = `
  la t0, handler
  csrw mtvec, t0
  li t0, 0xc000100       # priority of source 64
  li t1, 1
  sw t1, 0(t0)
  li t0, 0xc002008       # enable word 2 of context 0
  sw t1, 0(t0)
  li t0, 0x4000001       # IER: received data
  sb t1, 0(t0)
  li t0, 0x800
  csrw mie, t0
  csrsi mstatus, 8
sleep:
  wfi
  j sleep
  .align 2
handler:
  csrr s2, time
  csrr s1, minstret
  li t0, 0x4000000
  lbu s4, 0(t0)
  ${PASS}
  j handler
`;

describe('machine in virtual time', () => {
  it('refuses an engine that it does not have', () => {
    const engine = 'steam' as MachineConfig['engine'];
    expect(() => bench(program(PASS), { engine }))
      .to.throw(VmmError, "there is no engine 'steam'")
      .with.property('code', 'VMM_CONFIG');
  });

  it('delivers a timer interrupt at the first instruction whose time has come', () => {
    for (const cpuHz of [100_000_000, 33_333_333, 1_000_000_000, 7_000_000]) {
      const { scheduler, machine } = bench(program(timerGuest(1_000)), { cpuHz });
      expect(scheduler.runUntil(1_000_000)).to.deep.equal({ kind: 'ended' });
      const { vcpu } = machine.core;
      const expected = new InstructionTimebase(cpuHz).instretAt(100_000);
      expect(Number(vcpu.readRegister(9)), `minstret at ${cpuHz} Hz`).to.equal(expected);
      expect(Number(vcpu.readRegister(18)), 'time').to.be.within(1_000, 1_000 + Math.ceil(1e7 / cpuHz));
      expect(vcpu.readRegister(19)).to.equal(0x8000_0007n);
    }
  });

  it('delivers it at the same instruction however the run is cut into pieces', () => {
    for (const pieceNs of [7, 1_000, 99_999, 1_000_000]) {
      const { scheduler, machine } = bench(program(timerGuest(300)));
      for (let ns = pieceNs; machine.end === undefined; ns += pieceNs) scheduler.runUntil(ns);
      expect(Number(machine.core.vcpu.readRegister(9)), `pieces of ${pieceNs} ns`).to.equal(3_000);
    }
  });

  it('lets time pass for a guest that waits, without instructions', () => {
    const text = timerGuest(5_000_000).replace('addi s0, s0, 1', 'wfi');
    const { scheduler, machine } = bench(program(text));
    scheduler.runUntil(1_000_000_000);
    expect(machine.end?.kind).to.equal('pass');
    expect(machine.instret).to.be.below(40);
    expect(Number(machine.core.vcpu.readRegister(18))).to.equal(5_000_000);
    expect(machine.exits.snapshot()).to.include({ idle: 1, mmioWrites: 3, total: 3 });
  });

  it('charges what exits cost after the device was reached', () => {
    const read = `
      li t0, 0x2000000
      li t1, 0xbff8
      add t0, t0, t1
      lw s0, 0(t0)
      lw s1, 0(t0)
      ${PASS}
    hang: j hang`;
    const asked: string[] = [];
    const exitCostNs = (reason: string, region: string | undefined): number => {
      asked.push(`${reason} ${region}`);
      return 5_000;
    };
    const { scheduler, machine } = bench(program(read), { exitCostNs });
    scheduler.runUntil(1_000_000);
    const { vcpu } = machine.core;
    expect(vcpu.readRegister(8)).to.equal(0n);
    expect(vcpu.readRegister(9)).to.equal(50n);
    expect(asked.slice(0, 3)).to.deep.equal(['mmio-read clint', 'mmio-read clint', 'mmio-write finisher']);
  });

  it('echoes characters through a UART on the bus and counts the exits there', () => {
    const echo = `
      li t0, 0x4000000
    wait:
      lbu t1, 5(t0)
      andi t1, t1, 1
      beqz t1, wait
      lbu t2, 0(t0)
      sb t2, 0(t0)
      j wait`;
    const { scheduler, machine } = bench(program(echo), { acquisition: { kind: 'ns16550a', baudRate: 9_600 } });
    const sent: number[] = [];
    const { frontend } = characterAcquisition(machine);
    frontend.attach({
      transmit: (byte) => sent.push(byte),
      roomAvailable: () => {},
      configure: () => {},
      modemControl: () => {},
    });
    for (const [i, byte] of [0x68, 0x69, 0x21].entries()) {
      scheduler.runUntil(1_000_000 * (i + 1));
      expect(frontend.receive(byte, 0)).to.equal(true);
    }
    scheduler.runUntil(10_000_000);
    expect(sent).to.deep.equal([0x68, 0x69, 0x21]);
    const { regions } = machine.exits.snapshot();
    expect(regions.map((region) => region.region)).to.deep.equal(['acquisition']);
    expect(regions[0].writes).to.equal(3);
    expect(machine.exits.of('acquisition')).to.equal(machine.exits.mmioReads + 3);
    expect(machine.exits.of('console')).to.equal(0);
  });

  it('gives an access outside every device back to the guest as a fault', () => {
    const wild = `
      la t0, handler
      csrw mtvec, t0
      li t0, 0x30000000
      lw s0, 0x10(t0)
    after:
      ${PASS}
      j after
      .align 2
    handler:
      csrr s1, mcause
      csrr s2, mtval
      la t0, after
      csrw mepc, t0
      mret`;
    const { scheduler, machine } = bench(program(wild));
    scheduler.runUntil(1_000_000);
    expect(machine.end?.kind).to.equal('pass');
    expect(machine.core.vcpu.readRegister(9)).to.equal(5n);
    expect(machine.core.vcpu.readRegister(18)).to.equal(0x3000_0010n);
    expect(machine.exits.snapshot().faults).to.equal(1);
  });

  it('answers hypercalls of an image that asked for them', () => {
    const text = `
      la a1, text
      li a0, 3
      li a2, 0
      li a7, 0x4442434e
      li a6, 0
      ecall
      mv s0, a1
      la a0, record
      li a1, 28
      li a7, 0x08524947
      li a6, 1
      ecall
      li a7, 0x99
      ecall
      mv s1, a0
      li a7, 0x53525354
      li a6, 0
      li a0, 0
      li a1, 1
      ecall
    hang: j hang
    text: .byte 0x61, 0x62, 0x63
      .align 3
    record: .word 2, 0, 0, 0, 7, 4, 0xdeadbeef`;
    const { scheduler, machine, reports, ...rest } = bench(program(text, true));
    expect(scheduler.runUntil(1_000_000)).to.deep.equal({ kind: 'ended' });
    expect(rest.text()).to.equal('abc');
    expect(machine.core.vcpu.readRegister(8)).to.equal(3n);
    expect(machine.core.vcpu.readRegister(9)).to.equal(0xffff_fffen);
    expect(reports.map((record) => record.join())).to.deep.equal([
      '2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,7,0,0,0,4,0,0,0,239,190,173,222',
    ]);
    expect(machine.end).to.include({ kind: 'fail', sentence: 'The guest ended with fail.' });
    expect(machine.exits.snapshot()).to.include({ hypercalls: 4, total: 4 });
  });

  it('stops a guest that never ends, and says so', () => {
    const spin = program('loop: j loop');
    const byInstructions = bench(spin, { limits: { instructions: 12_345 } });
    const first = byInstructions.scheduler.runUntil(1e12);
    expect(first).to.deep.equal({
      kind: 'limit',
      machine: 'guest',
      sentence: 'The guest was stopped after its limit of 12345 instructions.',
    });
    expect(byInstructions.machine.instret).to.equal(12_345);
    const byTime = bench(spin, { limits: { virtualNs: 500_000 } });
    expect(byTime.scheduler.runUntil(1e12)).to.include({ kind: 'limit', machine: 'guest' });
    expect(byTime.machine.end).to.include({ kind: 'limit', instret: 50_000 });
  });

  it('stops a guest whose trap handler traps itself', () => {
    const { scheduler, machine } = bench(program('.word 0'));
    const stop = scheduler.runUntil(1e12);
    expect(stop).to.include({ kind: 'limit', machine: 'guest' });
    expect(machine.end?.kind).to.equal('stuck');
    expect(machine.end?.sentence).to.match(/first instruction of its trap handler, at 0x0, traps/);
  });

  it('takes a guest that waits for ever to the target without spinning', () => {
    const { scheduler, machine } = bench(program('loop: wfi\nj loop'));
    expect(scheduler.runUntil(3_600e9)).to.deep.equal({ kind: 'target' });
    expect(machine.instret).to.equal(1);
    expect(machine.activity).to.equal('idle');
  });

  it('refuses what cannot be built, before anything starts', () => {
    const image = program('nop');
    const build = (config: object) => () =>
      createMachine({ name: 'm', engine: 'interpreter', image, clock: new VirtualClock(), ...config });
    expect(build({ ramBytes: 0x4000 })).to.throw(VmmError, /RAM/);
    expect(build({ ramBytes: 0x1_0000, reportRing: true })).to.throw(VmmError, /too small/);
    expect(build({ cpuHz: 0 })).to.throw(VmmError, /instructions a second/);
    expect(build({ bootargs: 'x'.repeat(20_000) })).to.throw(VmmError, /Shorten|device tree/);
    expect(build({ image: { ...image, xlen: 32, hypercalls: 'supervisor' } })).to.throw(VmmError, /S mode/);
    const big = { gpa: 0x8000_0000, bytes: new Uint8Array(4), memoryBytes: 0x10_0000 };
    expect(build({ ramBytes: 0x10_0000, image: { ...image, segments: [big] } })).to.throw(VmmError, /no room/);
  });
});

describe('machines together in virtual time', () => {
  /** Counts to `count`, prints one character by hypercall, passes. */
  const speaker = (count: number): string => `
      li t0, ${count}
    loop:
      addi t0, t0, -1
      bnez t0, loop
      li a7, 1
      li a0, 0x58
      ecall
      csrr s2, time
      ${PASS}
    hang: j hang`;

  function pair(
    speakerFirst: boolean,
    receiver = RECEIVER,
  ): { spokeAt: number; heardAt: number; heard: number; digests: string[] } {
    const clock = new VirtualClock();
    const scheduler = new VirtualScheduler(clock);
    const common = { engine: 'interpreter', clock, ramBytes: 0x10_0000 } as const;
    const listener = createMachine({
      ...common,
      name: 'listener',
      image: program(receiver),
      acquisition: { kind: 'ns16550a', baudRate: 9_600 },
    });
    const talker = createMachine({
      ...common,
      name: 'talker',
      image: program(speaker(40_000), true),
      onConsole: (byte) => characterAcquisition(listener).frontend.receive(byte, 0),
    });
    for (const machine of speakerFirst ? [talker, listener] : [listener, talker]) scheduler.add(machine);
    scheduler.runUntil(10_000_000);
    const time = (machine: typeof talker): number => Number(machine.core.vcpu.readRegister(18));
    return {
      spokeAt: time(talker),
      heardAt: time(listener),
      heard: Number(listener.core.vcpu.readRegister(20)),
      digests: [talker, listener].map((machine) => JSON.stringify(machine.digest())),
    };
  }

  it('wakes a guest at the local time of the guest that sent to it', () => {
    const { spokeAt, heardAt, heard } = pair(true);
    expect(heard).to.equal(0x58);
    expect(spokeAt).to.be.at.least(8_000);
    expect(heardAt).to.be.within(spokeAt - 1, spokeAt + 1);
  });

  it('counts a device’s time from the moment at which another guest reached it', () => {
    // 9,600 baud, FIFO with trigger level 14: one character interrupts after four character times without another.
    const setup = `
      li t0, 0x4000000
      li t1, 0x83
      sb t1, 3(t0)
      li t1, 24
      sb t1, 0(t0)
      sb x0, 1(t0)
      li t1, 3
      sb t1, 3(t0)
      li t1, 0xc1
      sb t1, 2(t0)`;
    const { spokeAt, heardAt, heard } = pair(true, setup + RECEIVER);
    expect(heard).to.equal(0x58);
    const fourCharactersTicks = (4 * 10 * 1e7) / 9_600;
    expect(heardAt - spokeAt).to.be.within(fourCharactersTicks - 2, fourCharactersTicks + 2);
  });

  it('gives the same history every time, whatever the order in which machines were added', () => {
    const reference = pair(true);
    expect(pair(true)).to.deep.equal(reference);
    expect(pair(false)).to.deep.equal(reference);
  });

  it('runs eight machines in one process, each to its own instruction', () => {
    const clock = new VirtualClock();
    const scheduler = new VirtualScheduler(clock);
    const machines = Array.from({ length: 8 }, (_, i) =>
      createMachine({
        name: `m${i}`,
        engine: 'interpreter',
        ramBytes: 0x10_0000,
        clock,
        cpuHz: 10_000_000 * (i + 1),
        image: program(timerGuest(500 + i)),
      }),
    );
    for (const machine of machines) scheduler.add(machine);
    expect(scheduler.runUntil(1_000_000)).to.deep.equal({ kind: 'ended' });
    const taken = machines.map((machine) => Number(machine.core.vcpu.readRegister(9)));
    expect(taken).to.deep.equal(machines.map((_, i) => (500 + i) * (i + 1)));
  });

  it('goes on with the others when one has reached its limit', () => {
    const clock = new VirtualClock();
    const scheduler = new VirtualScheduler(clock);
    const common = { engine: 'interpreter', clock, ramBytes: 0x10_0000 } as const;
    const spinner = createMachine({
      ...common,
      name: 'spinner',
      image: program('loop: j loop'),
      limits: { instructions: 1_000 },
    });
    const other = createMachine({ ...common, name: 'other', image: program(timerGuest(1_000)) });
    scheduler.add(spinner);
    scheduler.add(other);
    expect(scheduler.runUntil(1e9)).to.include({ kind: 'limit', machine: 'spinner' });
    expect(scheduler.runUntil(1e9)).to.deep.equal({ kind: 'ended' });
    expect(other.end?.kind).to.equal('pass');
  });
});
