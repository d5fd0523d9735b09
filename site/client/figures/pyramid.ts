// The maps of the backbone and of the pyramid for a synthetic tile, with and without the way down.
import { add, noGrad, tidy, transformImages, upsampleNearest, type RetinaNet, type Tensor } from 'retinagrad';
import { buildings } from '../detection/buildings.ts';
import { channelOf } from '../detection/draw-map.ts';
import { maps, mapView } from '../detection/maps.ts';
import { scene } from '../detection/scene.ts';
import { makeTile } from '../detection/tiles.ts';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, element, slider, toggle } from '../ui.ts';

/** All maps by name, [1, H, W, C]: what `FeaturePyramid.forward` does, with every sum visible. */
function mapsOf(model: RetinaNet, images: Tensor, isTopDown: boolean): Record<string, Tensor> {
  const { body, fpn } = model.backbone;
  const [c3, c4, c5] = body.forward(images);
  const [lateral3, lateral4, lateral5] = fpn.innerBlocks.map((block, i) => block.forward([c3, c4, c5][i]!));
  const down = (fine: Tensor, coarse: Tensor): Tensor =>
    isTopDown ? add(fine, upsampleNearest(coarse, [fine.shape[1]!, fine.shape[2]!])) : fine;
  const m5 = lateral5!;
  const m4 = down(lateral4!, m5);
  const m3 = down(lateral3!, m4);
  const [p3, p4, p5] = fpn.layerBlocks.map((block, i) => block.forward([m3, m4, m5][i]!));
  return { C3: c3, C4: c4, C5: c5, M3: m3, M4: m4, M5: m5, P3: p3!, P4: p4!, P5: p5! };
}

export const mount: Mount = async (stage) => {
  const { model, spec } = await buildings();
  const gpu = await device();
  const number = slider('Tile', 0, 19, 1);
  const channel = slider('Channel', 0, spec.pyramid.channels, 0, 1, (value) => (value === 0 ? 'all' : String(value)));
  const isTopDown = toggle('Way down from coarse to fine', true);
  await controls(stage, [number, channel, isTopDown], async () => {
    const tile = makeTile(number.value);
    const picture = element(
      'figure',
      { class: 'map' },
      scene('The tile', tile),
      element('figcaption', {}, 'tile · 128 × 128'),
    );
    const drawn: Promise<HTMLElement>[] = [];
    noGrad(() =>
      tidy(() => {
        const { images } = transformImages(gpu, [tile.image], spec.transform);
        const shown = channel.value === 0 ? ('all' as const) : channel.value - 1;
        for (const [name, map] of Object.entries(mapsOf(model, images, isTopDown.value)))
          drawn.push(mapView(name, channelOf(map, shown)));
      }),
    );
    const views = await Promise.all(drawn);
    return [maps(picture), ...[0, 3, 6].map((at) => maps(...views.slice(at, at + 3)))];
  });
};
