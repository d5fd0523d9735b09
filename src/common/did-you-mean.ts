import leven from 'leven';

/** `; did you mean X?` for the candidate that is nearest to a word, or nothing where none is near. */
export function didYouMean(word: string, candidates: readonly string[], prefix = ''): string {
  const distance = (candidate: string): number => {
    // `lr` for `train.learningRate` is not near by letters; the last part of a name for the whole is.
    const last = candidate.slice(candidate.lastIndexOf('.') + 1);
    // Half a name is meant for the whole: `--suggest` for `--suggest-anchors`.
    const starts = word.length < 4 ? [] : [-1, 0, 1].map((more) => candidate.slice(0, word.length + more));
    return Math.min(
      leven(word.toLowerCase(), candidate.toLowerCase()),
      ...[last, ...starts].map((part) => leven(word.toLowerCase(), part.toLowerCase()) + 0.5),
    );
  };
  const [nearest] = [...candidates].sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined || distance(nearest) > Math.max(2, word.length / 2)) return '';
  return `; did you mean ${prefix}${nearest}?`;
}
