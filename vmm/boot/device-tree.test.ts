/** Tests of the device tree builder: what it writes is read back by a strict reader. */

import { expect } from 'chai';
import { createRandom, type Random } from '../../base/index.js';
import { VmmError } from '../errors.js';
import { DeviceTree, type DeviceTreeNode } from './device-tree.js';
import { cellsOf, nodeAt, type ReadNode, readDeviceTree, stringsOf } from './device-tree-test-reader.js';

describe('DeviceTree', () => {
  it('writes an empty tree', () => {
    expect(readDeviceTree(new DeviceTree().toBlob())).to.deep.equal({ name: '', properties: new Map(), children: [] });
  });

  it('writes every kind of property', () => {
    const tree = new DeviceTree();
    const node = tree.root.node('soc').node('serial@10000000');
    node.cells('cells', 0, 1, 0xffff_ffff).strings('strings', 'a', 'bc').empty('empty');
    node
      .ranges64('reg', 0x1_8000_0000, 0x100)
      .bytes('bytes', Uint8Array.of(1, 2, 3))
      .strings('utf8', 'µs');
    expect(node.path).to.equal('/soc/serial@10000000');
    const read = nodeAt(readDeviceTree(tree.toBlob()), node.path);
    expect(cellsOf(read, 'cells')).to.deep.equal([0, 1, 0xffff_ffff]);
    expect(stringsOf(read, 'strings')).to.deep.equal(['a', 'bc']);
    expect(read.properties.get('empty')).to.have.length(0);
    expect(cellsOf(read, 'reg')).to.deep.equal([1, 0x8000_0000, 0, 0x100]);
    expect(read.properties.get('bytes')).to.deep.equal(Uint8Array.of(1, 2, 3));
    expect(stringsOf(read, 'utf8')).to.deep.equal(['µs']);
  });

  it('keeps the last value of a property set twice, and stores each name once', () => {
    const tree = new DeviceTree();
    tree.root.cells('a', 1).cells('a', 2);
    tree.root.node('b').cells('a', 3);
    const blob = tree.toBlob();
    expect(cellsOf(readDeviceTree(blob), 'a')).to.deep.equal([2]);
    expect(new DataView(blob.buffer).getUint32(32), 'bytes of names').to.equal(2);
  });

  it('gives every phandle once', () => {
    const tree = new DeviceTree();
    expect([tree.phandle(tree.root.node('a')), tree.phandle(tree.root.node('b'))]).to.deep.equal([1, 2]);
    expect(cellsOf(nodeAt(readDeviceTree(tree.toBlob()), '/b'), 'phandle')).to.deep.equal([2]);
  });

  it('names the hart that boots', () => {
    expect(new DataView(new DeviceTree().toBlob(3).buffer).getUint32(28)).to.equal(3);
  });

  it('rejects names and values that the format cannot carry', () => {
    const { root } = new DeviceTree();
    root.node('twice');
    const wrong: (() => unknown)[] = [
      () => root.node(''),
      () => root.node('a/b'),
      () => root.node('1st'),
      () => root.node(`n${'x'.repeat(31)}`),
      () => root.node('twice'),
      () => root.node('a@'),
      () => root.cells(''),
      () => root.cells('a b'),
      () => root.empty('p'.repeat(32)),
      () => root.cells('c', -1),
      () => root.cells('c', 1.5),
      () => root.cells('c', 2 ** 32),
      () => root.ranges64('c', 2 ** 53),
      () => root.strings('s', 'a\0b'),
    ];
    for (const action of wrong) expect(action, String(action)).to.throw(VmmError).with.property('code', 'VMM_CONFIG');
  });

  it('reads back 500 random trees as they were built', () => {
    const random = createRandom('trees');
    let nodes = 0;
    for (let i = 0; i < 500; i++) {
      const tree = new DeviceTree();
      nodes += grow(random, tree.root, 4);
      expect(readDeviceTree(tree.toBlob())).to.deep.equal(plain(tree.root));
    }
    expect(nodes).to.be.above(1000);
  });
});

function grow(random: Random, node: DeviceTreeNode, depth: number): number {
  for (let i = random.below(6); i > 0; i--) {
    const name = `p${random.below(1000)},#-${'x'.repeat(random.below(20))}`;
    const length = random.below(random.below(8) === 0 ? 3000 : 20);
    node.bytes(
      name,
      Uint8Array.from({ length }, () => random.below(256)),
    );
  }
  let nodes = 1;
  for (let i = depth > 0 ? random.below(4) : 0; i > 0; i--)
    nodes += grow(random, node.node(`n${i}${'y'.repeat(random.below(20))}@${random.uint32().toString(16)}`), depth - 1);
  return nodes;
}

function plain(node: DeviceTreeNode): ReadNode {
  return { name: node.name, properties: node.properties, children: node.children.map(plain) };
}
