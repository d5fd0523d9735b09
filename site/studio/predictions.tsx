// Held-out images with what the network finds in them now.
import { useMemo } from 'preact/hooks';
import { BoxCanvas } from './canvas.tsx';
import type { Picture } from './pictures.ts';
import type { Found } from './session.ts';
import { openLabels } from './labelling.ts';
import { data, evaluations, found, prepared } from './state.ts';

export function Predictions() {
  const pictures = prepared.value?.pictures ?? [];
  const threshold = evaluations.value.at(-1)?.threshold ?? 0;
  return (
    <figure class="studio-predictions">
      <figcaption>
        What it finds in held-out images{' '}
        {found.value === null ? '(after the first evaluation)' : `with scores from ${threshold.toFixed(2)}`}. Dashed:
        ground truth.
      </figcaption>
      <div class="studio-tiles">
        {pictures.map((picture, i) => (
          <Tile picture={picture} found={found.value?.[i] ?? null} threshold={threshold} />
        ))}
      </div>
    </figure>
  );
}

function Tile({
  picture,
  found,
  threshold,
}: {
  readonly picture: Picture;
  readonly found: Found | null;
  readonly threshold: number;
}) {
  const layers = useMemo(
    () => [{ ...picture, isTruth: true }, ...(found === null ? [] : [{ ...found, threshold }])],
    [picture, found, threshold],
  );
  const count = found === null ? 0 : found.scores.filter((score) => score >= Math.fround(threshold)).length;
  const label = `${picture.id}: ${count} detections, ${picture.labels.length} objects`;
  const isOwn = data.value !== null;
  // A tile is named by its image and its corner.
  const image = picture.id.replace(/@\d+,\d+$/, '');
  return (
    <div>
      <BoxCanvas pixels={picture} layers={layers} label={label} />
      {isOwn && (
        <button class="studio-correct" onClick={() => void openLabels(image)}>
          Correct the boxes of {image}
        </button>
      )}
    </div>
  );
}
