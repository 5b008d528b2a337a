/** Order, dominators and loops of graphs by hand and at random. */

import { expect } from 'chai';
import { createRandom } from '../../base/index.js';
import { INSTRUCTIONS } from '../isa/instruction-table.js';
import { ControlFlow, type Node } from './control-flow.js';
import type { Block, Region, RegionInstruction, Terminator } from './region.js';

/** By RAM offset: where a block leads. */
type Graph = Readonly<Record<number, readonly number[]>>;

const ALWAYS = (): boolean => true;

function instruction(offset: number): RegionInstruction {
  return { offset, row: INSTRUCTIONS[0], id: 0, length: 4, rd: 1, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: 0 };
}

function terminator(offset: number, targets: readonly number[]): Terminator {
  if (targets.length === 0) return { kind: 'leave', target: offset };
  if (targets.length === 1) return { kind: 'jump', target: targets[0] };
  if (targets.length > 2) return { kind: 'indirect', instruction: instruction(offset), targets };
  return { kind: 'branch', instruction: instruction(offset), taken: targets[0], next: targets[1] };
}

/** The region that is entered at 0. */
function regionOf(graph: Graph, others: readonly Block[] = []): Region {
  const blocks = new Map<number, Block>();
  for (const [key, targets] of Object.entries(graph)) {
    const offset = Number(key);
    blocks.set(offset, { offset, body: [], terminator: terminator(offset, targets), count: 1 });
  }
  for (const block of others) blocks.set(block.offset, block);
  return { entry: 0, blocks, pages: new Set([0]), instructions: blocks.size };
}

function nodesOf(graph: Graph): Map<number, Node> {
  return new Map(new ControlFlow(regionOf(graph), ALWAYS).nodes.map((node) => [node.block.offset, node]));
}

const offset = (node: Node | undefined): number | undefined => node?.block.offset;
const headers = (nodes: Map<number, Node>): (number | undefined)[] =>
  [...nodes.values()].filter((node) => node.isLoopHeader).map(offset);

describe('ControlFlow', () => {
  it('has no loop and no merge in a straight line', () => {
    const nodes = nodesOf({ 0: [4], 4: [8], 8: [] });
    expect([...nodes.keys()]).to.deep.equal([0, 4, 8]);
    expect([...nodes.values()].map((node) => offset(node.immediateDominator))).to.deep.equal([undefined, 0, 4]);
    expect([...nodes.values()].map((node) => node.forwardEdges)).to.deep.equal([0, 1, 1]);
    expect(headers(nodes)).to.deep.equal([]);
  });

  it('lets the head of a diamond dominate its end', () => {
    const nodes = nodesOf({ 0: [4, 8], 4: [12], 8: [12], 12: [] });
    expect(offset(nodes.get(12)?.immediateDominator)).to.equal(0);
    expect(nodes.get(12)?.forwardEdges).to.equal(2);
    expect(nodes.get(0)?.dominated.map(offset)).to.have.members([4, 8, 12]);
    expect(nodes.get(0)?.dominated.map((node) => node.order)).to.deep.equal([1, 2, 3]);
  });

  it('counts both arms of a branch to one place', () => {
    expect(nodesOf({ 0: [4, 4], 4: [] }).get(4)?.forwardEdges).to.equal(2);
  });

  it('finds the headers of nested loops, and of one that is its own block', () => {
    const nodes = nodesOf({ 0: [4], 4: [8], 8: [8, 12], 12: [4, 16], 16: [0] });
    expect(headers(nodes)).to.deep.equal([0, 4, 8]);
    expect(nodes.get(8)?.forwardEdges).to.equal(1);
  });

  it('takes out the edge that enters a loop elsewhere than at its header', () => {
    const region = regionOf({ 0: [4, 8], 4: [8], 8: [4, 12], 12: [] });
    const flow = new ControlFlow(region, ALWAYS);
    const node = (at: number): Node => flow.nodes.find(({ block }) => block.offset === at) ?? flow.nodes[0];
    const kept = [flow.successor(node(4), 8), flow.successor(node(8), 4)].filter(
      (successor) => successor !== undefined,
    );
    expect(kept, 'one of the two edges between 4 and 8').to.have.length(1);
    expect(flow.nodes.some(({ isLoopHeader }) => isLoopHeader)).to.equal(false);
    expect(offset(node(4).immediateDominator)).to.equal(0);
    expect(offset(node(8).immediateDominator)).to.equal(0);
  });

  it('leaves out what nothing leads to, and targets that are no blocks', () => {
    const nodes = nodesOf({ 0: [4, 100], 4: [], 8: [4] });
    expect([...nodes.keys()]).to.have.members([0, 4]);
    expect(nodes.get(0)?.successors.map(offset)).to.deep.equal([4]);
    expect(nodes.get(4)?.forwardEdges).to.equal(1);
  });

  it('goes on behind a call only when the callee is in the module', () => {
    const call: Terminator = { kind: 'call', instruction: instruction(4), target: 400, next: 8 };
    const region = regionOf({ 0: [4], 8: [] }, [{ offset: 4, body: [], terminator: call, count: 1 }]);
    const offsets = (follow: (target: number) => boolean): (number | undefined)[] =>
      new ControlFlow(region, follow).nodes.map(offset);
    expect(offsets((target) => target === 400)).to.deep.equal([0, 4, 8]);
    expect(offsets(() => false)).to.deep.equal([0, 4]);
  });

  it('agrees with the definitions on random graphs', () => {
    const random = createRandom('control flow');
    for (let i = 0; i < 300; i++) {
      const count = 2 + random.below(12);
      const graph = Object.fromEntries(
        Array.from({ length: count }, (_, at) => [
          4 * at,
          Array.from({ length: random.below(4) }, () => 4 * random.below(count)),
        ]),
      );
      checkGraph(graph);
    }
  });
});

/** Offsets that can be reached from 0 without passing `without`. */
function reachable(graph: Graph, without?: number): Set<number> {
  const seen = new Set<number>();
  const waiting = [0];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === without || seen.has(at)) continue;
    seen.add(at);
    waiting.push(...graph[at]);
  }
  return seen;
}

function checkGraph(graph: Graph): void {
  const text = JSON.stringify(graph);
  const nodes = nodesOf(graph);
  const all = reachable(graph);
  expect([...nodes.keys()], text).to.have.members([...all]);
  // By node: what can no longer be reached without it.
  const dominates = new Map(
    [...all].map((at) => [at, new Set([...all].filter((to) => !reachable(graph, at).has(to)))]),
  );
  for (const [at, node] of nodes) {
    const strict = [...all].filter((other) => other !== at && dominates.get(other)?.has(at));
    const immediate = strict.find((one) => strict.every((other) => other === one || dominates.get(other)?.has(one)));
    expect(offset(node.immediateDominator), `${text} ${at}`).to.equal(immediate);
    const kept = graph[at].filter((to) => (nodes.get(to)?.order ?? 0) > node.order || dominates.get(to)?.has(at));
    expect(node.successors.map(offset), `${text} ${at}`).to.deep.equal(kept);
    const arriving = [...nodes.values()].flatMap(({ order, successors }) =>
      successors.filter((successor) => successor === node).map(() => order),
    );
    expect(node.forwardEdges, `${text} ${at}`).to.equal(arriving.filter((order) => order < node.order).length);
    expect(node.isLoopHeader, `${text} ${at}`).to.equal(arriving.some((order) => order >= node.order));
  }
}
