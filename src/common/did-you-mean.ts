import leven from 'leven';

/**
 * `; did you mean X?` with the candidate closest to a word, or an empty string if none is close. `prefix` is put before
 * the candidate.
 */
export function didYouMean(word: string, candidates: readonly string[], prefix = ''): string {
  const lower = word.toLowerCase();
  const distance = (candidate: string): number => {
    // The last part of a name also matches: `learningRate` for `train.learningRate`.
    const last = candidate.slice(candidate.lastIndexOf('.') + 1);
    // So does the beginning: `suggest` for `suggest-anchors`.
    const starts = word.length < 4 ? [] : [-1, 0, 1].map((more) => candidate.slice(0, word.length + more));
    return Math.min(
      leven(lower, candidate.toLowerCase()),
      ...[last, ...starts].map((part) => leven(lower, part.toLowerCase()) + 0.5),
    );
  };
  const [nearest] = [...candidates].sort((a, b) => distance(a) - distance(b));
  if (nearest === undefined || distance(nearest) > Math.max(2, word.length / 2)) return '';
  return `; did you mean ${prefix}${nearest}?`;
}
