// Kernels are imported as their text.
declare module '*.wgsl' {
  const code: string;
  // oxlint-disable-next-line import/no-default-export
  export default code;
}
