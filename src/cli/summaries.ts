/** What each command does, for the list of commands and the first line of its help. */
export const summaries = {
  doctor: 'checks a data set before training and recommends settings',
  train: 'trains a detector on a folder of labelled images and writes a report',
  predict: 'detects objects in images, tiling large ones',
  evaluate: 'scores the detections of a detector, or of any file, against ground truth',
  convert: 'converts labels between formats and reports what the target format cannot represent',
  export: 'writes a detector for PyTorch, Hugging Face, and as ONNX for QGIS, WebODM and others',
  bench: 'benchmarks the kernels, the parts of RetinaNet and the whole network on this machine',
  tune: 'measures which kernels are the fastest on this GPU, and keeps the choice',
  info: 'opens the GPU, checks a matrix product on it and prints its features and limits',
} as const;

export type CommandName = keyof typeof summaries;
