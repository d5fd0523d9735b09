// The detection explainer: one image through the detector of the site, every intermediate visible. The page (pages/book/explainer.md)
// has an element `data-step` for each step; this program fills them.
import { anchorsPerCell, decodeBox, type Tensor } from 'retinagrad';
import { boxIou } from 'retinagrad/evaluation';
import { buildings } from './detection/buildings.ts';
import { outline, cornersAt } from './detection/scene.ts';
import { makeTile, tileOfFile, type Tile } from './detection/tiles.ts';
import {
  analyse,
  boxesOf,
  influence,
  judged,
  placeOf,
  scaledAnchors,
  type Found,
  type Judged,
} from './explainer/network.ts';
import { anchorScene, boxScene, influenceMap, mapsOf, matchScene, scoreMaps } from './explainer/views.ts';
import { controls, element, note, row, slider, table } from './ui.ts';

const step = (name: string): HTMLElement => document.querySelector<HTMLElement>(`[data-step="${name}"]`)!;
const fixed = (digits: number) => (value: number) => value.toFixed(digits);
const REMEDY =
  'The explainer runs on your GPU, but this browser offers no WebGPU. Current Chrome, Edge, Safari and Firefox have it.';

async function start(): Promise<void> {
  if (!('gpu' in navigator)) throw new Error(REMEDY);
  const detector = await buildings();
  const { model, spec } = detector;
  // Only the image gets gradients here.
  for (const parameter of model.parameters()) parameter.requiresGrad = false;
  const perCell = anchorsPerCell(spec.anchors);

  const number = slider('Synthetic tile', 0, 49, 1);
  const file = fileControl('Or an image of yours');
  const channel = slider('Channel of the maps', 0, spec.pyramid.channels, 0, 1, (value) =>
    value === 0 ? 'all' : String(value),
  );
  const least = slider('Score threshold', 0.02, 0.98, Number(detector.scoreThreshold.toFixed(2)), 0.01, fixed(2));
  const limit = slider('IoU of suppression', 0, 1, spec.postprocess.nmsThreshold, 0.01, fixed(2));
  const factor = slider('Anchor sizes', -1, 1, 0, 0.1, (value) => `× ${(2 ** value).toFixed(2)}`);
  const gamma = slider('Focal γ', 0, 5, spec.loss.gamma, 0.25, fixed(2));
  const alpha = slider('Focal α', 0.05, 0.95, spec.loss.alpha, 0.05, fixed(2));

  let tile = makeTile(number.value);
  let source: number | File = number.value;
  let analysis = await analyse(detector, tile);
  /** Loads another image where one was chosen. */
  const load = async (): Promise<void> => {
    const chosen = file.value ?? number.value;
    if (chosen === source) return;
    source = chosen;
    tile = typeof chosen === 'number' ? makeTile(chosen) : await tileOfFile(chosen);
    analysis.dispose();
    analysis = await analyse(detector, tile);
  };
  number.element.addEventListener('input', () => (file.value = null), { capture: true });

  const inspector = step('inspector');
  const channelOf = (): number | 'all' => (channel.value === 0 ? 'all' : channel.value - 1);
  const draw = async (): Promise<readonly (Node | string)[]> => {
    await load();
    const anchors = scaledAnchors(spec, analysis, 2 ** factor.value);
    const [{ found, candidates }, truth] = await Promise.all([
      boxesOf(spec, analysis, { anchors, scoreThreshold: least.value, nmsThreshold: limit.value }),
      judged(spec, analysis, tile, { anchors, alpha: alpha.value, gamma: gamma.value }),
    ]);
    step('transform').replaceChildren(transformView(analysis.images));
    step('features').replaceChildren(mapsOf(['C3', 'C4', 'C5'], analysis.features, channelOf()));
    step('pyramid').replaceChildren(mapsOf(['P3', 'P4', 'P5', 'P6', 'P7'], analysis.pyramid, channelOf()));
    step('scores').replaceChildren(scoreMaps(analysis, perCell));
    step('anchors').replaceChildren(anchorScene(tile, anchors, analysis.levels, perCell));
    step('matching').replaceChildren(matchView(tile, anchors, truth, perCell));
    const scene = boxScene(tile, found, (one, group) => {
      scene
        .querySelectorAll('.chosen, .box.anchor')
        .forEach((other) => (other.classList.contains('anchor') ? other.remove() : other.classList.remove('chosen')));
      group.classList.add('chosen');
      scene.append(outline(cornersAt(anchors, one.anchor), 'anchor'));
      inspector.replaceChildren(...inspection(one, anchors, truth));
    });
    inspector.replaceChildren(note('Point at a box, or move the focus to it with Tab, to see where it comes from.'));
    return [
      scene,
      element(
        'p',
        { class: 'count' },
        element('output', { id: 'found' }, String(found.length)),
        ` boxes of ${candidates} candidates above the threshold; ${tile.labels.length} buildings (dashed).`,
      ),
    ];
  };

  /** Where a box comes from: its anchor, what the heads said, and the pixels that mattered. */
  function inspection(one: Found, anchors: Float32Array, truth: Judged): HTMLElement[] {
    const { anchor, score, box } = one;
    const { level, row: line, column, shape } = placeOf(anchor, analysis.levels, perCell);
    const deltas = Array.from({ length: 4 }, (_, k) => analysis.host.deltas[4 * anchor + k]!);
    const coded = decodeBox(Float32Array.from(deltas), 0, anchors, anchor, spec.boxCoder);
    const corners = (values: readonly number[]): string => `[${values.map((value) => value.toFixed(1)).join(', ')}]`;
    const overlaps = Array.from(tile.labels, (_, i) => boxIou(Float32Array.from(box), 0, tile.boxes, i));
    const match = truth.matches[anchor]!;
    const gradient = influence(detector, analysis, anchor);
    const map = influenceMap(gradient);
    gradient.dispose();
    return [
      table(
        ['this box', ''],
        [
          ['anchor', `${anchor} of ${anchors.length / 4}`],
          ['made at', `P${level + 3}, row ${line}, column ${column}, shape ${shape}`],
          ['anchor box', corners(cornersAt(anchors, anchor))],
          ['logit', analysis.host.logits[anchor]!.toFixed(3)],
          ['score', `1 / (1 + e^−logit) = ${score.toFixed(3)}`],
          ['offsets dx, dy, dw, dh', deltas.map((value) => value.toFixed(3)).join(', ')],
          ['decoded', corners(coded)],
          ['best IoU with a building', overlaps.length === 0 ? '–' : Math.max(...overlaps).toFixed(3)],
          ['in training', match >= 0 ? `foreground, of building ${match}` : match === -2 ? 'ignored' : 'background'],
        ],
      ),
      map,
    ];
  }

  await controls(step('boxes'), [number, file, channel, least, limit, factor, gamma, alpha], draw);
  document.documentElement.dataset['explainer'] = 'live';
}

