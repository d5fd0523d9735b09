/** Factor between two ground resolutions from which objects look too large or too small to a detector. */
const TOLERANCE = 1.25;

/**
 * What a user is told if images have another ground resolution than those of training: objects then have another size in
 * pixels than the detector knows. Null if the two differ by at most 25 %, or one is not known.
 *
 * @param trained side of a pixel on the ground in metres, of the training images (`ImageDecoding.groundResolution`)
 * @param found that of the images to detect in
 */
export function resolutionNote(trained: number | null | undefined, found: number | null | undefined): string | null {
  if (trained == null || found == null) return null;
  const ratio = found / trained;
  if (ratio <= TOLERANCE && ratio >= 1 / TOLERANCE) return null;
  const metres = (value: number): string => `${Number(value.toPrecision(2))} m`;
  return (
    `a pixel of these images is ${metres(found)} on the ground, one of the training images ${metres(trained)}, so that objects ` +
    `have ${ratio > 1 ? `1/${ratio.toPrecision(2)}` : (1 / ratio).toPrecision(2)} of their size in pixels: --resample ` +
    `(\`resample\` in the library) reads them at ${metres(trained)}; or train on images of ${metres(found)}`
  );
}
