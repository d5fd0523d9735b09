// What to train on: the sample, or own images and labels.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filesOf } from './dropped.ts';
import { explain } from './errors.ts';
import type { Findings } from './examination.ts';
import { FileButton } from './file-button.tsx';
import { desk, openLabels } from './labelling.ts';
import type { DataSummary } from './data-store.ts';
import type { GivenFile } from './own-data.ts';
import { SYNTHETIC, textOf } from './share.ts';
import * as state from './state.ts';
import { formatCount } from './text.ts';

export function Data() {
  const isOver = useSignal(false);
  const isDisabled = state.isBusy.value || state.importing.value !== '';
  const isSample = state.plan.value.data === SYNTHETIC;
  const given = (files: readonly File[]): GivenFile[] =>
    files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return (
    <section aria-labelledby="data-title">
      <h2 id="data-title">Data</h2>
      {isSample ? (
        <p>
          <strong>Synthetic buildings</strong>: aerial images that are drawn in this page, not photographs of a place.
          Nothing is downloaded.
        </p>
      ) : (
        <Own />
      )}
      <div
        class={`studio-drop${isOver.value ? ' is-over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => (isOver.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          isOver.value = false;
          if (!isDisabled) void filesOf(event.dataTransfer!).then(state.importFiles);
        }}
      >
        <p>
          Or drop your own images here (GeoTIFF, PNG, JPEG, WebP, AVIF), alone or with their labels: COCO, GeoJSON, CSV,
          Pascal VOC, YOLO, DOTA, CVAT, LabelMe, VGG Image Annotator, Label Studio. Without labels you draw boxes here;{' '}
          <a href="./label/">the annotator alone</a> exports them.
        </p>
        <p class="studio-actions">
          <FileButton
            label="Choose a folder"
            isFolder
            disabled={isDisabled}
            onFiles={(files) => void state.importFiles(given(files))}
          />
          <FileButton
            label="Choose files"
            multiple
            disabled={isDisabled}
            onFiles={(files) => void state.importFiles(given(files))}
          />
          {!isSample && (
            <button disabled={isDisabled} onClick={state.useSample}>
              Use the sample
            </button>
          )}
          <span role="status">{state.importing.value}</span>
        </p>
      </div>
      <Stored />
    </section>
  );
}

/** The data sets of this browser. */
function Stored() {
  const sets = state.dataSets.value;
  const isDisabled = state.isBusy.value;
  if (sets.length === 0) return null;
  const runsOf = (id: string): number => state.runs.value.filter(({ data }) => data === id).length;
  const remove = (set: DataSummary): void => {
    const runs = runsOf(set.id);
    const also = runs === 0 ? '' : ` ${runs} of your runs used it: they stay, but cannot be continued.`;
    if (confirm(`Delete ${set.name} with its boxes from this browser?${also}`)) void state.removeData(set);
  };
  return (
    <details class="studio-sets">
      <summary>Your data sets ({sets.length})</summary>
      <ul>
        {sets.map((set) => (
          <li key={set.id}>
            <strong>{set.name}</strong>: {contents(set)}, used by {formatCount(runsOf(set.id))} runs{' '}
            {set.id !== state.plan.value.data && (
              <button disabled={isDisabled} onClick={() => state.useData(set)}>
                Use
              </button>
            )}{' '}
            <button disabled={isDisabled} onClick={() => remove(set)}>
              Delete
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

const contents = ({ images, annotated, boxes }: DataSummary): string =>
  `${formatCount(images)} images, ${annotated === images ? 'all' : formatCount(annotated)} annotated, ${formatCount(boxes)} boxes`;

/** Own data, and what the doctor says about it. */
function Own() {
  const data = state.data.value;
  const tile = state.plan.value.settings['data.tile'];
  if (data === null) {
    return (
      <p>
        <strong>The images of this link are not in this browser.</strong> Choose the same files, and the experiment can
        begin.
      </p>
    );
  }
  return (
    <>
      <p>
        <strong>{data.name}</strong>: {contents(data)}; {data.classes.join(', ')}. They are kept in this browser only.
        {tile !== undefined && ` They are cut into tiles of ${textOf(tile)} pixels (the setting “Tiles”).`}
        {data.boxes === 0 && ' Draw boxes around the objects, and the training can begin.'}
      </p>
      <p class="studio-actions">
        <button class={data.boxes === 0 ? 'primary' : ''} onClick={() => void openLabels()}>
          Draw or correct boxes
        </button>
      </p>
      {data.notes.map((note) => (
        <p class="studio-note">{note}</p>
      ))}
      {data.boxes > 0 && desk.value === null && <Examined />}
    </>
  );
}

function Examined() {
  const found = useSignal<Findings | null>(null);
  const plan = state.plan.value;
  const isReady = state.gpu.value !== null && !state.isBusy.value;
  useEffect(() => {
    if (!isReady) return;
    state.studio.findings(plan).then(
      (findings) => (found.value = findings),
      // Beside what else is wrong: why a training ended stays on the screen.
      (error: unknown) => (state.problem.value ??= explain(error)),
    );
  }, [plan, isReady]);
  if (found.value === null) return <p role="status">Examining the data…</p>;
  const { findings } = found.value;
  return (
    <div role="status">
      {findings.length === 0 && <p>The doctor found nothing wrong: boxes, classes, sizes and the split look right.</p>}
      {findings.map(({ severity, message, remedy, examples }) => (
        <details class="studio-note" open={severity === 'error'}>
          <summary>
            <strong>{severity}</strong>: {message}
          </summary>
          <p>{remedy}</p>
          {examples.length > 0 && <p>{examples.join('; ')}</p>}
        </details>
      ))}
    </div>
  );
}
