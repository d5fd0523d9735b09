// Starts the live figures of a page, each when it is scrolled into view. `data-figure` names its module in figures/. Until then, and
// where there is no WebGPU, the figure shows its picture and says what one would see.
import type { Mount } from './figure.ts';
import { whenSeen } from './when-seen.ts';

/** The module of a figure: esbuild makes a chunk of each file of the folder. */
const load = (name: string): Promise<{ readonly mount: Mount }> => import(`./figures/${name}.ts`);

const REMEDY =
  'This figure runs on your GPU, but this browser offers no WebGPU. Current Chrome, Edge, Safari and Firefox have it.';

async function start(figure: HTMLElement): Promise<void> {
  const stage = figure.querySelector<HTMLElement>('.stage')!;
  const note = document.createElement('p');
  note.className = 'note';
  try {
    if (!('gpu' in navigator)) throw new Error(REMEDY);
    const { mount } = await load(figure.dataset['figure']!);
    const picture = stage.innerHTML;
    stage.replaceChildren();
    await mount(stage).catch((error: unknown) => {
      stage.innerHTML = picture;
      throw error;
    });
    figure.dataset['state'] = 'live';
  } catch (error) {
    note.textContent = error instanceof Error ? error.message : String(error);
    stage.append(note);
    figure.dataset['state'] = 'failed';
  }
}

whenSeen('[data-figure]', start);
