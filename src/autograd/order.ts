import type { Tensor } from '../tensor/tensor.ts';
import { Node } from './node.ts';

// In which order a backward pass visits nodes, and when the gradient of a leaf is complete.

/** Nodes that gradients flow through, latest first. */
export function reachable(root: Node): Node[] {
  const seen = new Set<Node>([root]);
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const input of node.inputs) {
      if (input instanceof Node && !seen.has(input)) {
        seen.add(input);
        pending.push(input);
      }
    }
  }
  return [...seen].sort((a, b) => b.id - a.id);
}

/** Returns what must be called after each node; calls `onGradient` for each leaf after the last node that uses it. */
export function completion(nodes: readonly Node[], onGradient: (leaf: Tensor) => void): (node: Node) => void {
  const leavesOf = ({ inputs }: Node): Tensor[] =>
    inputs.flatMap((input) => (input === null || input instanceof Node ? [] : [input]));
  const last = new Map<Tensor, Node>();
  for (const node of nodes) for (const leaf of leavesOf(node)) last.set(leaf, node);
  return (node) => {
    for (const leaf of new Set(leavesOf(node))) if (last.get(leaf) === node && leaf.grad !== null) onGradient(leaf);
  };
}
