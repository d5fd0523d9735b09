// The checks of the book's exercises that are plain code, and the parts of its figures that are.
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { answers } from './book-answers.ts';

interface Verdict {
  readonly right: boolean;
  readonly say: string;
}
interface Exercise {
  readonly kind: 'number' | 'text';
  readonly check: (answer: number | string) => Verdict | Promise<Verdict>;
}

/** A module of the site, which the compiler checks with the settings of the site. */
const load = (path: string): Promise<unknown> => import(new URL(`../../site/client/${path}`, import.meta.url).href);

const exercises = readdirSync(new URL('../../site/client/exercises/', import.meta.url)).map((file) =>
  file.replace('.ts', ''),
);

test('every exercise has a right and a wrong answer here', () => {
  assert.equal(
    exercises.filter((name) => answers[name] === undefined),
    [],
  );
});

for (const name of exercises) {
  const known = answers[name];
  if (known === undefined || known.inPage === true) continue;
  const { right, wrong } = known;
  test(`the exercise ${name} accepts ${right} and refuses ${wrong}`, async () => {
    const { exercise } = (await load(`exercises/${name}.ts`)) as { exercise: Exercise };
    const checked = (answer: string): Verdict | Promise<Verdict> =>
      exercise.check(exercise.kind === 'number' ? Number(answer) : answer);
    assert.is((await checked(right)).right, true);
    const verdict = await checked(wrong);
    assert.is(verdict.right, false);
    assert.ok(verdict.say.length > 10, 'says what is wrong');
  });
}

test('an expression is computed with its precedence, and errors name what is wrong', async () => {
  const { evaluate } = (await load('figures/expression.ts')) as {
    evaluate: (text: string, algebra: unknown) => number;
  };
  const algebra = {
    number: (value: number) => value,
    name: (name: string) => ({ a: 2, b: 3 })[name],
    add: (a: number, b: number) => a + b,
    sub: (a: number, b: number) => a - b,
    mul: (a: number, b: number) => a * b,
    div: (a: number, b: number) => a / b,
    functions: { relu: (a: number) => Math.max(0, a) },
  };
  assert.is(evaluate('a + b * (4 - -1) / 2 - relu(-a)', algebra), 9.5);
  assert.throws(() => evaluate('a + c', algebra), 'There is no "c".');
  assert.throws(() => evaluate('a + ', algebra), 'The expression ends too early.');
  assert.throws(() => evaluate('a $ b', algebra), 'unexpected "$"');
  assert.throws(() => evaluate('(a', algebra), 'Expected ")", found the end.');
});

test('reverse mode in forty lines agrees with differences', async () => {
  interface Value {
    readonly data: number;
    readonly gradient: number;
    add(b: Value): Value;
    div(b: Value): Value;
    mul(b: Value): Value;
    tanh(): Value;
    exp(): Value;
  }
  const { Value, backward } = (await load('figures/value.ts')) as {
    Value: new (data: number) => Value;
    backward: (root: Value) => void;
  };
  const f = (a: Value, b: Value): Value => a.mul(b).tanh().add(a.div(b.exp())).mul(a);
  const [a, b] = [new Value(0.7), new Value(-0.4)];
  backward(f(a, b));
  const at = (x: number, y: number): number => f(new Value(x), new Value(y)).data;
  const h = 1e-6;
  assert.ok(Math.abs((at(0.7 + h, -0.4) - at(0.7 - h, -0.4)) / (2 * h) - a.gradient) < 1e-8);
  assert.ok(Math.abs((at(0.7, -0.4 + h) - at(0.7, -0.4 - h)) / (2 * h) - b.gradient) < 1e-8);
});

test.run();
