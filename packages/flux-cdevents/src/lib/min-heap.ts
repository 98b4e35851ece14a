/** Values with a number each, the one with the smallest number first. */
export interface MinHeap<T> {
  readonly size: number;
  push(rank: number, value: T): void;
  peek(): { readonly rank: number; readonly value: T } | undefined;
  pop(): { readonly rank: number; readonly value: T } | undefined;
}

export function createMinHeap<T>(): MinHeap<T> {
  const nodes: { readonly rank: number; readonly value: T }[] = [];
  const rankAt = (index: number): number => nodes[index]?.rank ?? Number.POSITIVE_INFINITY;
  const swap = (a: number, b: number): void => {
    [nodes[a], nodes[b]] = [nodes[b], nodes[a]] as [(typeof nodes)[number], (typeof nodes)[number]];
  };
  return {
    get size() {
      return nodes.length;
    },
    push(rank, value) {
      let index = nodes.push({ rank, value }) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (rankAt(parent) <= rank) return;
        swap(index, parent);
        index = parent;
      }
    },
    peek: () => nodes[0],
    pop() {
      const first = nodes[0];
      const last = nodes.pop();
      if (first === undefined || last === undefined || nodes.length === 0) return first;
      nodes[0] = last;
      for (let index = 0; ; ) {
        const left = 2 * index + 1;
        const child = rankAt(left + 1) < rankAt(left) ? left + 1 : left;
        if (rankAt(child) >= last.rank) return first;
        swap(index, child);
        index = child;
      }
    },
  };
}
