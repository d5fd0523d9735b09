// The site in site/: `node scripts/site.mjs build` writes it to site/_site, `serve` serves it while one works on it. Installs the
// site's own packages, which users of the library do not need, and makes the reference, which `serve` does only once.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const site = fileURLToPath(new URL('../site/', import.meta.url));
const npm = process.env.npm_execpath ?? '';
const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: site, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const serves = process.argv[2] === 'serve';
/** When a file changed, in milliseconds; 0 without it. */
const changed = (file) => statSync(`${site}${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (changed('node_modules/.package-lock.json') < changed('package-lock.json'))
  run([npm, 'ci', '--no-audit', '--no-fund']);
if (!serves || !existsSync(`${site}.reference`)) run(['reference.mjs']);
run(['build.mjs', ...(serves ? ['--serve'] : [])]);
