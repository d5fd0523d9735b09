// Makes a checkout ready to run: installs dependencies if they are missing or not those of package-lock.json, and
// generates the kernel modules. Runs before `npm start` and `npm test`; plain JavaScript, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const packages = (file) => {
  const url = new URL(file, root);
  if (!existsSync(url)) return null;
  const entries = Object.entries(JSON.parse(readFileSync(url, 'utf8')).packages ?? {});
  return new Map(entries.filter(([path]) => path !== '').map(([path, info]) => [path, info]));
};

/** What npm installed, as it noted itself, against what the lock file asks for. Optional packages may be absent. */
function stale() {
  const wanted = packages('package-lock.json');
  const installed = packages('node_modules/.package-lock.json');
  if (installed === null) return 'node_modules is absent';
  for (const [path, info] of wanted) {
    const found = installed.get(path);
    if (found === undefined && !info.optional) return `${path} is missing`;
    if (found !== undefined && found.version !== info.version) return `${path} is ${found.version}, not ${info.version}`;
  }
  return null;
}

const reason = stale();
if (reason !== null) {
  console.error(`Installing dependencies (${reason})...`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const options = { cwd: fileURLToPath(root), stdio: 'inherit', shell: npm === undefined && process.platform === 'win32' };
  const { status } = npm === undefined ? spawnSync('npm', args, options) : spawnSync(process.execPath, [npm, ...args], options);
  if (status !== 0) process.exit(status ?? 1);
}
await import('./wgsl.mjs');
