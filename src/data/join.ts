import { describeSample, type Dataset } from './types.ts';

/**
 * Data sets one after the other, as one: sample number `i` of the second has the position `first.ids.length + i`. If an id
 * occurs twice, all get the number of their data set in front. Each image is decoded as its own data set says; the
 * `decoding` of the result, for images to come, is that of the first.
 *
 * @throws RangeError without data sets, and unless all have the same classes in the same order
 */
export function joinDatasets(datasets: readonly Dataset[]): Dataset {
  const [first] = datasets;
  if (first === undefined) throw new RangeError('joinDatasets: no data sets, expected at least one');
  const other = datasets.find(({ classes }) => classes.join('\n') !== first.classes.join('\n'));
  if (other !== undefined) {
    throw new RangeError(
      `joinDatasets: classes are ${other.classes.join(', ')} beside ${first.classes.join(', ')}, expected the same in the same order`,
    );
  }
  const all = datasets.flatMap(({ ids }) => ids);
  const isUnique = new Set(all).size === all.length;
  const starts = datasets.map((_, n) => datasets.slice(0, n).reduce((sum, { ids }) => sum + ids.length, 0));
  const find = (index: number): { dataset: Dataset; own: number; name: string } => {
    if (!(index >= 0 && index < all.length)) {
      throw new RangeError(`joinDatasets: index ${index}, expected 0 to ${all.length - 1}`);
    }
    // The last that starts at or before it: an empty data set shares its start with the next.
    const n = starts.filter((start) => start <= index).length - 1;
    return { dataset: datasets[n]!, own: index - starts[n]!, name: ids[index]! };
  };
  const ids = datasets.flatMap((dataset, n) => (isUnique ? dataset.ids : dataset.ids.map((id) => `${n + 1}/${id}`)));
  return {
    classes: first.classes,
    decoding: first.decoding,
    ids,
    async get(index) {
      const { dataset, own, name } = find(index);
      return { ...(await dataset.get(own)), id: name };
    },
    async describe(index) {
      const { dataset, own, name } = find(index);
      return { ...(await describeSample(dataset, own)), id: name };
    },
    region(index) {
      const { dataset, own } = find(index);
      return dataset.region?.(own) ?? null;
    },
  };
}
