// A run of the studio as a program for Node.
import { changedOf, settingsOf, SHIPPED, SYNTHETIC, textOf, type Plan } from './share.ts';

/** Settings by group, as a program writes them. */
function settingsText(plan: Plan): string {
  const groups = new Map<string, string[]>();
  for (const [name, value] of Object.entries(changedOf(settingsOf(plan)))) {
    const [group = '', key = ''] = name.split('.');
    groups.set(group, [...(groups.get(group) ?? []), `${key}: ${JSON.stringify(value)}`]);
  }
  return [...groups].map(([group, values]) => `  ${group}: { ${values.join(', ')} },\n`).join('');
}

/**
 * The program: the sample in memory with the same images, own data from a folder.
 *
 * @param weights address of the detector of the site, from which the run may have started
 */
export function scriptOf(plan: Plan, weights: string): string {
  const start = isShipped(plan)
    ? `// It starts from the file ${SHIPPED}, which must be in the folder where it is run:
//   curl -O ${weights}
`
    : '';
  return plan.data === SYNTHETIC ? sampleScript(plan, start) : folderScript(plan, start);
}

const isShipped = ({ settings }: Plan): boolean => settings['model.weights'] === SHIPPED;

function sampleScript(plan: Plan, start: string): string {
  const isRandom = !isShipped(plan);
  const imports = [
    ...(isRandom ? [] : ['Detector', 'loadPretrainedBytes']),
    'MemoryRun',
    'prepareTraining',
    'prepareTrainingData',
    'resolveSettings',
    'runTraining',
    'syntheticData',
  ];
  const prepare = isRandom
    ? 'const training = await prepareTraining(settings, data);'
    : `const weights = readFileSync(settings.model.weights);
const training = await prepareTraining(settings, data, { weights: Detector.fromBytes(weights).spec });
await loadPretrainedBytes(training.model, weights, { classes: data.dataset.classes });`;
  return `// A run of the studio, for Node: the same images and settings, and on the same adapter the same weights.
//   npm install retinagrad webgpu && node run.mjs
${start}import { init } from 'retinagrad';
import {
${imports.map((name) => `  ${name},\n`).join('')}} from 'retinagrad/detector';
import { ${isRandom ? '' : 'readFileSync, '}writeFileSync } from 'node:fs';

const settings = resolveSettings({
${settingsText(plan)}});
await init();
const data = await prepareTrainingData(syntheticData({ chips: settings.data.chips }), settings);
${prepare}
const run = new MemoryRun();
await runTraining(training, run, {
  onEvaluation: ({ epoch, f1 }) => console.log(\`epoch \${epoch}: F1 \${f1.toFixed(3)}\`),
});
writeFileSync('best.safetensors', run.files.get('best'));
writeFileSync('last.safetensors', run.files.get('last'));
`;
}

const folderScript = (
  plan: Plan,
  start: string,
): string => `// A run of the studio, for Node. Put the folder of your data into \`path\`. On the command line:
//   npx retinagrad train FOLDER ${Object.entries(plan.settings)
  .map(([name, value]) => `${name}=${textOf(value)}`)
  .join(' ')}
//   npm install retinagrad webgpu && node run.mjs
${start}import { init } from 'retinagrad';
import { train } from 'retinagrad/detector';

const path = 'my-data';
const settings = {
${settingsText(plan)}};
await init();
await train(
  { ...settings, data: { ...settings.data, path } },
  { out: 'runs/studio', onEvaluation: ({ epoch, f1 }) => console.log(\`epoch \${epoch}: F1 \${f1.toFixed(3)}\`) },
);
`;
