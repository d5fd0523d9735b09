// Makes a checkout ready to run: installs the dependencies if they are missing or not those of package-lock.json, and
// generates the kernel modules. Runs before `npm start`, `npm test` and `npm run build`; plain JavaScript without
// dependencies, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = [20, 11];
const root = new URL('../', import.meta.url);

/** Packages of a lock file by their folder, or null without such a file. */
function packagesOf(file) {
  const url = new URL(file, root);
  if (!existsSync(url)) return null;
  const { '': _, ...packages } = JSON.parse(readFileSync(url, 'utf8')).packages;
  return packages;
}

/**
 * Why the dependencies must be installed, or null. Compares what npm noted when it finished installing with what the
 * lock file asks for. Optional packages may be absent: most of them are for other systems.
 */
function reasonToInstall() {
  const installed = packagesOf('node_modules/.package-lock.json');
  if (installed === null) return 'node_modules is absent or incomplete';
  for (const [folder, wanted] of Object.entries(packagesOf('package-lock.json'))) {
    const found = installed[folder];
    if (found === undefined && !wanted.optional && !wanted.devOptional) return `${folder} is missing`;
    if (found !== undefined && found.version !== wanted.version) {
      return `${folder} is ${found.version}, expected ${wanted.version}`;
    }
  }
  return null;
}

function install() {
  // Named on purpose: a user's settings or NODE_ENV=production would leave out what the examples and tests need.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const options = { cwd: fileURLToPath(root), stdio: 'inherit' };
  // The npm that runs this script, if one does; `npm` by itself is a .cmd file on Windows, which needs a shell.
  const npm = process.env.npm_execpath ?? '';
  const { status, error } = npm.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status === 0) return;
  console.error(`npm ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(1);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  console.error(`retinagrad needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}`);
  process.exit(1);
}
const reason = reasonToInstall();
if (reason !== null) {
  console.error(`Installing dependencies (${reason})...`);
  install();
}
await import('./wgsl.mjs');
