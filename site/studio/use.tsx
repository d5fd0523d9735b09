// The trained detector at work: other images, a threshold, tables, and files for other programs.
import { useMemo } from 'preact/hooks';
import { modelUrl } from '../client/detection/model-file.ts';
import { Camera } from './camera.tsx';
import { BoxCanvas, colourOf } from './canvas.tsx';
import type { DetectedImage } from './detector-use.ts';
import { FileButton } from './file-button.tsx';
import { LookInside } from './look-inside.tsx';
import { RasterView } from './raster-view.tsx';
import { scriptOf } from './script.ts';
import * as state from './state.ts';
import * as use from './use-state.ts';

export function Use() {
  const { detector, usedRun } = use;
  const isBusy = state.isBusy.value;
  const latest = state.runs.value.find(({ id, hasDetector }) => id === state.current.value && hasDetector);
  const isLatestOpen = latest !== undefined && usedRun.value?.id === latest.id;
  return (
    <section aria-labelledby="use-title">
      <h2 id="use-title">Use it</h2>
      <p class="studio-actions">
        {latest !== undefined && !isLatestOpen && (
          <button disabled={isBusy} onClick={() => void use.openRun(latest)}>
            Use the detector of {latest.name}
          </button>
        )}
        <FileButton
          label="Open a saved detector"
          accept=".safetensors"
          disabled={isBusy || state.gpu.value === null}
          onFiles={([file]) => void use.openFile(file!)}
        />
      </p>
      {detector.value === null || isBusy ? (
        <p>{isBusy ? 'The detector can be used when the training pauses.' : 'Train a detector, or open one.'}</p>
      ) : (
        <Open />
      )}
    </section>
  );
}

function Open() {
  const { name, classes } = use.detector.value!;
  const work = use.work.value;
  const hasImages = use.images.value.length > 0;
  return (
    <>
      <p>
        <strong>{name}</strong> finds {classes.join(', ')}.
      </p>
      <p class="studio-actions">
        <FileButton
          label="Detect in images"
          accept="image/*,.tif,.tiff"
          multiple
          disabled={work !== null}
          onFiles={(files) => void use.detect(files)}
        />
        {work !== null && <button onClick={use.cancel}>Cancel</button>}
        <span role="status">{work?.text}</span>
      </p>
      {work !== null && <progress aria-label="Tiles of the image" value={work.fraction} />}
      <p class="studio-facts">
        PNG, JPEG, WebP, AVIF and GeoTIFF of any size: large ones are detected on in overlapping tiles.
      </p>
      <Threshold />
      <Camera />
      {hasImages && <Results />}
      <Save />
    </>
  );
}

function Threshold() {
  const { threshold } = use;
  return (
    <p class="studio-threshold">
      <label for="threshold">Minimum score</label>{' '}
      <input
        id="threshold"
        type="range"
        min="0.05"
        max="0.99"
        step="0.01"
        value={threshold.value}
        onInput={(event) => (threshold.value = Number(event.currentTarget.value))}
      />{' '}
      <output for="threshold">{threshold.value.toFixed(2)}</output>
    </p>
  );
}

function Results() {
  const { images, hasPlace } = use;
  return (
    <>
      <div class="studio-results">
        {images.value.map((image) => (
          <Result key={image.id} image={image} />
        ))}
      </div>
      <p class="studio-actions">
        Detections as <button onClick={() => void use.saveTable('detections.json', 'coco')}>COCO</button>
        <button onClick={() => void use.saveTable('detections.csv', 'csv')}>CSV</button>
        {hasPlace.value && (
          <button onClick={() => void use.saveTable('detections.geojson', 'geojson')}>GeoJSON (WGS84)</button>
        )}
      </p>
      <LookInside />
    </>
  );
}

/** Longer side of the images that are shown beside others; larger ones have the whole width, to zoom. */
const SMALL = 640;

/** Rows of the table of an image; a file has all. */
const ROWS = 50;

function Result({ image }: { readonly image: DetectedImage }) {
  const threshold = use.threshold.value;
  const layers = useMemo(() => [{ ...image, threshold }], [image, threshold]);
  const shown = use.shownIn(image);
  const isLarge = Math.max(image.width, image.height) > SMALL;
  const label = `${image.name}: ${shown.length} detections`;
  const { classes } = use.detector.value!;
  return (
    <article class={isLarge ? 'is-large' : ''}>
      <h3>{image.name}</h3>
      {isLarge ? (
        <RasterView image={image} label={label} />
      ) : (
        <BoxCanvas pixels={image.picture} layers={layers} label={label} />
      )}
      <p>
        {shown.length} detections in {image.width} × {image.height} pixels, {image.seconds.toFixed(1)} s
        {image.place !== null && `; on the map in ${image.place}`}
      </p>
      <details>
        <summary>Table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col">Score</th>
              <th scope="col">Box (x1, y1, x2, y2)</th>
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, ROWS).map((i) => (
              <tr>
                <td>
                  <span class="studio-swatch" style={{ background: colourOf(image.labels[i]!) }} />
                  {classes[image.labels[i]!]}
                </td>
                <td>{image.scores[i]!.toFixed(2)}</td>
                <td>{[...image.boxes.subarray(4 * i, 4 * i + 4)].map((n) => n.toFixed(0)).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length > ROWS && (
          <p>
            The highest {ROWS} of {shown.length}; the files have all.
          </p>
        )}
      </details>
    </article>
  );
}

/** The detector as files. */
function Save() {
  const run = use.usedRun.value;
  const stem = use.detector
    .value!.name.replace(/\.\w+$/, '')
    .replaceAll(/\W+/g, '-')
    .toLowerCase();
  const saving = (what: () => Promise<void>) => (): void => void state.attempt(what);
  const worker = state.studio;
  return (
    <div class="studio-save">
      <h3>Save</h3>
      <ul>
        <li>
          <button
            onClick={saving(async () =>
              use.save(`${stem}.safetensors`, new Blob([(await worker.use.safetensors()) as BlobPart])),
            )}
          >
            Weights (.safetensors)
          </button>{' '}
          for <code>retinagrad predict IMAGES --weights {stem}.safetensors</code>, <code>Detector.fromBytes</code> and
          this page
        </li>
        <li>
          <button
            onClick={saving(async () => use.save(`${stem}.onnx`, new Blob([(await worker.use.onnx()) as BlobPart])))}
          >
            ONNX
          </button>{' '}
          for ONNX Runtime and GIS tools
        </li>
        {run !== null && (
          <li>
            <button
              onClick={saving(async () => {
                const report = await worker.report(run.id);
                if (report === null) throw new Error('the run has no report yet: it is written when the training ends');
                use.save(`${stem}.html`, report);
              })}
            >
              Report (.html)
            </button>{' '}
            with curves and pictures, in one file
          </li>
        )}
        {run !== null && (
          <li>
            <button onClick={() => use.save(`${stem}.mjs`, new Blob([scriptOf(run, modelUrl.href)]))}>
              This run as a script
            </button>{' '}
            for Node
          </li>
        )}
      </ul>
    </div>
  );
}
