import { isMainThread } from 'node:worker_threads';
import { reasonOf } from '../common/check.ts';
import { NoAdapterError } from '../tensor/errors.ts';
import { findLavapipe, findSwiftShader, loadLibrary, useDriver } from './drivers.ts';

/** An adapter with the object that must outlive it. */
export interface OpenedAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

/** Dawn, as the `webgpu` package exposes it. */
interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

/** Exact timestamps: Dawn quantises them to 65 us by default, which is meant for web pages. */
const TIMESTAMPS = 'disable-dawn-features=timestamp_quantization';

/** Requests an adapter from Dawn; records the reason if there is none. */
type Ask = (what: string, options?: string[]) => Promise<OpenedAdapter | null>;

/**
 * Opens an adapter in Node through Dawn: by default a GPU, otherwise a software Vulkan driver of the system (lavapipe),
 * otherwise the SwiftShader that some packages contain, loaded into this process without root permissions.
 *
 * @param name `hardware`, `lavapipe`, `swiftshader`, or part of an adapter's name; default any
 * @throws NoAdapterError that lists the adapters tried, the reasons for their failure, and what to install
 */
export async function openAdapter(name: string | undefined): Promise<OpenedAdapter> {
  const dawn = await loadDawn();
  const tried: string[] = [];
  const ask: Ask = async (what, options = []) => {
    try {
      const gpu = dawn.create([...options, TIMESTAMPS]);
      const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (adapter !== null) return { gpu, adapter };
      tried.push(`${what}: no adapter was offered`);
    } catch (error) {
      tried.push(`${what}: ${reasonOf(error)}`);
    }
    return null;
  };
  const wanted = name?.toLowerCase();
  let opened: OpenedAdapter | null;
  if (wanted === 'swiftshader') opened = await askSwiftShader(ask, tried);
  else if (wanted === 'lavapipe') opened = await askLavapipe(ask, tried);
  else opened = await askSystem(ask, tried, wanted);
  if (opened === null && wanted === undefined) opened = await askSwiftShader(ask, tried);
  if (opened !== null) return opened;
  throw new NoAdapterError(
    `no WebGPU adapter${name === undefined ? '' : ` named "${name}"`} could be opened.\nTried:\n` +
      tried.map((line) => `  - ${line}\n`).join('') +
      'Remedies:\n' +
      '  - with a GPU: install its Vulkan driver (Linux); macOS and Windows need nothing else\n' +
      '  - without one, on Linux: apt install mesa-vulkan-drivers libvulkan1 (Mesa 25 works, 22.3 does not)\n' +
      '  - without root, on Linux x64: npm install --save-dev @sparticuz/chromium@143.0.4 (carries SwiftShader)\n' +
      '  - RETINAGRAD_ADAPTER or init({ adapter }) selects: hardware, lavapipe, swiftshader, or part of a name',
  );
}

/** Whether an adapter computes on the CPU. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  return /llvmpipe|lavapipe|swiftshader|software|warp|basic render/.test(text);
}

async function loadDawn(): Promise<Dawn> {
  try {
    const dawn = (await import('webgpu')) as unknown as Dawn;
    Object.assign(globalThis, dawn.globals);
    return dawn;
  } catch (cause) {
    throw new NoAdapterError(
      `the package "webgpu" (Dawn for Node) did not load: ${reasonOf(cause)}\n` +
        'It is an optional peer dependency of retinagrad: npm install webgpu. It ships for Linux (glibc 2.34 or newer), ' +
        'macOS and Windows.',
    );
  }
}

/** The drivers of the system, GPUs before software ones. `wanted` is `hardware` or part of a name. */
async function askSystem(ask: Ask, tried: string[], wanted: string | undefined): Promise<OpenedAdapter | null> {
  const what = 'drivers of the system';
  // Loading the Vulkan loader first avoids a message that Dawn prints to stderr.
  const problem = process.platform === 'linux' ? loadLibrary('libvulkan.so.1') : null;
  if (problem !== null) {
    tried.push(`${what}: no Vulkan loader (${problem})`);
    return null;
  }
  const byName = wanted !== undefined && wanted !== 'hardware';
  const opened = await ask(what, byName ? [`adapter=${wanted}`] : []);
  if (opened !== null && wanted === 'hardware' && isSoftware(opened.adapter.info)) {
    tried.push(`${what}: only a software adapter, ${opened.adapter.info.description}`);
    return null;
  }
  return opened;
}

async function askLavapipe(ask: Ask, tried: string[]): Promise<OpenedAdapter | null> {
  const manifest = findLavapipe();
  if (manifest === null) {
    tried.push('lavapipe: no driver manifest (lvp_icd*.json) in the Vulkan folders of the system');
    return null;
  }
  useDriver(manifest);
  return onlyDriver(await ask('lavapipe'), /llvmpipe/i, 'lavapipe', tried);
}

async function askSwiftShader(ask: Ask, tried: string[]): Promise<OpenedAdapter | null> {
  const found = findSwiftShader();
  if ('problem' in found) {
    tried.push(`SwiftShader: ${found.problem}`);
    return null;
  }
  if (loadLibrary('libvulkan.so.1') !== null) {
    const problem = loadLibrary(found.loader);
    if (problem !== null) tried.push(`SwiftShader's Vulkan loader: ${problem}`);
  }
  useDriver(found.manifest);
  return onlyDriver(await ask(`SwiftShader (${found.manifest})`), /swiftshader/i, 'SwiftShader', tried);
}

/**
 * The adapter, if its driver is the one that `useDriver` selected. In a worker, `process.env` is a copy that drivers do not see.
 */
function onlyDriver(opened: OpenedAdapter | null, name: RegExp, what: string, tried: string[]): OpenedAdapter | null {
  if (opened === null) return null;
  const { device, description } = opened.adapter.info;
  if (name.test(`${device} ${description}`)) return opened;
  const remedy = isMainThread
    ? ''
    : ': a worker cannot select the driver; call init in the main thread first, or start the worker with env: SHARE_ENV';
  tried.push(`${what}: ${description} was opened instead${remedy}`);
  return null;
}
