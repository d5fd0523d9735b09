/** Names of the splits of a data set: to train on, to choose weights with, and to measure accuracy on. */
export const splitNames = ['train', 'val', 'test'] as const;

/** Name of a split. */
export type SplitName = (typeof splitNames)[number];

/** Images by split, for data sets that are divided into splits. */
export type SplitImages = Readonly<Partial<Record<SplitName, readonly string[]>>>;

/** The words of folders and files, with the year that COCO's have. */
const WORDS: Readonly<Record<SplitName, RegExp>> = {
  train: /^train(ing)?(\d{4})?$/i,
  val: /^val(id|idation)?(\d{4})?$/i,
  test: /^test(ing)?(\d{4})?$/i,
};

/** The split that a word names, such as `valid` or `train2017`; null for other words. */
export const splitOfWord = (word: string): SplitName | null =>
  splitNames.find((name) => WORDS[name].test(word)) ?? null;

/** The split in whose folder an image is (`train/a.png`, `train/images/a.png`, `images/train/a.png`); null for others. */
export function splitOfPath(file: string): SplitName | null {
  const [first = '', second = ''] = file.split('/').slice(0, -1);
  return splitOfWord(first) ?? (/^(images|jpegimages)$/i.test(first) ? splitOfWord(second) : null);
}

/** The word of a file name that names a split, such as `train2017` in `instances_train2017.json`; null without exactly one. */
export function splitWordIn(file: string): string | null {
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');
  const words = name.split(/[^a-z\d]+/i).filter((word) => splitOfWord(word) !== null);
  return words.length === 1 ? words[0]! : null;
}
