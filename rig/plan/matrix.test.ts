/** Checks which cells a plan runs in. */

import { expect } from 'chai';
import { RigError } from '../errors.js';
import { cellLabel, cellSlug, type PlanMatrix, planCells, type Selection } from './matrix.js';

function labels(matrix: PlanMatrix, selection: Selection = {}): string[] {
  return planCells('p', matrix, selection).map(({ cell }) => cellLabel(cell).replace(', interpreter', ''));
}

describe('matrix', () => {
  it('is the simulator in both architectures, with the emulated frontend, when nothing is said', () => {
    expect(labels({ profile: 'x' })).to.deep.equal(['x, sim, hosted, emulated', 'x, sim, partitioned, ring']);
  });

  it('goes through profiles, bindings, recordings, architectures and frontends in this order', () => {
    const all = labels(
      { profiles: ['x', 'y'], recordings: ['a.pcapng', 'b.pcapng'], frontends: ['emulated', 'paravirtual'] },
      { bindings: ['sim', 'replay'] },
    );
    expect(all).to.have.length(2 * 3 * 3);
    expect(all.slice(0, 6)).to.deep.equal([
      'x, sim, hosted, emulated',
      'x, sim, hosted, paravirtual',
      'x, sim, partitioned, ring',
      'x, replay a.pcapng, hosted, emulated',
      'x, replay a.pcapng, hosted, paravirtual',
      'x, replay a.pcapng, partitioned, ring',
    ]);
  });

  it('stays within what the plan declares', () => {
    const matrix: PlanMatrix = { profile: 'x', bindings: ['sim'], architectures: ['hosted'] };
    expect(labels(matrix, { architectures: ['partitioned'] })).to.deep.equal([]);
    expect(labels(matrix, { bindings: ['sim', 'real'] })).to.deep.equal(['x, sim, hosted, emulated']);
    expect(labels({ ...matrix, frontends: ['emulated'] }, { frontends: ['paravirtual'] })).to.deep.equal([]);
  });

  it('takes another frontend or profile where the plan does not mind', () => {
    expect(labels({ profile: 'x' }, { frontends: ['paravirtual'], profiles: ['z'] })).to.deep.equal([
      'z, sim, hosted, paravirtual',
      'z, sim, partitioned, ring',
    ]);
  });

  it('runs the real device in both architectures', () => {
    expect(labels({ profile: 'x' }, { bindings: ['real'] })).to.deep.equal([
      'x, real, hosted, emulated',
      'x, real, partitioned, ring',
    ]);
  });

  it('has no replay cell without a recording, and one for the recording of the command line', () => {
    expect(labels({ profile: 'x' }, { bindings: ['sim', 'replay'] })).to.have.length(2);
    const [first] = planCells(
      'p',
      { profile: 'x', recording: 'own.pcapng' },
      { bindings: ['replay'], recording: '/a/b.log' },
    );
    expect(first.recordingPath).to.equal('/a/b.log');
    expect(first.cell.recording).to.equal('b.log');
  });

  it('keeps a cell that will say what is missing, when the plan asks for a replay and names no recording', () => {
    const cells = planCells('p', { profile: 'x', bindings: ['replay'] }, { bindings: ['replay'] });
    expect(cells).to.have.length(2);
    expect(cells[0].recordingPath).to.equal(undefined);
  });

  it('refuses to run a device plan without a device, and a plan without one on a device', () => {
    expect(() => labels({ profile: 'x' }, { profiles: ['none'] }))
      .to.throw(RigError, 'needs a device')
      .with.property('code', 'RIG_USAGE');
    expect(() => labels({ profile: 'none' }, { profiles: ['x'] }))
      .to.throw(RigError, 'runs without a device')
      .with.property('code', 'RIG_USAGE');
    expect(labels({ profiles: ['none', 'x'] }, { profiles: ['none'] })).to.have.length(2);
  });

  it('refuses a plan without a profile', () => {
    expect(() => planCells('p', {}, {})).to.throw(RigError, 'names no profile');
  });

  it('gives every cell a folder name of its own that any file system takes', () => {
    const cells = planCells(
      'A plan: ünusual/../title',
      { profile: 'x', recordings: ['a.log', '../a.pcapng'] },
      { bindings: ['sim', 'replay'] },
    );
    const slugs = cells.map(({ cell }) => cellSlug(cell));
    expect(new Set(slugs).size).to.equal(slugs.length);
    for (const slug of slugs) expect(slug).to.match(/^[a-z0-9._-]+$/);
    for (const slug of slugs) expect(slug).to.not.contain('..');
  });
});
