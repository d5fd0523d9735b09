// A button that copies the link to this experiment.
import { useSignal } from '@preact/signals';
import { hashOf } from './share.ts';
import { plan } from './state.ts';

export function ShareLink() {
  const note = useSignal('');
  const copy = async (): Promise<void> => {
    const url = new URL(hashOf(plan.value), location.href);
    history.replaceState(null, '', url);
    try {
      await navigator.clipboard.writeText(url.href);
      note.value = 'Link copied: it holds data, seed and settings.';
    } catch {
      note.value = 'The link is in the address bar.';
    }
  };
  return (
    <>
      <button onClick={() => void copy()}>Copy link</button> <span role="status">{note.value}</span>
    </>
  );
}
