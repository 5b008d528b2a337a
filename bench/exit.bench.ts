/** The cost of a VM exit: a guest reads a UART's line status register again and again, through machine, bus and model. */

import { VirtualClock } from '../base/index.js';
import { assemble, createMachine, parseImage, VirtualScheduler } from '../vmm/index.js';
import { timeNs } from './clock.js';
import { type Row, toRow } from './table.js';

const EXITS = 2_000_000;
const BAR_NS = 1000;

/** LSR of the console. The loop is three instructions, one of which exits. */
const READ_LSR = `
    li a0, 0x10000000
    li a1, ${EXITS}
loop:
    lbu a2, 5(a0)
    addi a1, a1, -1
    bnez a1, loop
wait:
    wfi
    j wait
`;

/** The same loop with a load from RAM: what is left is the exit. */
const READ_RAM = READ_LSR.replace('0x10000000', '0x80001000');

function run(source: string, journalled: boolean): number {
  const clock = new VirtualClock();
  let chunks = 0;
  const machine = createMachine({
    name: 'bench',
    engine: 'interpreter',
    image: parseImage(assemble(source).bytes, 'bench'),
    clock,
    ...(journalled ? { journal: { chunk: () => void chunks++ } } : {}),
  });
  const scheduler = new VirtualScheduler(clock);
  if (machine.pace !== undefined) scheduler.add(machine.pace);
  return timeNs(() => scheduler.runUntil(1e9));
}

export function benchExit(rounds: number): Row[] {
  const cost = (journalled: boolean) => (run(READ_LSR, journalled) - run(READ_RAM, journalled)) / EXITS;
  cost(true);
  const plain: number[] = [];
  const journalled: number[] = [];
  for (let round = 0; round < rounds; round++) {
    plain.push(cost(false));
    journalled.push(cost(true));
  }
  const row = toRow('MMIO read: exit, bus, NS16550A, back', plain, 'ns');
  const withJournal = toRow('the same with its journal entry', journalled, 'ns');
  const bar = (value: number) => ({ text: `< ${BAR_NS} ns`, met: value < BAR_NS });
  return [
    { ...row, bar: bar(row.value) },
    { ...withJournal, bar: bar(withJournal.value) },
  ];
}
