// The site in site/: `node scripts/site.mjs build` writes it to site/_site, `serve` serves it while one works on it. Installs the
// site's own packages, which users of the library do not need.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const site = fileURLToPath(new URL('../site/', import.meta.url));
const npm = process.env.npm_execpath ?? '';
const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: site, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
if (!existsSync(`${site}node_modules/.package-lock.json`)) run([npm, 'ci', '--no-audit', '--no-fund']);
run(['build.mjs', ...(process.argv[2] === 'serve' ? ['--serve'] : [])]);
