// Flags of WebGPU, which are globals only in browsers. The values are those of the standard.

/** GPUBufferUsage: what a buffer may be used for. */
export const bufferUsage = {
  MAP_READ: 0x1,
  MAP_WRITE: 0x2,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;

/** GPUTextureUsage: what a texture may be used for. */
export const textureUsage = { COPY_DST: 0x2, TEXTURE_BINDING: 0x4, RENDER_ATTACHMENT: 0x10 } as const;

/** GPUMapMode: how the host maps a buffer. */
export const mapMode = { READ: 0x1, WRITE: 0x2 } as const;

/** GPUShaderStage: which stages see a binding. */
export const shaderStage = { FRAGMENT: 0x2, COMPUTE: 0x4 } as const;
