// Makes the declarations in dist independent of the settings of the program that uses them: called by build.mjs.
//   - Types of WebGPU and the DOM are the program's own where it has them (TypeScript 6 declares both with `lib: dom`; older
//     versions need @webgpu/types), and otherwise those of dist/types. A reference to @webgpu/types would not do: it needs the
//     DOM, and contradicts that of TypeScript 6.
//   - `Symbol.dispose` is in no `lib` before ESNext: the files that declare it refer to the one that has it.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const webgpuTypes = new URL('../node_modules/@webgpu/types/', import.meta.url);

/** Classes of the DOM that declarations may name, and what they are in a program without the DOM. */
const DOM_CLASSES = {
  AbortSignal: '{ readonly aborted: boolean; readonly reason: any; throwIfAborted(): void }',
  Blob: 'never',
  DOMException: 'Error',
  Event: '{ readonly type: string }',
  EventTarget: '{}',
  HTMLCanvasElement: 'never',
  HTMLImageElement: 'never',
  HTMLVideoElement: 'never',
  ImageBitmap: 'never',
  ImageData: 'never',
  OffscreenCanvas: 'never',
  VideoFrame: 'never',
};
/** Types of the DOM that @webgpu/types names and that are no classes. */
const DOM_TYPES = `type AddEventListenerOptions = object;
type BufferSource = ArrayBufferView | ArrayBuffer;
type EventInit = object;
type EventListenerOptions = object;
type EventListenerOrEventListenerObject = ((event: Event) => void) | { handleEvent(event: Event): void };
type PredefinedColorSpace = 'srgb' | 'display-p3';
`;

const withoutComments = (text) => text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
/** The names of a set that a text uses. */
function namesIn(text, names) {
  const words = new Set(withoutComments(text).match(/\b[A-Z]\w+\b/g));
  return [...names].filter((name) => words.has(name));
}
/** A type of the program if it has a class of this name, otherwise another. */
const ifKnown = (name, otherwise) =>
  `export type ${name} = typeof globalThis extends { ${name}: { prototype: infer T } } ? T : ${otherwise};\n`;

/** @webgpu/types as a module, which declares nothing globally. Returns the names of its types and of its classes. */
function writeWebgpu(folder) {
  const text = withoutComments(readFileSync(new URL('dist/index.d.ts', webgpuTypes), 'utf8'))
    // What it adds to classes of the DOM.
    .replace(/^interface (?:HTML\w+|OffscreenCanvas|Navigator|WorkerNavigator)\b[^]*?\}\n(?=\n|$)/gm, '')
    .replace(/^(?=interface|type|declare var)/gm, 'export ')
    .replace(/\n\s*\n/g, '\n');
  const licence = readFileSync(new URL('LICENSE', webgpuTypes), 'utf8').trim().replace(/^/gm, '// ');
  const dom = namesIn(text, new Set(Object.keys(DOM_CLASSES)));
  const header = `// Made from @webgpu/types by scripts/declarations.mjs.\n${licence}\n`;
  writeFileSync(
    join(folder, 'webgpu.d.ts'),
    `${header}import type { ${dom.join(', ')} } from './platform.js';\n${DOM_TYPES}${text}`,
  );
  const all = (pattern) => [...text.matchAll(pattern)].map(([, name]) => name);
  return {
    types: all(/^export (?:interface|type) (GPU\w+)/gm),
    classes: new Set(all(/^export declare var (GPU\w+): \{\s+prototype:/gm)),
  };
}

const types = join(dist, 'types');
mkdirSync(types, { recursive: true });
const webgpu = writeWebgpu(types);
const others = [...new Set(webgpu.types)].filter((name) => !webgpu.classes.has(name));
writeFileSync(
  join(types, 'platform.d.ts'),
  '// Types of WebGPU and the DOM: those of the program if it has them.\n' +
    `import type * as webgpu from './webgpu.js';\n` +
    [...webgpu.classes].map((name) => ifKnown(name, `webgpu.${name}`)).join('') +
    Object.entries(DOM_CLASSES)
      .map(([name, otherwise]) => ifKnown(name, otherwise))
      .join('') +
    `export type { ${others.join(', ')} } from './webgpu.js';\n`,
);

const known = new Set([...webgpu.types, ...Object.keys(DOM_CLASSES)]);
for (const name of readdirSync(dist, { recursive: true })) {
  const file = join(dist, name);
  if (!file.endsWith('.d.ts') || dirname(file) === types) continue;
  const text = readFileSync(file, 'utf8');
  const platform = namesIn(text, known);
  const from = relative(dirname(file), join(types, 'platform.js'))
    .replaceAll('\\', '/')
    .replace(/^(?!\.)/, './');
  const added = [
    ...(text.includes('[Symbol.dispose]') ? ['/// <reference lib="esnext.disposable" />\n'] : []),
    ...(platform.length > 0 ? [`import type { ${platform.join(', ')} } from '${from}';\n`] : []),
  ];
  if (added.length === 0) continue;
  writeFileSync(file, added.join('') + text);
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  writeFileSync(`${file}.map`, JSON.stringify({ ...map, mappings: ';'.repeat(added.length) + map.mappings }));
}
