import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { profileJsonSchema } from './profile-schema.js';

const FILE = new URL('../../../hardware-profiles/profile.schema.json', import.meta.url);

describe('profile schema', () => {
  it('is the one in hardware-profiles/profile.schema.json (write it anew with node dist/hal/profile/write-profile-schema.js)', () => {
    const written: unknown = JSON.parse(readFileSync(FILE, 'utf8'));
    expect(written).to.deep.equal(JSON.parse(JSON.stringify(profileJsonSchema())));
  });

  it('requires only what a profile cannot do without', () => {
    const { oneOf } = profileJsonSchema() as { oneOf: { required: string[] }[] };
    expect(oneOf).to.have.length(4);
    for (const { required } of oneOf) expect(required).to.have.members(['name', 'title', 'kind', 'bind']);
  });
});
