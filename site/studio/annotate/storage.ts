// What a reload must not lose: images and boxes, in IndexedDB. Boxes are found again by the name and the contents of their file, so
// that they are there too when the same file is opened later.
import { clear, createStore, get, set, type UseStore } from 'idb-keyval';
import type { LabelledObject } from 'retinagrad/data';
import { sha256 } from '../sha256.ts';
import type { LabelClass } from './classes.ts';

interface StoredLabels {
  readonly boxes: readonly LabelledObject[];
  readonly empty: boolean;
}

interface StoredImage {
  readonly name: string;
  readonly blob: Blob;
}

/** What was open. */
export interface Session {
  /** Suggestions for the synthetic tiles, by image; null for images of one's own. */
  readonly suggestions: ReadonlyMap<string, readonly LabelledObject[]> | null;
  /** Keys of the images, in order. */
  readonly keys: readonly string[];
}

/** The key of a file: its name and a digest of its bytes. */
export async function keyOf({ name, blob }: StoredImage): Promise<string> {
  return `${name} ${(await sha256(await blob.arrayBuffer())).slice(0, 24)}`;
}

export class Storage {
  readonly #store: UseStore = createStore('retinagrad-label', 'entries');

  session(): Promise<Session | undefined> {
    return get<Session>('session', this.#store);
  }

  setSession(session: Session): Promise<void> {
    return set('session', session, this.#store);
  }

  classes(): Promise<readonly LabelClass[] | undefined> {
    return get<readonly LabelClass[]>('classes', this.#store);
  }

  setClasses(classes: readonly LabelClass[]): Promise<void> {
    return set('classes', classes, this.#store);
  }

  labels(key: string): Promise<StoredLabels | undefined> {
    return get<StoredLabels>(`labels ${key}`, this.#store);
  }

  setLabels(key: string, labels: StoredLabels): Promise<void> {
    return set(`labels ${key}`, labels, this.#store);
  }

  image(key: string): Promise<StoredImage | undefined> {
    return get<StoredImage>(`image ${key}`, this.#store);
  }

  setImage(key: string, image: StoredImage): Promise<void> {
    return set(`image ${key}`, image, this.#store);
  }

  clear(): Promise<void> {
    return clear(this.#store);
  }
}
