import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randn, tidy, type Tensor } from '../../src/index.ts';
import { convLadder } from '../../src/measure/ladder/conv.ts';
import { gradLadder } from '../../src/measure/ladder/grad.ts';
import { matmulLadder } from '../../src/measure/ladder/matmul.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { editedStep, type LadderStep } from '../../src/measure/ladder/step.ts';
import { root } from '../support/files.ts';
import { checkTask } from '../../src/measure/tasks.ts';
import { testDevice } from '../support/device.ts';

const device = await testDevice();

const data = async (t: Tensor): Promise<Float32Array> => (await t.data()) as Float32Array;

/** Sizes that differ from each other, so that no kernel can confuse them. */
const ladders: readonly (readonly LadderStep[])[] = [
  matmulLadder(64),
  convLadder({ n: 2, h: 6, w: 8, c: 8, k: 24 }),
  gradLadder({ n: 2, h: 6, w: 8, c: 24, k: 8 }),
  gradLadder({ n: 1, h: 20, w: 5, c: 8, k: 8 }),
];

for (const steps of ladders) {
  for (const { name, task, run } of steps) {
    test(`${name} agrees with float64 sums for ${task.name}`, async () => {
      const before = device.memory().tensors;
      const operands = Object.entries(task.operands).map(
        ([key, shape], i) => [key, randn(shape, { seed: i + 1 })] as const,
      );
      const y = tidy(() => run(Object.fromEntries(operands)));
      const values = await Promise.all(operands.map(async ([key, t]) => [key, await data(t)] as const));
      assert.is(checkTask(task, Object.fromEntries(values), [await data(y)]), null);
      for (const [, t] of [...operands, ['y', y] as const]) t.dispose();
      assert.is(device.memory().tensors, before);
    });
  }
}

test("an edited kernel takes the place of the ladder's, for that step only, each time that it changes", async () => {
  const [step] = matmulLadder(64);
  const file = 'matmul_1_naive.wgsl';
  const code = readFileSync(join(root, 'bench/ladder', file), 'utf8');
  const times = (factor: number): LadderStep =>
    editedStep(step!, { [file]: code.replace('= sum;', `= ${factor}.0 * sum;`) });
  const operands = { a: randn([64, 64], { seed: 1 }), b: randn([64, 64], { seed: 2 }) };
  const first = async ({ run }: LadderStep): Promise<number> => {
    const y = run(operands);
    const [value] = await data(y);
    y.dispose();
    return value!;
  };
  const plain = await first(step!);
  assert.is(await first(times(2)), 2 * plain);
  assert.is(await first(times(4)), 4 * plain);
  assert.is(await first(step!), plain);
  for (const t of Object.values(operands)) t.dispose();
});

test.run();
