// The detection explainer: one image through the detector of the site, every intermediate visible. The page (pages/book/explainer.md)
// has an element `data-step` for each step; this program fills them.
import { anchorsPerCell, type Tensor } from 'retinagrad';
import type { Detector } from 'retinagrad/detector';
import { buildings } from './detection/buildings.ts';
import { maps as mapRow } from './detection/maps.ts';
import { cornersAt, outline } from './detection/scene.ts';
import { makeTile, tileOfFile, type Tile } from './detection/tiles.ts';
import { factsOf, influenceOf, type Shown } from './explainer/inspector.ts';
import { analyse, boxesOf, judged, scaledAnchors, type Analysis, type Found } from './explainer/network.ts';
import { anchorScene, boxScene, mapsOf, matchScene, scoreMaps } from './explainer/views.ts';
import { controls, element, note, row, slider, table, type Control } from './ui.ts';

const step = (name: string): HTMLElement => document.querySelector<HTMLElement>(`[data-step="${name}"]`)!;
const fixed = (digits: number) => (value: number) => value.toFixed(digits);
const REMEDY =
  'The explainer runs on your GPU, but this browser offers no WebGPU. Current Chrome, Edge, Safari and Firefox have it.';
const HINT = 'Point at a box, or choose it by Tab and the arrow keys, to see where it comes from.';

/** What the reader changes. */
function settingsOf({ spec, scoreThreshold }: Detector) {
  return {
    number: slider('Synthetic tile', 0, 49, 0),
    file: fileControl('Or your image'),
    channel: slider('Channel of the maps', 0, spec.pyramid.channels, 0, 1, (value) =>
      value === 0 ? 'all' : `${value}`,
    ),
    least: slider('Score threshold', 0.02, 0.98, Number(scoreThreshold.toFixed(2)), 0.01, fixed(2)),
    limit: slider('IoU of suppression', 0, 1, spec.postprocess.nmsThreshold, 0.01, fixed(2)),
    factor: slider('Anchor sizes', -1, 1, 0, 0.1, (value) => `× ${(2 ** value).toFixed(2)}`),
    gamma: slider('Focal γ', 0, 5, spec.loss.gamma, 0.25, fixed(2)),
    alpha: slider('Focal α', 0.05, 0.95, spec.loss.alpha, 0.05, fixed(2)),
  };
}

type Settings = ReturnType<typeof settingsOf>;

async function start(): Promise<void> {
  if (!('gpu' in navigator)) throw new Error(REMEDY);
  const detector = await buildings();
  // Only the image gets gradients here.
  for (const parameter of detector.model.parameters()) parameter.requiresGrad = false;
  const settings = settingsOf(detector);
  const current = imageOf(detector, settings);
  const inspect = inspectorOf(detector);
  const drawMaps = mapDrawer(detector);
  await controls(step('boxes'), Object.values(settings), async () => {
    const { tile, analysis } = await current();
    const shown = await compute(detector, settings, tile, analysis);
    await drawMaps(analysis, settings.channel.value);
    const { anchors, perCell } = shown;
    step('anchors').replaceChildren(anchorScene(tile, anchors, analysis.levels, perCell));
    step('matching').replaceChildren(matchView(shown));
    return inspect(shown);
  });
  document.documentElement.dataset['explainer'] = 'live';
}

/** The image that is chosen, analysed anew when another one is. */
function imageOf(
  detector: Detector,
  { number, file }: Settings,
): () => Promise<{ readonly tile: Tile; readonly analysis: Analysis }> {
  let source: number | File | null = null;
  let last: { readonly tile: Tile; readonly analysis: Analysis } | null = null;
  // The last of the two that was touched counts.
  number.element.addEventListener('input', () => (file.value = null), { capture: true });
  return async () => {
    const chosen = file.value ?? number.value;
    if (last !== null && chosen === source) return last;
    const tile = typeof chosen === 'number' ? makeTile(chosen) : await tileOfFile(chosen);
    last?.analysis.dispose();
    last = { tile, analysis: await analyse(detector, tile) };
    source = chosen;
    return last;
  };
}

