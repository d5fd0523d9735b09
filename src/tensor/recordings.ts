import type { BufferPool } from './pool.ts';
import { openRecording, Recording, type RecordingHost } from './recording.ts';

/** The recording that notes a device's commands. One of another device ends: it could not repeat them. */
export function openRecordingOf(device: unknown): Recording | null {
  const recording = openRecording();
  if (recording === null || recording.device === device) return recording;
  recording.abandon('it uses two devices');
  return null;
}

/** The recordings of a device, and their memory. */
export class Recordings {
  readonly #pool: BufferPool;
  readonly #host: RecordingHost;
  /** Those that can run again. */
  readonly #closed = new Set<Recording>();

  constructor(
    gpu: GPUDevice,
    pool: BufferPool,
    device: Pick<RecordingHost, 'createBuffer' | 'destroyBuffer' | 'send' | 'single'>,
  ) {
    this.#pool = pool;
    this.#host = {
      ...device,
      writeBuffer: (buffer, start, data) => gpu.queue.writeBuffer(buffer, start, data),
      send: (recording) => {
        device.send(recording);
        pool.notePeak(recording.arena);
      },
      place: () => pool.placeArena(),
      placeInTurns: ({ arena }, run) => pool.placeInTurns(arena, run),
      closed: (recording) => {
        pool.closeArena(recording.arena);
        this.#closed.add(recording);
      },
      disposed: (recording) => {
        pool.dissolve(recording.arena);
        this.#closed.delete(recording);
      },
    };
  }

  open(device: unknown): Recording {
    return Recording.open(device, this.#pool.openArena(), this.#host);
  }

  /** Ends all, because memory is short. */
  end(): void {
    for (const recording of this.#closed) recording.dispose();
  }
}
