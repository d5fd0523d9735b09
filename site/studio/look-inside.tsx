// What the layers of the network compute of an image, and which pixels and cells a score depends on.
import { useSignal } from '@preact/signals';
import { transfer } from 'comlink';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { BoxCanvas } from './canvas.tsx';
import type { DetectedImage, Look } from './detector-use.ts';
import type { Layer, MapRequest } from './feature-maps.ts';
import * as state from './state.ts';
import * as use from './use-state.ts';

/** Names of modules begin with these; others are in the last group. */
const GROUPS: readonly (readonly [prefix: string, title: string])[] = [
  ['image', 'Image'],
  ['backbone.body.', 'ResNet'],
  ['backbone.fpn.', 'Pyramid'],
  ['head.classificationHead.', 'Classification subnet'],
  ['head.regressionHead.', 'Box subnet'],
];
/** Detections that can be chosen; more would fill the list. */
const MOST = 50;

/** What the colours of a map mean. */
const SIGNS = {
  magnitude: 'The darker, the larger the values of all channels together (root mean square).',
  value: 'Blue is positive, orange negative, white 0.',
  strength: 'The darker, the more the score depends on the place.',
  slope: 'Where it is blue, larger values raise the score; where it is orange, they lower it.',
} as const;

const groupOf = ({ name }: Layer): number => GROUPS.findIndex(([prefix]) => name.startsWith(prefix));

function titleOf(layer: Layer): string {
  const [prefix] = GROUPS[groupOf(layer)]!;
  const short = prefix === 'image' ? 'as the network gets it' : layer.name.slice(prefix.length);
  return `${short}: ${layer.height} × ${layer.width} × ${layer.channels}`;
}

export function LookInside() {
  const images = use.images.value;
  const chosen = useSignal(0);
  const detection = useSignal(0);
  const look = useSignal<Look | null>(null);
  const image = images.find(({ id }) => id === chosen.value) ?? images[0]!;
  const shown = use.shownIn(image).slice(0, MOST);
  const target = shown.includes(detection.value) ? detection.value : (shown[0] ?? null);
  useEffect(() => void (look.value = null), [image]);
  const open = (): Promise<void> =>
    state.attempt(async () => {
      look.value = await state.studio.use.look(image.id, centreOf(image, target));
    });
  return (
    <details class="studio-look">
      <summary>Look inside: what each layer computes, and what a score depends on</summary>
      <p class="studio-actions">
        {images.length > 1 && (
          <label>
            Image{' '}
            <select value={image.id} onChange={(event) => (chosen.value = Number(event.currentTarget.value))}>
              {images.map(({ id, name }) => (
                <option value={id}>{name}</option>
              ))}
            </select>
          </label>
        )}
        {target !== null && (
          <label>
            Detection{' '}
            <select
              value={target}
              onChange={(event) => {
                detection.value = Number(event.currentTarget.value);
                // It may be in another tile.
                if (look.value !== null) void open();
              }}
            >
              {shown.map((i) => (
                <option value={i}>{nameOf(image, i)}</option>
              ))}
            </select>
          </label>
        )}
        <button disabled={use.work.value !== null} onClick={() => void open()}>
          Run the network
        </button>
      </p>
      {look.value !== null && <Maps image={image} detection={target} look={look.value} />}
    </details>
  );
}

const nameOf = (image: DetectedImage, i: number): string =>
  `${use.detector.value!.classes[image.labels[i]!]} ${image.scores[i]!.toFixed(2)} at ${centreOf(image, i)
    .map((value) => value.toFixed(0))
    .join(', ')}`;

/** The middle of a detection or, without one, of the image. */
function centreOf(image: DetectedImage, i: number | null): readonly [number, number] {
  if (i === null) return [image.width / 2, image.height / 2];
  const [x1, y1, x2, y2] = use.boxOf(image, i);
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

interface MapsProps {
  readonly image: DetectedImage;
  readonly detection: number | null;
  readonly look: Look;
}

function Maps({ image, detection, look: { window, picture, layers } }: MapsProps) {
  const name = useSignal('backbone.body.layer1');
  const channel = useSignal<MapRequest['channel']>('all');
  const isGradient = useSignal(false);
  const status = useSignal('');
  const canvas = useRef<HTMLCanvasElement>(null);
  const layer = layers.find((one) => one.name === name.value) ?? layers[0]!;
  const target = useMemo(
    () =>
      detection === null
        ? null
        : { box: inWindow(use.boxOf(image, detection), window), label: image.labels[detection]! },
    [image, detection, window],
  );
  useEffect(() => {
    const offscreen = canvas.current!.transferControlToOffscreen();
    void state.studio.use.maps.attach(transfer(offscreen, [offscreen]));
  }, []);
  useEffect(() => {
    const request = { layer: layer.name, channel: channel.value, target: isGradient.value ? target : null };
    status.value = 'Drawing…';
    void state.attempt(async () => {
      const anchors = await state.studio.use.maps.draw(request);
      status.value = isGradient.value
        ? `Gradient of the summed score of the ${anchors} anchors that find it. ${SIGNS[channel.value === 'all' ? 'strength' : 'slope']}`
        : SIGNS[channel.value === 'all' ? 'magnitude' : 'value'];
    });
  }, [layers, layer, channel.value, isGradient.value, target]);
  const boxes = useMemo(
    () => (target === null ? [] : [{ boxes: Float32Array.from(target.box), labels: Int32Array.of(target.label) }]),
    [target],
  );
  return (
    <>
      <p class="studio-actions">
        <label>
          Layer{' '}
          <select
            value={layer.name}
            onChange={(event) => {
              name.value = event.currentTarget.value;
              if (typeof channel.value === 'number') channel.value = 'all';
            }}
          >
            {GROUPS.map(([, title], group) => (
              <optgroup label={title}>
                {layers
                  .filter((one) => groupOf(one) === group)
                  .map((one) => (
                    <option value={one.name}>{titleOf(one)}</option>
                  ))}
              </optgroup>
            ))}
          </select>
        </label>
        <label>
          Channel{' '}
          <select
            value={`${channel.value}`}
            onChange={({ currentTarget: { value } }) =>
              (channel.value = value === 'all' || value === 'each' ? value : Number(value))
            }
          >
            <option value="all">magnitude over all</option>
            <option value="each">each, side by side</option>
            {Array.from({ length: layer.channels }, (_, i) => (
              <option value={i}>{i}</option>
            ))}
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            disabled={target === null}
            checked={isGradient.value}
            onChange={(event) => (isGradient.value = event.currentTarget.checked)}
          />{' '}
          Gradient of the detection's score
        </label>
      </p>
      <div class="studio-maps">
        <BoxCanvas pixels={picture} layers={boxes} label="The part of the image that the network sees" />
        <canvas ref={canvas} role="img" aria-label={`Map of ${layer.name}`} />
      </div>
      <p role="status" class="studio-facts">
        {status.value}
      </p>
    </>
  );
}

/** A box in pixels of a window. */
const inWindow = (
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  { x, y }: Look['window'],
): [number, number, number, number] => [x1 - x, y1 - y, x2 - x, y2 - y];
