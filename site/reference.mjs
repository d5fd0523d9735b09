// Writes the reference of every public name into .reference, one Markdown file for each name, by typedoc from the sources that
// the entries of package.json name. guides.mjs makes pages of them.
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const root = new URL('../', import.meta.url);
const pathOf = (path) => fileURLToPath(new URL(path, root));
const { exports, repository } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8'));
/** Sources by the name that users import. In Node an entry has all of its names. */
const entries = Object.entries(exports).flatMap(([path, to]) =>
  typeof to === 'object' && !path.endsWith('.js')
    ? [[pathOf(path === '.' ? 'src/index.ts' : to['retinagrad-source']), `retinagrad${path.slice(1)}`]]
    : [],
);
const out = fileURLToPath(new URL('.reference', import.meta.url));
rmSync(out, { recursive: true, force: true });
const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: entries.map(([file]) => file),
  tsconfig: pathOf('tsconfig.json'),
  name: 'Reference',
  readme: 'none',
  disableGit: true,
  basePath: pathOf('.'),
  sourceLinkTemplate: `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/src/{path}#L{line}`,
  excludePrivate: true,
  excludeInternal: true,
  skipErrorChecking: true, // `npm run typecheck` does that.
  logLevel: 'Error',
  validation: { notExported: false, invalidLink: true, notDocumented: false },
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  expandObjects: true,
  parametersFormat: 'table',
  propertyMembersFormat: 'list',
  pageTitleTemplates: { index: 'Reference', module: '{name}', member: '{name}' },
});
const project = await app.convert();
if (project === undefined) process.exit(1);
for (const module of project.children) {
  const file = module.sources[0].fileName;
  module.name = entries.find(([path]) => path.endsWith(file))[1];
}
await app.outputs.writeOutput({ name: 'markdown', path: out }, project);
if (app.logger.hasErrors()) process.exit(1);
