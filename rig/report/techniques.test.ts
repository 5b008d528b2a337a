import { expect } from 'chai';
import { runPlanText, type TestFolder, testFolder } from '../test-support/session.js';
import { techniqueText } from './technique-text.js';
import { techniqueTables } from './techniques.js';

describe('techniques side by side', () => {
  let folder: TestFolder;
  before(() => {
    folder = testFolder();
  });
  after(() => folder.remove());

  const session = (selection: object) =>
    runPlanText(folder, `it('runs', async () => { expect(await rig.run({ for: '60 s' })).to.be.certified; });`, {
      selection,
    });

  it('has a row for each frontend and engine of one acquisition', async () => {
    const { cells } = await session({ frontends: ['emulated', 'paravirtual'], engines: ['interpreter', 'translator'] });
    const [table, ...more] = techniqueTables(cells);
    expect(more).to.deep.equal([]);
    expect(table.rows.map(({ technique, engine }) => `${technique}, ${engine}`)).to.deep.equal([
      'emulated registers, interpreter',
      'emulated registers, translator',
      'paravirtual, interpreter',
      'paravirtual, translator',
      'partitioned, interpreter',
      'partitioned, translator',
    ]);
    for (const { exits, byReason } of table.rows)
      expect(exits).to.equal(Object.values(byReason).reduce((sum, count) => sum + count, 0));
    const text = techniqueText([table]);
    expect(text).to.include('p: one acquisition, every technique').and.to.include('partitioned');
    for (const reason of Object.keys(table.rows[0].byReason)) expect(text).to.include(reason);
  });

  it('says nothing where there is one way alone', async () => {
    const { cells } = await session({ architectures: ['partitioned'] });
    expect(techniqueTables(cells)).to.deep.equal([]);
  });
});
