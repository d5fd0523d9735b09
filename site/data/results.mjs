// Stored results of `retinagrad bench` with which a reader's are compared; the files are copied to /bench/results.
import { readFileSync, readdirSync } from 'node:fs';

const folder = new URL('../../bench/results/', import.meta.url);

export default readdirSync(folder)
  .filter((file) => /-(?:kernels|whole(?:-\d+)?)\.json$/.test(file))
  .map((file) => {
    const { adapter, processor, date, commit } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    const what = file.includes('-kernels') ? 'kernels' : 'whole model';
    const name = adapter.name.split(/[ :]/)[0];
    return { file, label: `${what}: ${name}, ${processor.cores} cores of ${processor.model}, ${date}, ${commit}` };
  });
