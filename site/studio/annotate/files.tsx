// Label files in and out of the page: one file as it is, several as a zip.
import { useSignal } from '@preact/signals';
import { strToU8, unzipSync, zipSync } from 'fflate';
import type { WritableFormat } from 'retinagrad/data';
import { exportFormats, formatNames, tableOfImages, writeLabelFiles, type Places } from './exchange.ts';
import type { TextFile } from '../text-files.ts';
import { isAnnotated, type ImageLabels } from './model.ts';
import { plural } from './announce.ts';
import { ChooseFiles } from './choose-files.tsx';

const LABEL_FILE = /\.(?:json|geojson|csv|xml|txt|ya?ml|names|zip)$/i;

/** Whether a file may hold labels, by its name. */
export const isLabelFile = ({ name }: File): boolean => LABEL_FILE.test(name);

/** The texts of label files; those in a zip one by one. */
export async function textsOfFiles(files: readonly File[]): Promise<TextFile[]> {
  const texts: TextFile[] = [];
  for (const file of files) {
    if (!/\.zip$/i.test(file.name)) {
      texts.push({ path: file.webkitRelativePath || file.name, text: await file.text() });
      continue;
    }
    const entries = unzipSync(new Uint8Array(await file.arrayBuffer()), {
      filter: ({ name }) => LABEL_FILE.test(name),
    });
    for (const [path, bytes] of Object.entries(entries)) texts.push({ path, text: new TextDecoder().decode(bytes) });
  }
  return texts;
}

function download(name: string, parts: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([parts], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Browsers begin the download in their own time.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function downloadFiles(files: readonly TextFile[], format: WritableFormat): void {
  const [first] = files;
  if (files.length === 1 && first !== undefined) {
    download(first.path, first.text, first.path.endsWith('.json') ? 'application/json' : 'text/csv');
    return;
  }
  const zip = zipSync(Object.fromEntries(files.map(({ path, text }) => [path, strToU8(text)])));
  download(`labels-${format}.zip`, zip as Uint8Array<ArrayBuffer>, 'application/zip');
}

interface FilesProps {
  readonly images: readonly ImageLabels[];
  readonly places: Places;
  readonly classes: readonly string[];
  readonly open: (files: readonly File[]) => Promise<void>;
  readonly say: (text: string) => void;
}

export function Files({ images, places, classes, open, say }: FilesProps) {
  const format = useSignal<WritableFormat>('coco');
  const annotated = images.filter(isAnnotated).length;
  const save = (): void => {
    try {
      const { files, notes } = writeLabelFiles(tableOfImages(images, classes), format.value, places);
      downloadFiles(files, format.value);
      say([`${plural(annotated, 'image')} written.`, ...notes].join(' '));
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div class="files">
      <label>
        Format
        <select value={format.value} onChange={(event) => (format.value = event.currentTarget.value as WritableFormat)}>
          {exportFormats(places).map((name) => (
            <option key={name} value={name}>
              {formatNames[name]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="primary" disabled={annotated === 0} onClick={save}>
        Export {plural(annotated, 'image')}
      </button>
      <ChooseFiles name="Import labels…" onFiles={(files) => void open(files)} />
      <p class="muted small">
        All formats in text are read (except Open Images; GeoJSON for GeoTIFF images); detections with scores become
        suggestions. Images that are neither boxed nor marked as empty are left out of exports.
      </p>
    </div>
  );
}
