// Detection in the live picture of a camera. Frames go to the worker, one at a time, and nowhere else.
import { useSignal } from '@preact/signals';
import { transfer } from 'comlink';
import { useEffect, useRef } from 'preact/hooks';
import { BoxCanvas } from './canvas.tsx';
import type { Pixels } from './pictures.ts';
import type { Found } from './session.ts';
import * as state from './state.ts';
import { threshold } from './use-state.ts';

/** Longer side of a frame in pixels. */
const SIDE = 640;

/** What to do when a camera cannot be used, by the name of the browser's error. */
const REMEDIES: Readonly<Record<string, string>> = {
  NotAllowedError:
    'The camera was refused. Allow it for this page in the address bar of the browser, and press the button again.',
  NotFoundError: 'No camera was found. Connect one, or use images.',
  NotReadableError:
    'The camera cannot be read, usually because another program uses it. Close that, and press the button again.',
};

interface Frame {
  readonly pixels: Pixels;
  readonly found: Found;
  readonly seconds: number;
}

async function openCamera(): Promise<MediaStream> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new Error('Cameras are for pages that are opened by https or from localhost only.');
  try {
    return await devices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: SIDE } } });
  } catch (error) {
    const { name, message } = error as DOMException;
    throw new Error(REMEDIES[name] ?? `The camera cannot be used: ${message}`, { cause: error });
  }
}

export function Camera() {
  const stream = useSignal<MediaStream | null>(null);
  const stop = (): void => {
    stream.value?.getTracks().forEach((track) => track.stop());
    stream.value = null;
  };
  useEffect(() => stop, []);
  return (
    <>
      <p class="studio-actions">
        {stream.value === null ? (
          <button onClick={() => void state.attempt(async () => void (stream.value = await openCamera()))}>
            Use the camera
          </button>
        ) : (
          <button onClick={stop}>Stop the camera</button>
        )}
      </p>
      {stream.value !== null && <Live stream={stream.value} onEnd={stop} />}
    </>
  );
}

function Live({ stream, onEnd }: { readonly stream: MediaStream; readonly onEnd: () => void }) {
  const frame = useSignal<Frame | null>(null);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    let isOver = false;
    const run = async (): Promise<void> => {
      video.current!.srcObject = stream;
      await video.current!.play();
      while (!isOver) frame.value = await detectFrame(video.current!);
    };
    // A camera that is unplugged ends its track.
    stream.getTracks().forEach((track) => track.addEventListener('ended', onEnd));
    void state.attempt(run).then(onEnd);
    return () => void (isOver = true);
  }, [stream]);
  const shown = frame.value;
  const count = shown === null ? 0 : shown.found.scores.filter((score) => score >= Math.fround(threshold.value)).length;
  return (
    <figure class="studio-camera">
      <video ref={video} muted playsInline hidden />
      {shown !== null && (
        <BoxCanvas
          pixels={shown.pixels}
          layers={[{ ...shown.found, threshold: threshold.value }]}
          label={`The camera: ${count} detections`}
        />
      )}
      <figcaption data-frame={shown?.seconds}>
        {shown === null ? 'Waiting for the camera…' : `${count} detections, ${shown.seconds.toFixed(2)} s a frame`}
      </figcaption>
    </figure>
  );
}

async function detectFrame(video: HTMLVideoElement): Promise<Frame> {
  const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(video, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const bitmap = canvas.transferToImageBitmap();
  const start = performance.now();
  const found = await state.studio.use.frame(transfer(bitmap, [bitmap]));
  const pixels = { width, height, data: data as Uint8ClampedArray<ArrayBuffer> };
  return { pixels, found, seconds: (performance.now() - start) / 1000 };
}
