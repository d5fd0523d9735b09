// The README of the package: docs/ and examples/ are not in it, so its links lead to the repository.
//   node scripts/readme.mjs           before packing: rewrites README.md, and keeps the original beside it
//   node scripts/readme.mjs --undo    after packing: puts the original back
import { existsSync, readFileSync, renameSync, copyFileSync, writeFileSync } from 'node:fs';

const readme = new URL('../README.md', import.meta.url);
const original = new URL('../.README.md', import.meta.url);
const { homepage } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const repository = homepage.replace(/#.*/, '');

// An interrupted pack may have left it.
if (existsSync(original)) renameSync(original, readme);
if (!process.argv.includes('--undo')) {
  copyFileSync(readme, original);
  const text = readFileSync(readme, 'utf8').replace(
    /(!?)(\[[^\]]*\])\((?!\w+:|#)([^)]+)\)/g,
    (_, image, label, path) => `${image}${label}(${repository}/${image === '' ? 'blob' : 'raw'}/HEAD/${path})`,
  );
  writeFileSync(readme, text);
}
