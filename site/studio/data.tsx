// What to train on: the sample, or own images and labels.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { filesOf } from './dropped.ts';
import type { Findings } from './examination.ts';
import { FileButton } from './file-button.tsx';
import type { GivenFile } from './own-data.ts';
import { SYNTHETIC } from './share.ts';
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
          Or drop your own images here, with their labels: COCO, CSV, Pascal VOC, YOLO, DOTA, CVAT, LabelMe, VGG Image
          Annotator, Label Studio. Without labels, <a href="./label/">draw boxes first</a> and export them.
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
    </section>
  );
}

/** Own data, and what the doctor says about it. */
function Own() {
  const data = state.data.value;
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
        <strong>{data.name}</strong>: {formatCount(data.images)} images with {formatCount(data.boxes)} boxes of{' '}
        {data.classes.join(', ')}. They are kept in this browser only.
      </p>
      {data.notes.map((note) => (
        <p class="studio-note">{note}</p>
      ))}
      <Examined />
    </>
  );
}

function Examined() {
  const found = useSignal<Findings | null>(null);
  const plan = state.plan.value;
  const isReady = state.gpu.value !== null && !state.isBusy.value;
  useEffect(() => {
    if (isReady) void state.attempt(async () => void (found.value = await state.studio.findings(plan)));
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
