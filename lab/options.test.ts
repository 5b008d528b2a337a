import { expect } from 'chai';
import { parseOptions } from './options.js';

describe('options of the lab', () => {
  it('understands a pattern, a shell and a command', () => {
    expect(parseOptions([])).to.deep.equal({});
    expect(parseOptions(['--grep', 'real USB'])).to.deep.equal({ grep: 'real USB' });
    expect(parseOptions(['--command', 'lsusb'])).to.deep.equal({ command: 'lsusb' });
    expect(parseOptions(['--shell']).command).to.include('sh');
  });

  it('refuses everything else with the usage', () => {
    for (const args of [['--grep'], ['--what'], ['--shell', 'x'], ['--grep', 'a', 'b']])
      expect(() => parseOptions(args)).to.throw('usage: npm run test:lab');
  });
});
