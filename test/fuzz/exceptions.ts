/** Public functions of src/autograd/ops that random programs leave out, with the reason. */
export const exceptions: Readonly<Record<string, string>> = {
  rand: 'random numbers: test/cases and test/reference/philox.ts have them bit by bit',
  randn: 'random numbers, as rand',
  fromPixels: 'reads pictures, not tensors: test/kernels/pixels.test.ts',
  toPixels: 'writes pictures, not tensors: test/kernels/pixels.test.ts',
};
