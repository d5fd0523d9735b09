// Errors that people meet, in plain words, with what to do. Comlink carries the name and the message of an error from the worker.

/** What to do about errors, by their names. */
const REMEDIES: Readonly<Record<string, string>> = {
  NoAdapterError:
    'This browser offers no WebGPU, which training needs. Current Chrome, Edge, Safari and Firefox have it; on Linux, Chrome may ' +
    'need chrome://flags/#enable-unsafe-webgpu. The page must be opened by https or from localhost.',
  DeviceLostError:
    'The GPU was lost, usually because the driver reset it. What was trained is saved: press “Continue”. If it happens again, ' +
    'lower the batch size or close other programs that use the GPU.',
  GpuOutOfMemoryError:
    'The GPU has too little memory for this training. Choose a smaller network, a smaller batch size or smaller tiles.',
  QuotaExceededError:
    'The storage of this browser is full. Delete runs below, or free space on the disk, and press “Continue”: the run is kept as it was saved last.',
  StorageFullError:
    'The storage of this browser is full. Delete runs below, or free space on the disk, and press “Continue”: the run is kept as it was saved last.',
  NoModificationAllowedError: 'Another tab has this run open. Continue it there, or close that tab and try again.',
  StartError:
    'The weights to start from could not be loaded. Check the connection and press “Continue”, or choose “random weights” in the ' +
    'setting “Start from” and train again.',
  DivergedError: 'The training diverged: its numbers are no longer finite. Begin again with a lower learning rate.',
};

/** An error for people: what to do, if that is known, and what happened. */
export function explain(error: unknown): string {
  const { name, message } = error instanceof Error || error instanceof DOMException ? error : new Error(String(error));
  const remedy = REMEDIES[name];
  return remedy === undefined ? message : message === '' ? remedy : `${remedy} (${message})`;
}
