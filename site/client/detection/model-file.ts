// The file of the trained detector of the site (site/make-model.mjs).

export const modelUrl = new URL('../models/buildings.safetensors', import.meta.url);

/** Its bytes. Rejects with an Error if they cannot be loaded. */
export async function modelBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(modelUrl);
  if (!response.ok) throw new Error(`The trained detector could not be loaded (${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}
