// Suggested boxes for the annotator: by the network of the training that runs, between two of its steps; otherwise by the detector
// that is open under “Use it”, or by that of the newest run.
import type { LabelledObject, RgbImage } from 'retinagrad/data';
import { Detector, detectImage } from 'retinagrad/detector';
import type { TrainOptions } from 'retinagrad/train';
import { ownData } from './data-store.ts';
import { openOwnImage } from './own-dataset.ts';
import { detectorOf, listRuns } from './store.ts';

/** Lower scores are not worth sending. */
const LEAST_SCORE = 0.05;

type Peek = Parameters<NonNullable<TrainOptions['onStep']>>[2];
type Found = Awaited<ReturnType<typeof detectImage>>;

/** Detections on an image of a data set. Labels are positions in the classes of the data set. */
export interface Suggested {
  readonly objects: readonly LabelledObject[];
  /** What found them, in words. */
  readonly by: string;
}

/** A network that detects, with the names of its classes. */
interface Look {
  readonly found: Found;
  readonly classes: readonly string[];
  readonly by: string;
}

/** Lets others look at the network of a training between two steps. */
export class Looks {
  readonly #waiting: { readonly image: RgbImage; readonly done: (look: Look | null) => void }[] = [];

  /** What the network finds after the next step; null if the training ends before. */
  ask(image: RgbImage): Promise<Look | null> {
    return new Promise((done) => this.#waiting.push({ image, done }));
  }

  /** Answers what was asked; called between two steps. */
  async answer(peek: Peek, { classes, tile, step }: { classes: readonly string[]; tile: number | null; step: number }) {
    for (const { image, done } of this.#waiting.splice(0)) {
      const options = { tile: tile ?? Math.max(...image.shape.slice(0, 2)), ...(tile === null ? { overlap: 0 } : {}) };
      const look = peek((network) => detectImage(network, image, options)).then(
        (found) => ({ found, classes, by: `the network in training, at step ${step}` }),
        // An error of the GPU ends the training too, which says why.
        () => null,
      );
      done(await look);
    }
  }

  /** The training has ended. */
  close(): void {
    for (const { done } of this.#waiting.splice(0)) done(null);
  }
}

export class Suggester {
  readonly #opened: () => Detector | null;
  /** The looks at the training that runs. */
  looks: Looks | null = null;
  #kept: { readonly key: string; readonly detector: Detector } | null = null;

  /** @param opened the detector that the page has open; null for none */
  constructor(opened: () => Detector | null) {
    this.#opened = opened;
  }

  /** Rejects with an Error that says what is missing. */
  async suggest(id: string, file: string, names: readonly string[]): Promise<Suggested> {
    const data = await ownData(id);
    const entry = data?.images.find((image) => image.file === file);
    if (!data || entry === undefined) throw new Error(`${file} is not in the storage of this browser any more`);
    const image = await openOwnImage(data, entry);
    const look = (await this.looks?.ask(image)) ?? (await this.#saved(image));
    const { found, classes, by } = look;
    const objects = [...found.scores.keys()]
      .filter((i) => found.scores[i]! >= LEAST_SCORE)
      .map((i): LabelledObject => {
        const [x1, y1, x2, y2] = [0, 1, 2, 3].map((k) => found.boxes[4 * i + k]!) as [number, number, number, number];
        return { label: names.indexOf(classes[found.labels[i]!]!), box: [x1, y1, x2, y2], score: found.scores[i]! };
      });
    const known = objects.filter(({ label }) => label >= 0);
    if (objects.length > 0 && known.length === 0)
      throw new Error(`${by} finds ${classes.join(', ')}, and no class here has such a name`);
    return { objects: known, by };
  }

  async #saved(image: RgbImage): Promise<Look> {
    const { detector, by } = await this.#detector();
    return { found: await detector.detect(image, { scoreThreshold: LEAST_SCORE }), classes: detector.classes, by };
  }

  async #detector(): Promise<{ readonly detector: Detector; readonly by: string }> {
    const opened = this.#opened();
    if (opened !== null) return { detector: opened, by: 'the detector that is open' };
    const run = (await listRuns()).find(({ hasDetector }) => hasDetector);
    const bytes = run === undefined ? null : await detectorOf(run.id);
    if (run === undefined || bytes === null) throw new Error('train a detector first, or open one');
    const key = `${run.id} ${run.steps}`;
    if (this.#kept?.key !== key) {
      this.close();
      this.#kept = { key, detector: Detector.fromBytes(bytes, run.name) };
    }
    return { detector: this.#kept!.detector, by: run.name };
  }

  /** Frees its memory. */
  close(): void {
    this.#kept?.detector.dispose();
    this.#kept = null;
  }
}
