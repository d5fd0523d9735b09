// What `warmup` saves: the time to the first training step of the small RetinaNet, with and without it, in one run. Each
// start is a process of its own with a new device, and the two kinds alternate.
//   node --conditions retinagrad-source --import tsx bench/first-step.ts [STARTS]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { init } from 'retinagrad';
import { firstStep, type FirstStep } from './first-step-program.ts';

const start = process.argv[2];
if (start === 'cold' || start === 'warm') {
  await init();
  console.log(JSON.stringify(await firstStep(start === 'warm')));
} else {
  const kinds = ['cold', 'warm'] as const;
  const found: Record<(typeof kinds)[number], FirstStep[]> = { cold: [], warm: [] };
  for (let i = 0; i < Number(start ?? 3); i++) {
    for (const kind of kinds) {
      const args = ['--conditions', 'retinagrad-source', '--import', 'tsx', fileURLToPath(import.meta.url), kind];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      found[kind].push(JSON.parse(stdout.trim().split('\n').at(-1)!) as FirstStep);
    }
  }
  for (const kind of kinds) {
    for (const name of ['warmup', 'first', 'second'] as const) {
      const times = found[kind].map((step) => Math.round(step[name]));
      console.log(`${kind.padEnd(5)} ${name.padEnd(7)} ${times.join(' ')} ms`);
    }
    console.log(`${kind.padEnd(5)} kernels ${found[kind][0]!.kernels}, loss ${found[kind][0]!.loss}`);
  }
}
