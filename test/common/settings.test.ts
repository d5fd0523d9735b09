import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  between,
  changeable,
  defaultsOf,
  flag,
  layerOf,
  list,
  namesOf,
  numeric,
  oneOf,
  orAuto,
  orNone,
  resolveLayers,
  SettingError,
  withDefaults,
  words,
  type Schema,
} from '../../src/common/settings.ts';
import {
  jsonSchemaOf,
  printSettings,
  readSettingsFile,
  settingsHelp,
  splitOverrides,
} from '../../src/common/settings-text.ts';
import { chooseAuto, resolveSettings, settingsSchema } from '../../src/task/settings.ts';

const schema = {
  train: {
    epochs: numeric(3, 'passes', { min: 1, integer: true }),
    learningRate: numeric(1e-3, 'rate', { min: 0, max: 1 }),
    kind: oneOf('fast', ['fast', 'slow'], 'how'),
    clip: orNone(numeric(1, 'clip'), 1),
    workers: orAuto(numeric(0, 'threads')),
  },
  data: {
    path: words('x', 'where'),
    classes: list([], 'classes'),
    on: flag(true, 'whether'),
    scale: between([1, 2], 'range', { min: 0 }),
  },
} as const satisfies Schema;

const from = (values: Record<string, unknown>) =>
  resolveLayers(schema, [{ from: 'test', values: new Map(Object.entries(values)) }]);