/** The normalised image as the network sees it, one channel after another. */
function transformView(images: Tensor): HTMLElement {
  return row(...['red', 'green', 'blue'].map((name, c) => channelView(images, name, c)));
}

function channelView(images: Tensor, name: string, c: number): HTMLElement {
  return mapsOf([`${name}, normalised`], [images], c).firstElementChild as HTMLElement;
}

function matchView(tile: Tile, anchors: Float32Array, truth: Judged, perCell: number): HTMLElement {
  const background = anchors.length / 4 - truth.foreground - truth.ignored;
  return row(
    matchScene(tile, anchors, truth, perCell),
    table(
      ['', ''],
      [
        ['foreground anchors', String(truth.foreground)],
        ['ignored', String(truth.ignored)],
        ['background', background.toLocaleString('en')],
        ['focal loss', truth.classification.toPrecision(4)],
        ['box loss (L1)', truth.boxRegression.toPrecision(4)],
      ],
    ),
  );
}

/** Chooses a file; `value` is null for none. */
function fileControl(label: string): { readonly element: HTMLElement; onChange: () => void; value: File | null } {
  const input = element('input', { id: 'own-image', type: 'file', accept: 'image/*' });
  const control = {
    element: element('div', { class: 'control' }, element('label', { for: 'own-image' }, label), input),
    get value(): File | null {
      return input.files?.[0] ?? null;
    },
    set value(_none: File | null) {
      input.value = '';
    },
    onChange: () => {},
  };
  input.addEventListener('change', () => control.onChange());
  return control;
}

start().catch((error: unknown) => {
  step('boxes').append(note(error instanceof Error ? error.message : String(error)));
});
