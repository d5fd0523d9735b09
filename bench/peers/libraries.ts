import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A library to measure, and how to start the process that runs it. */
export interface Library {
  /** For `--only` and in results. */
  readonly key: string;
  readonly title: string;
  /** Whether it computes on the adapter, through WebGPU, or on the CPU. */
  readonly runsOn: 'adapter' | 'processor';
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const node = (...args: string[]): [string, ...string[]] => [process.execPath, '--import', 'tsx', ...args];
// Debian's PyTorch uses the default BLAS of the system; OpenBLAS is 50 times as fast as the reference implementation.
const openblas = '/usr/lib/x86_64-linux-gnu/openblas-pthread';

/** The first Python that has PyTorch, otherwise any: its error message becomes the reason in the report. */
function python(): string {
  const candidates = [process.env['PYTHON'] || 'python3', 'python3', '/usr/bin/python3'];
  const hasTorch = (command: string): boolean => {
    const code = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)';
    return spawnSync(command, ['-c', code]).status === 0;
  };
  return candidates.find(hasTorch) ?? candidates[0]!;
}

/** retinagrad first: ratios are to it. */
export const libraries = (): Library[] => [
  { key: 'retinagrad', title: 'retinagrad', runsOn: 'adapter', command: node(here('worker-retinagrad.mjs')) },
  { key: 'tfjs', title: 'TensorFlow.js', runsOn: 'adapter', command: node(here('worker-tfjs.mjs')) },
  { key: 'jax', title: 'jax-js', runsOn: 'adapter', command: node(here('worker-jax.mjs')) },
  {
    key: 'ort-webgpu',
    title: 'ONNX Runtime WebGPU',
    runsOn: 'adapter',
    command: node(here('worker-onnxruntime.mjs'), 'webgpu'),
  },
  {
    key: 'ort-cpu',
    title: 'ONNX Runtime CPU',
    runsOn: 'processor',
    command: node(here('worker-onnxruntime.mjs'), 'cpu'),
  },
  {
    key: 'torch',
    title: 'PyTorch CPU',
    runsOn: 'processor',
    command: [python(), here('torch_worker.py')],
    // Threads that spin while they wait slow each other down.
    env: { OMP_WAIT_POLICY: 'passive', ...(existsSync(openblas) ? { LD_LIBRARY_PATH: openblas } : {}) },
  },
];
