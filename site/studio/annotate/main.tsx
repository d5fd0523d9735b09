// The page /studio/label/: the annotator alone, for one's own images or for synthetic tiles.
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { Annotator, type AnnotatorImage } from './annotator.tsx';
import { classesOf, type LabelClass } from './classes.ts';
import { ChooseFiles } from './choose-files.tsx';
import { isLabelFile } from './files.tsx';
import { sampleTiles } from './sample.ts';
import { keyOf, Storage, type Session } from './storage.ts';

const FIRST_CLASSES = { own: ['object'], sample: ['building', 'car'] };

const storage = new Storage();
const images = signal<readonly AnnotatorImage[]>([]);
const classes = signal<readonly LabelClass[]>(classesOf(FIRST_CLASSES.own));
const labelFiles = signal<readonly File[]>([]);
const suggestions = signal<Session['suggestions']>(null);
const problem = signal('');
const isReady = signal(false);
/** The key of each image in storage, by its id. */
const keys = new Map<string, string>();

/** Does something with the storage. What it cannot keep is said once, and work goes on. */
async function keep(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problem.value = `This browser does not keep the work (${reason}): export the labels before you leave.`;
  }
}

function attempt(action: Promise<unknown>): void {
  action.catch((error: unknown) => (problem.value = error instanceof Error ? error.message : String(error)));
}

interface NewImage {
  readonly name: string;
  readonly blob: Blob;
  readonly boxes?: AnnotatorImage['boxes'];
}

/** Adds images, with the boxes that they had when they were open before. */
async function addImages(files: readonly NewImage[], isStored = false): Promise<void> {
  const added: AnnotatorImage[] = [];
  const damaged: string[] = [];
  for (const { name, blob, boxes = [] } of files) {
    const key = await keyOf({ name, blob });
    if ([...keys.values()].includes(key)) continue;
    const bitmap = await createImageBitmap(blob).catch(() => null);
    if (bitmap === null) {
      damaged.push(name);
      continue;
    }
    // Another image may have the same name.
    let id = name;
    for (let n = 2; keys.has(id); n++) id = name.replace(/(\.[^.]*)?$/, ` (${n})$1`);
    keys.set(id, key);
    const stored = await storage.labels(key).catch(() => undefined);
    const { width, height } = bitmap;
    bitmap.close();
    added.push({ id, width, height, open: () => createImageBitmap(blob), ...(stored ?? { boxes }) });
    if (!isStored) await keep(storage.setImage(key, { name, blob }));
    if (stored === undefined && boxes.length > 0) await keep(storage.setLabels(key, { boxes, empty: false }));
  }
  if (damaged.length > 0) {
    problem.value = `${damaged.join(', ')}: not an image that this browser decodes. Expected PNG, JPEG, WebP or AVIF.`;
  }
  images.value = [...images.value, ...added];
  await keep(storage.setSession({ suggestions: suggestions.value, keys: [...keys.values()] }));
}

async function openFiles(list: Iterable<File>): Promise<void> {
  problem.value = '';
  const files = [...list];
  const labels = files.filter(isLabelFile);
  await addImages(
    files
      .filter((file) => !isLabelFile(file))
      .map((file) => ({ name: file.webkitRelativePath || file.name, blob: file })),
  );
  if (labels.length > 0 && images.value.length === 0)
    problem.value = 'Add the images first, or together with their labels.';
  else labelFiles.value = labels;
}

async function openSample(): Promise<void> {
  const tiles = await sampleTiles();
  suggestions.value = new Map(tiles.map((tile) => [tile.name, tile.suggestions]));
  classes.value = classesOf(FIRST_CLASSES.sample);
  await addImages(tiles);
}

async function startOver(): Promise<void> {
  if (!confirm('Remove all images and boxes from this browser?')) return;
  await keep(storage.clear());
  location.reload();
}

async function restore(): Promise<void> {
  const stored = await storage.classes();
  const session = await storage.session();
  if (stored !== undefined) classes.value = stored;
  if (session === undefined || session.keys.length === 0) return;
  suggestions.value = session.suggestions;
  const files = await Promise.all(session.keys.map((key) => storage.image(key)));
  await addImages(
    files.filter((file) => file !== undefined),
    true,
  );
}

function Page() {
  if (!isReady.value) return <p class="muted">Loading…</p>;
  return (
    <div
      class="label-page"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        attempt(openFiles(event.dataTransfer?.files ?? []));
      }}
    >
      {problem.value !== '' && (
        <p role="alert" class="note bad">
          {problem.value}
        </p>
      )}
      {images.value.length === 0 ? <Start /> : <Work />}
    </div>
  );
}

function Start() {
  return (
    <div class="drop">
      <p>Drop images here, with or without a label file.</p>
      <p class="row">
        <ChooseFiles name="Choose images…" primary onFiles={(files) => attempt(openFiles(files))} />
        <button type="button" onClick={() => attempt(openSample())}>
          Start with 6 synthetic tiles
        </button>
      </p>
      <p class="muted small">Nothing is uploaded. Images and boxes are kept in this browser until you remove them.</p>
    </div>
  );
}

function Work() {
  const known = suggestions.value;
  return (
    <>
      <Annotator
        images={images.value}
        classes={classes}
        labelFiles={labelFiles}
        suggest={
          known === null
            ? undefined
            : async (id) => ({ objects: known.get(id) ?? [], by: 'a list of the known buildings' })
        }
        onChange={(id, boxes, empty) => void keep(storage.setLabels(keys.get(id)!, { boxes, empty }))}
      />
      <p class="row page-tools">
        <ChooseFiles name="Add images…" onFiles={(files) => attempt(openFiles(files))} />
        <button type="button" onClick={() => void startOver()}>
          Remove everything
        </button>
        <span class="muted small">
          {known === null
            ? 'Kept in this browser; nothing is uploaded.'
            : 'Synthetic tiles. Suggestions are their known buildings, shifted a little: no model runs here.'}
        </span>
      </p>
    </>
  );
}

render(<Page />, document.getElementById('label')!);
await keep(restore());
isReady.value = true;
effect(() => {
  void keep(storage.setClasses(classes.value));
});
