import { expect } from 'chai';
import { CommandParser } from './command-parser.js';

const POLL_VERSION = [0xb5, 0x62, 0x0a, 0x04, 0, 0, 0x0e, 0x34];

function heard(bytes: Iterable<number>): string[] {
  const commands: string[] = [];
  const parser = new CommandParser({
    ubx: (messageClass, id, payload) => commands.push(`ubx ${messageClass} ${id} ${payload.length}`),
    nmea: (fields) => commands.push(fields.join('|')),
  });
  for (const byte of bytes) parser.push(byte);
  return commands;
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}

describe('command parser', () => {
  it('finds both protocols among rubbish', () => {
    const stream = [1, 2, 0xb5, 0xb5, 0x62, ...POLL_VERSION.slice(2), ...ascii('xx$PMTK000*32\r\n$$PMTK000*32\n')];
    expect(heard(stream)).to.deep.equal(['ubx 10 4 0', 'PMTK000', 'PMTK000']);
  });

  it('ignores what fails its checksum or has none', () => {
    const damaged = [...POLL_VERSION.slice(0, 7), 0x35];
    expect(heard([...damaged, ...ascii('$PMTK000*33\r\n$PMTK000\r\n$*00\r\n\r\n'), ...POLL_VERSION])).to.deep.equal([
      'ubx 10 4 0',
    ]);
  });

  it('resynchronises after an endless sentence and an endless frame', () => {
    const endless = [...ascii(`$${'A'.repeat(5000)}`), 0xb5, 0x62, 6, 1, 0xff, 0xff];
    expect(heard([...endless, ...POLL_VERSION])).to.deep.equal(['ubx 10 4 0']);
  });

  it('begins a new command where one breaks off', () => {
    expect(heard([...ascii('$PMTK0'), ...POLL_VERSION])).to.deep.equal(['ubx 10 4 0']);
    expect(heard([0xb5, ...ascii('$PMTK000*32\r\n')])).to.deep.equal(['PMTK000']);
  });
});