/** The message of the SettingError that a call throws. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert.instance(error, SettingError);
    return (error as Error).message;
  }
  return assert.unreachable('accepted')!;
}

test('defaults, then a file, then the command line', () => {
  const file = readSettingsFile('# mine\ntrain:\n  epochs: 5\n  clip: null\ndata: {classes: [a, b]}\n', 'a.yaml');
  const { overrides, others } = splitOverrides(['tiles', 'train.epochs=7', 'data.path=a=b', 'data.scale=0.5,2']);
  assert.equal(others, ['tiles']);
  const values = resolveLayers(schema, [
    { from: 'a.yaml', values: file },
    { from: 'command line', values: overrides },
  ]);
  assert.equal(values.train, { epochs: 7, learningRate: 1e-3, kind: 'fast', clip: null, workers: 'auto' });
  assert.equal(values.data, { path: 'a=b', classes: ['a', 'b'], on: true, scale: [0.5, 2] });
});

test('JSON is read like YAML, and a setting may stand outside its group', () => {
  assert.equal([...readSettingsFile('{"train": {"epochs": 2}}', 'a.json')], [['train.epochs', 2]]);
  assert.equal([...readSettingsFile('train.epochs: 2', 'a.yaml')], [['train.epochs', 2]]);
  assert.equal([...readSettingsFile('', 'a.yaml')], []);
});

for (const [values, message] of [
  [{ 'train.epoch': 3 }, 'test: there is no setting train.epoch; did you mean train.epochs?'],
  [{ learningrate: 1 }, 'test: there is no setting learningrate; did you mean train.learningRate?'],
  [{ 'train.toString': 1 }, /^test: there is no setting train\.toString/],
  [{ epochs: 3 }, 'test: there is no setting epochs; did you mean train.epochs?'],
  [{ 'zzz.qqqqqqqq': 1 }, 'test: there is no setting zzz.qqqqqqqq'],
  [{ 'train.epochs': '2.5' }, 'test: train.epochs is "2.5", expected an integer >= 1'],
  [{ 'train.epochs': '' }, 'test: train.epochs is "", expected an integer >= 1'],
  [{ 'train.learningRate': 'NaN' }, 'test: train.learningRate is "NaN", expected a number from 0 to 1'],
  [{ 'train.kind': 'medium' }, 'test: train.kind is "medium", expected one of fast, slow'],
  [{ 'train.clip': 'x' }, 'test: train.clip is "x", expected a number, or none'],
  [{ 'train.workers': 'x' }, 'test: train.workers is "x", expected a number, or auto'],
  [{ 'data.on': 'yes' }, 'test: data.on is "yes", expected true or false'],
  [{ 'data.classes': 'a,,b' }, 'test: data.classes is "a,,b", expected a comma-separated list of words'],
  [{ 'data.scale': '2,1' }, /data\.scale is "2,1", expected two comma-separated numbers/],
] as const) {
  test(`${JSON.stringify(values)} is refused`, () => {
    const found = refusal(() => from(values));
    if (typeof message === 'string') assert.is(found, message);
    else assert.match(found, message);
  });
}

test('a damaged file and a setting that is set twice are refused', () => {
  assert.match(
    refusal(() => readSettingsFile('train: [', 'a.yaml')),
    /^a\.yaml: /,
  );
  assert.match(
    refusal(() => readSettingsFile('- 1', 'a.yaml')),
    /expected groups of settings/,
  );
  const npm = '\n> retinagrad@0.1.0 retinagrad\n> node main.ts train tiles --print-config\n\ntrain:\n  epochs: 2\n';
  assert.match(
    refusal(() => readSettingsFile(npm, 'a.yaml')),
    /^a\.yaml: .*The file starts with output of npm: write it with npm run -s$/s,
  );
  assert.match(
    refusal(() => splitOverrides(['a.b=1', 'a.b=2'])),
    'a.b is set twice',
  );
});

test('every default of training is legal, and the printed configuration reads back as it was', () => {
  const defaults = resolveLayers(settingsSchema, []);
  const again = (values: typeof defaults) =>
    resolveLayers(settingsSchema, [
      { from: 'x', values: readSettingsFile(printSettings(settingsSchema, values), 'x') },
    ]);
  // An empty path is the default, but nothing that one may give.
  const given = { ...defaults, data: { ...defaults.data, path: 'tiles' } };
  assert.equal(again(given), given);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.double({ min: 0, max: 10, noNaN: true }), (path, learningRate) => {
      const values = { ...given, data: { ...given.data, path }, train: { ...given.train, learningRate } };
      assert.equal(again(values), values);
    }),
  );
});

test('auto chooses a network by the adapter, and a rate by the network; what was given stays', () => {
  const of = (values: Record<string, unknown>, isHardware: boolean) => {
    const { model, train } = chooseAuto(
      resolveLayers(settingsSchema, [{ from: 'x', values: new Map(Object.entries(values)) }]),
      isHardware,
    );
    return [model.network, train.learningRate];
  };
  assert.equal(of({}, true), ['resnet18', 5e-4]);
  assert.equal(of({}, false), ['tiny', 3e-3]);
  assert.equal(of({ 'train.batchSize': 8, 'train.accumulate': 2 }, true), ['resnet18', 1e-3]);
  assert.equal(of({ 'model.weights': 'x.safetensors', 'train.batchSize': 16 }, true), ['resnet18', 1e-4]);
  assert.equal(of({ 'model.network': 'resnet50', 'train.learningRate': 0.01 }, false), ['resnet50', 0.01]);
});

test('the help names every setting with its default', () => {
  const help = settingsHelp(settingsSchema);
  for (const name of namesOf(settingsSchema)) assert.ok(help.includes(`  ${name}=`), name);
  assert.ok(help.includes('augment.scale=0.8,1.25\n'));
  assert.ok(help.split('\n').every((line) => line.length <= 120));
});

test('groups of values are a layer; what is undefined has its default', () => {
  const { train, data } = resolveLayers(schema, [layerOf('a program', { train: { epochs: 9, clip: undefined } })]);
  assert.is(train.epochs, 9);
  assert.is(train.clip, 1);
  assert.equal(data, defaultsOf(schema.data));
  assert.is(resolveSettings({ train: { epochs: 9 } }).train.epochs, 9);
  assert.throws(
    () => resolveSettings({ train: { epochs: 0 } }),
    /^settings: train\.epochs is 0, expected an integer >= 1$/,
  );
  assert.throws(
    () => resolveSettings({ trian: { epochs: 1 } } as object),
    /there is no setting trian\.epochs; did you mean train\.epochs\?/,
  );
  assert.equal(withDefaults(schema.train, { epochs: 2, unknown: 3, kind: undefined }), {
    ...defaultsOf(schema.train),
    epochs: 2,
  });
});

test('what is no group of settings is refused', () => {
  for (const wrong of [null, undefined, 3, 'train', [1]]) {
    assert.throws(() => resolveSettings(wrong as never), /^settings: expected groups of settings, such as/);
  }
  assert.throws(() => resolveSettings({ train: 5 } as never), 'settings: there is no setting train; did you mean');
  assert.throws(() => resolveSettings({ train: 'abc' } as never), 'settings: there is no setting train; did you mean');
  assert.is(resolveSettings({ train: undefined, model: {} }).train.epochs, 40);
  assert.throws(() => resolveSettings({ augment: { hue: ',' } } as never), /augment\.hue is ",", expected two/);
  assert.throws(() => resolveSettings({ train: { epochs: Number.NaN } }), /train\.epochs is NaN, expected an integer/);
  try {
    resolveSettings({ train: { epoch: 1 } } as never);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, SettingError);
    assert.equal([(error as SettingError).name, (error as SettingError).setting], ['SettingError', 'train.epoch']);
  }
});

test('a setting may be marked as one that a run can be resumed with', () => {
  assert.is(changeable(numeric(1, 'x')).decides, false);
  assert.is(settingsSchema.train.patience.decides, false);
  assert.is(settingsSchema.train.clipNorm.decides, true);
});

/** Whether a value is legal by the parts of JSON Schema that settings use. */
function isLegal(value: unknown, schema: Record<string, unknown>): boolean {
  if (schema['anyOf'] !== undefined) return (schema['anyOf'] as object[]).some((one) => isLegal(value, one as never));
  if ('const' in schema) return value === schema['const'];
  if (schema['enum'] !== undefined) return (schema['enum'] as unknown[]).includes(value);
  const [minimum = -Infinity, above = -Infinity, maximum = Infinity] = ['minimum', 'exclusiveMinimum', 'maximum'].map(
    (key) => schema[key] as number | undefined,
  );
  const isNumber =
    typeof value === 'number' && value >= minimum && value <= maximum && (value > above || above === -Infinity);
  if (schema['type'] === 'integer') return isNumber && Number.isInteger(value);
  if (schema['type'] === 'array') {
    const {
      items,
      minItems = 0,
      maxItems = Infinity,
    } = schema as { items: never; minItems?: number; maxItems?: number };
    return (
      Array.isArray(value) &&
      value.length >= minItems &&
      value.length <= maxItems &&
      value.every((item) => isLegal(item, items))
    );
  }
  if (schema['type'] === 'string') return typeof value === 'string' && value.length >= Number(schema['minLength'] ?? 0);
  return schema['type'] === 'number' ? isNumber : typeof value === schema['type'];
}

test('the JSON schema for editors takes the values that the settings take, and no others', () => {
  const { properties } = jsonSchemaOf(settingsSchema, 'x') as {
    properties: Record<string, { properties: Record<string, never> }>;
  };
  const tried = [
    '',
    null,
    true,
    false,
    'auto',
    'none',
    'x',
    'adamw',
    -1,
    0,
    0.1,
    0.99,
    1,
    2,
    3.5,
    64,
    600,
    1e9,
    [],
    ['a'],
    [0.5, 1],
    [1, 0.5, 1],
    [-1, 1],
  ];
  for (const name of namesOf(settingsSchema)) {
    const [group, key] = name.split('.') as [keyof typeof settingsSchema, string];
    const setting = (settingsSchema[group] as Schema[string])[key]!;
    for (const value of tried) {
      // A string may also be a number, from the command line; a file has the number itself.
      if (value !== setting.default && setting.read(value) === undefined)
        assert.not.ok(isLegal(value, properties[group]!.properties[key]!), `${name}: ${JSON.stringify(value)}`);
      else assert.ok(isLegal(value, properties[group]!.properties[key]!), `${name}: ${JSON.stringify(value)}`);
    }
  }
});

test.run();