/** Boxes and losses of an image. */
async function compute(detector: Detector, settings: Settings, tile: Tile, analysis: Analysis): Promise<Shown> {
  const { spec } = detector;
  const { least, limit, factor, gamma, alpha } = settings;
  const anchors = scaledAnchors(spec, analysis, 2 ** factor.value);
  const [boxes, truth] = await Promise.all([
    boxesOf(spec, analysis, { anchors, scoreThreshold: least.value, nmsThreshold: limit.value }),
    judged(spec, analysis, tile, { anchors, alpha: alpha.value, gamma: gamma.value }),
  ]);
  return { tile, analysis, anchors, perCell: anchorsPerCell(spec.anchors), ...boxes, truth };
}

/** Draws the maps, which only depend on the image and the channel. */
function mapDrawer({ spec }: Detector): (analysis: Analysis, channel: number) => Promise<void> {
  let drawn: { readonly analysis: Analysis; readonly channel: number } | null = null;
  const colours = ({ images }: { readonly images: Tensor }): Promise<HTMLElement>[] =>
    ['red', 'green', 'blue'].map((name, c) => mapsOf([name], [images], c));
  return async (analysis, channel) => {
    if (drawn?.analysis === analysis && drawn.channel === channel) return;
    drawn = { analysis, channel };
    const shown = channel === 0 ? ('all' as const) : channel - 1;
    const [features, pyramid, scores, ...bands] = await Promise.all([
      mapsOf(['C3', 'C4', 'C5'], analysis.features, shown),
      mapsOf(['P3', 'P4', 'P5', 'P6', 'P7'], analysis.pyramid, shown),
      scoreMaps(analysis, anchorsPerCell(spec.anchors)),
      ...colours(analysis),
    ]);
    step('transform').replaceChildren(mapRow(...bands.flatMap(({ children }) => [...children])));
    step('features').replaceChildren(features);
    step('pyramid').replaceChildren(pyramid);
    step('scores').replaceChildren(scores);
  };
}

/** Shows the boxes, and beside them where the chosen one comes from; the choice outlives changes of the settings. */
function inspectorOf(detector: Detector): (shown: Shown) => readonly Node[] {
  const stage = step('inspector');
  let chosen: { readonly analysis: Analysis; readonly anchor: number } | null = null;
  return (shown) => {
    const { tile, analysis, anchors, found, candidates } = shown;
    const maps = new Map<number, Promise<HTMLElement>>();
    const scene = boxScene(tile, found, (one, group) => void choose(one, group));
    const choose = async (one: Found, group: Element): Promise<void> => {
      const own = { analysis, anchor: one.anchor };
      chosen = own;
      for (const other of scene.querySelectorAll('.chosen')) other.classList.remove('chosen');
      for (const other of scene.querySelectorAll('.box.anchor')) other.remove();
      group.classList.add('chosen');
      scene.append(outline(cornersAt(anchors, one.anchor), 'anchor'));
      const map = maps.get(one.anchor) ?? influenceOf(detector, shown, one);
      maps.set(one.anchor, map);
      const made = await map;
      if (chosen === own) stage.replaceChildren(factsOf(detector, shown, one), made);
    };
    const kept = found.findIndex(({ anchor }) => chosen?.analysis === analysis && chosen.anchor === anchor);
    if (kept < 0) stage.replaceChildren(note(HINT));
    else void choose(found[kept]!, scene.querySelectorAll('.detection')[kept]!);
    const count = element('output', { id: 'found' }, String(found.length));
    const rest = ` boxes of ${candidates} candidates above the threshold; ${tile.labels.length} buildings (dashed).`;
    return [scene, element('p', { class: 'count' }, count, rest)];
  };
}

function matchView({ tile, anchors, truth, perCell }: Shown): HTMLElement {
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
function fileControl(label: string): Control<File | null> {
  const input = element('input', { id: 'own-image', type: 'file', accept: 'image/*' });
  const control: Control<File | null> = {
    element: element('div', { class: 'control' }, element('label', { for: 'own-image' }, label), input),
    get value() {
      return input.files?.[0] ?? null;
    },
    set value(_none) {
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
