/** The outputs of an ONNX file: see `exportOnnx`. */
export const onnxForms = ['boxes', 'suppressed', 'raw'] as const;
export type OnnxForm = (typeof onnxForms)[number];
