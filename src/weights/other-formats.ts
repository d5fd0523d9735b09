// Files that are taken for weights, and what to do about each: an error that only says what they are not does not help.

/** Number of bytes at the start of a file that `otherFormat` needs. */
export const START_BYTES = 64;

const text = (start: Uint8Array, from = 0): string => String.fromCharCode(...start.subarray(from));

const formats: readonly { readonly is: (start: Uint8Array) => boolean; readonly what: string }[] = [
  {
    is: (start) => text(start).startsWith('\x89HDF'),
    what:
      'it is an HDF5 file, as Keras and keras-retinanet (fizyr) write. Such a network pads, and codes boxes, in another way, so that ' +
      'its weights do not fit: start from a RetinaNet or ResNet of PyTorch instead, for example of torchvision',
  },
  {
    is: (start) => text(start).startsWith('version https://git-lfs'),
    what: 'it is a pointer of Git LFS instead of the file: fetch it with git lfs pull, or download it from its page',
  },
  {
    is: (start) => /^\s*</.test(text(start)),
    what: 'it is a web page instead of the file: the download failed, or needs a login',
  },
  {
    is: (start) => /^\s*[{[]/.test(text(start)),
    what: 'it is JSON; expected weights, or the folder that has them and a config.json',
  },
  {
    is: (start) => text(start, 4).startsWith('TFL3'),
    what: 'it is a model of TensorFlow Lite; expected weights of PyTorch or safetensors',
  },
  {
    // Field 1, the version of the format, is 1; then field 2.
    is: (start) => start[0] === 0x08 && start[1] === 1 && start[2] === 0x12,
    what: 'it is a SavedModel of TensorFlow; expected weights of PyTorch or safetensors',
  },
  {
    // Field 1, the version of the format, is above 1; then the name of the producer or another field with a length.
    is: (start) => start[0] === 0x08 && start[1]! > 1 && start[1]! < 32 && (start[2]! & 7) === 2,
    what: 'it is an ONNX model, in which weights have no standard names; expected the weights that it was made from',
  },
];

/** What a file is that starts with the bytes, if it is one of another format that is known; otherwise null. */
export function otherFormat(start: Uint8Array): string | null {
  return formats.find(({ is }) => is(start))?.what ?? null;
}
