/** Order, dominators and loops of a region's blocks: what turns a graph into WebAssembly's nested blocks and loops. */

import type { Block, Region } from './region.js';

/** A block with its place in the graph. */
export interface Node {
  readonly block: Block;
  /** Number in reverse postorder; the entry is 0. */
  readonly order: number;
  /** Targets that are nodes, in the order of the terminator's fields. */
  successors: Node[];
  /** Forward edges that lead here. */
  forwardEdges: number;
  isLoopHeader: boolean;
  immediateDominator: Node | undefined;
  /** Those it dominates immediately, by ascending order. */
  readonly dominated: Node[];
}

/** Blocks that control may pass on to, by RAM offset. */
export function targetsOf(block: Block, followCall: (target: number) => boolean): readonly number[] {
  const { terminator } = block;
  switch (terminator.kind) {
    case 'jump':
      return [terminator.target];
    case 'branch':
      return [terminator.taken, terminator.next];
    case 'call':
      return followCall(terminator.target) ? [terminator.next] : [];
    case 'indirect':
      return terminator.targets;
    case 'leave':
      return [];
  }
}

/**
 * The graph of a region. Edges that enter a loop elsewhere than at its header (they exist in hand-written code alone)
 * are taken out: generated code leaves the region there, and the next one takes over.
 */
export class ControlFlow {
  /** In reverse postorder. */
  readonly nodes: readonly Node[];
  readonly #byOffset = new Map<number, Node>();

  /** `followCall` says whether a call comes back into the region. */
  constructor(region: Region, followCall: (target: number) => boolean) {
    const blocks = reversePostorder(region, followCall);
    this.nodes = blocks.map((block, order) => ({
      block,
      order,
      successors: [],
      forwardEdges: 0,
      isLoopHeader: false,
      immediateDominator: undefined,
      dominated: [],
    }));
    for (const node of this.nodes) this.#byOffset.set(node.block.offset, node);
    for (const node of this.nodes) {
      for (const target of targetsOf(node.block, followCall)) {
        const successor = this.#byOffset.get(target);
        if (successor !== undefined) node.successors.push(successor);
      }
    }
    this.#findDominators();
    this.#classifyEdges();
  }

  /** The node to which `from` may pass control for RAM offset `target`; undefined where the region is left instead. */
  successor(from: Node, target: number): Node | undefined {
    const node = this.#byOffset.get(target);
    return node !== undefined && from.successors.includes(node) ? node : undefined;
  }

  #findDominators(): void {
    const predecessors = this.nodes.map((): Node[] => []);
    for (const node of this.nodes) for (const successor of node.successors) predecessors[successor.order].push(node);
    const entry = this.nodes[0];
    entry.immediateDominator = entry;
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of this.nodes) {
        if (node === entry) continue;
        let dominator: Node | undefined;
        for (const predecessor of predecessors[node.order]) {
          if (predecessor.immediateDominator === undefined) continue;
          dominator = dominator === undefined ? predecessor : intersect(dominator, predecessor);
        }
        if (dominator !== node.immediateDominator) {
          node.immediateDominator = dominator;
          changed = true;
        }
      }
    }
    entry.immediateDominator = undefined;
    for (const node of this.nodes) node.immediateDominator?.dominated.push(node);
  }

  #classifyEdges(): void {
    for (const node of this.nodes) {
      node.successors = node.successors.filter(
        (successor) => successor.order > node.order || dominates(successor, node),
      );
      for (const successor of node.successors) {
        if (successor.order <= node.order) successor.isLoopHeader = true;
        else successor.forwardEdges++;
      }
    }
  }
}

function reversePostorder(region: Region, followCall: (target: number) => boolean): Block[] {
  const seen = new Set<number>();
  const order: Block[] = [];
  const stack: { readonly block: Block; readonly targets: readonly number[]; next: number }[] = [];
  const enter = (offset: number): void => {
    const block = region.blocks.get(offset);
    if (block === undefined || seen.has(offset)) return;
    seen.add(offset);
    stack.push({ block, targets: targetsOf(block, followCall), next: 0 });
  };
  enter(region.entry);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    if (top.next < top.targets.length) {
      enter(top.targets[top.next++]);
    } else {
      order.push(top.block);
      stack.pop();
    }
  }
  return order.reverse();
}

function intersect(a: Node, b: Node): Node {
  let x = a;
  let y = b;
  while (x !== y) {
    while (x.order > y.order) x = x.immediateDominator ?? y;
    while (y.order > x.order) y = y.immediateDominator ?? x;
  }
  return x;
}

function dominates(a: Node, b: Node): boolean {
  for (let node: Node | undefined = b; node !== undefined; node = node.immediateDominator) if (node === a) return true;
  return false;
}
