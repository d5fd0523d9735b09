import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { reasonOf } from '../common/check.ts';
import { cacheFolder } from './cache-folder.ts';

/** Keeps a library loaded after Node has found that it is not an addon; the value of glibc and musl. */
const RTLD_NODELETE = 0x1000;
const LOADER = 'libvulkan.so.1';
const MANIFEST = 'vk_swiftshader_icd.json';
const SWIFTSHADER_FILES = [LOADER, MANIFEST, 'libvk_swiftshader.so'];

/**
 * Loads a shared library into the process, where Dawn finds it by its name. A plain library is not an addon: loading it
 * succeeds, and then Node throws because it did not register itself.
 *
 * @returns null, or the reason of the failure
 */
export function loadLibrary(file: string): string | null {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return null;
  } catch (error) {
    const reason = reasonOf(error);
    return reason.includes('self-register') ? null : reason;
  }
}

/** Makes the Vulkan loader use one driver only. Old loaders read the second variable. */
export function useDriver(manifest: string): void {
  process.env['VK_DRIVER_FILES'] = manifest;
  process.env['VK_ICD_FILENAMES'] = manifest;
}

/** The manifest of the system's lavapipe, if it is installed. */
export function findLavapipe(): string | null {
  for (const folder of ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']) {
    const names = existsSync(folder) ? readdirSync(folder) : [];
    const name = names.find((file) => /^lvp_icd.*\.json$/.test(file));
    if (name !== undefined) return join(folder, name);
  }
  return null;
}

/** SwiftShader with a Vulkan loader: from a Chromium of the system, or unpacked from @sparticuz/chromium. */
export function findSwiftShader():
  | { readonly loader: string; readonly manifest: string }
  | { readonly problem: string } {
  const found = (folder: string): { loader: string; manifest: string } => ({
    loader: join(folder, LOADER),
    manifest: join(folder, MANIFEST),
  });
  if (process.platform !== 'linux') return { problem: 'only used on Linux' };
  const folders = [
    '/usr/lib/chromium',
    '/usr/lib/chromium-browser',
    '/usr/lib64/chromium-browser',
    '/opt/google/chrome',
  ];
  const own = process.env['SWIFTSHADER_DIR'];
  if (own !== undefined) folders.unshift(own);
  const folder = folders.find(isComplete);
  if (folder !== undefined) return found(folder);
  const carrier = findCarrier();
  if (carrier === null)
    return { problem: 'neither in a Chromium of the system nor in the package @sparticuz/chromium' };
  if (process.arch !== 'x64') return { problem: `@sparticuz/chromium carries it for x64 only, not ${process.arch}` };
  const target = join(cacheFolder(), `swiftshader-${carrier.version}`);
  try {
    if (!isComplete(target)) unpack(carrier.archive, target);
  } catch (error) {
    return { problem: `could not unpack ${carrier.archive} to ${target}: ${reasonOf(error)}` };
  }
  return found(target);
}

function isComplete(folder: string): boolean {
  return SWIFTSHADER_FILES.every((file) => existsSync(join(folder, file)));
}

/** Unpacks to a temporary folder and renames it, so that other processes never see a partial folder. */
function unpack(archive: string, target: string): void {
  const entries = untar(brotliDecompressSync(readFileSync(archive)));
  const partial = `${target}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  for (const file of SWIFTSHADER_FILES) {
    const data = entries.get(file);
    if (data === undefined) throw new Error(`it has no ${file}`);
    writeFileSync(join(partial, file), data);
  }
  try {
    renameSync(partial, target);
  } catch (error) {
    rmSync(partial, { recursive: true });
    if (!isComplete(target)) throw error; // Otherwise another process was faster.
  }
}

/** The archive with SwiftShader in the package @sparticuz/chromium, which hides its folder behind `exports`. */
export function findCarrier(): { readonly archive: string; readonly version: string } | null {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium'));
  } catch {
    return null;
  }
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const archive = join(folder, 'bin', 'swiftshader.tar.br');
    if (!existsSync(archive)) continue;
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { archive, version: manifest.version };
  }
  return null;
}

/** Regular files of a tar archive, by base name. */
function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const text = (start: number, end: number): string => archive.toString('latin1', start, end).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= archive.length;) {
    const name = text(at, at + 100);
    if (name === '') break;
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    const type = text(at + 156, at + 157);
    if (type === '0' || type === '') files.set(basename(name), archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
