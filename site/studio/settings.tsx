// The settings of a training: the schema of `retinagrad train` as a form. The important ones first, all others folded away.
import { useSignal } from '@preact/signals';
import { settingsSchema } from 'retinagrad/detector';
import { changedOf, settingsOf, SHIPPED, textOf, withSetting } from './share.ts';
import { change, isBusy, plan, whyFirstSettings } from './state.ts';

/** What most people change, with a name for people. */
const IMPORTANT: Readonly<Record<string, string>> = {
  'model.weights': 'Start from',
  'model.network': 'Network',
  'train.epochs': 'Epochs',
  'train.batchSize': 'Batch size',
  'train.learningRate': 'Learning rate',
  'data.tile': 'Tiles',
  'train.seed': 'Random seed',
};

/** About files, threads and outputs that a page does not have. */
const NOT_HERE: ReadonlySet<string> = new Set([
  ...['path', 'images', 'format', 'classProperty', 'pointSize', 'layer', 'bands', 'area', 'exclude'].map(
    (n) => `data.${n}`,
  ),
  ...['unlabelled', 'validation', 'workers', 'checks'].map((name) => `data.${name}`),
  'train.tensorboard',
  'train.keepStates',
]);

/** What is known of a setting. */
interface Member {
  readonly name: string;
  readonly about: string;
  readonly expected: string;
  readonly default: unknown;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly read: (value: unknown) => unknown;
}

const members: readonly Member[] = Object.entries(settingsSchema).flatMap(([group, settings]) =>
  Object.entries(settings).map(([name, setting]) => ({
    ...(setting as Omit<Member, 'name'>),
    name: `${group}.${name}`,
  })),
);

/** The weights to start from that a page has: the command takes any file. */
const start = {
  choices: { none: 'random weights', [SHIPPED]: 'the detector of this site' },
  about:
    'the detector of this site has the network tiny, and was trained on drawn images of buildings: from it, a few images of ' +
    'other objects are learnt in fewer steps. Another network starts from random weights',
};

export function Settings() {
  const others = members.filter(({ name }) => !(name in IMPORTANT) && !NOT_HERE.has(name));
  const groups = Object.keys(settingsSchema);
  return (
    <section aria-labelledby="settings-title">
      <h2 id="settings-title">Settings</h2>
      <p role="status">{whyFirstSettings()}</p>
      <fieldset class="studio-form" disabled={isBusy.value}>
        <legend class="visually-hidden">Important settings</legend>
        {Object.entries(IMPORTANT).map(([name, title]) => (
          <Field key={name} member={members.find((one) => one.name === name)!} title={title} />
        ))}
      </fieldset>
      <details>
        <summary>All settings</summary>
        {groups.map((group) => (
          <fieldset class="studio-form" disabled={isBusy.value}>
            <legend>{group}</legend>
            {others
              .filter(({ name }) => name.startsWith(`${group}.`))
              .map((member) => (
                <Field key={member.name} member={member} title={member.name} />
              ))}
          </fieldset>
        ))}
      </details>
    </section>
  );
}

/** The choices of a setting that has only some, with their names; null for free text. */
function choicesOf({ name, schema }: Member): Readonly<Record<string, string>> | null {
  if (name === 'model.weights') return start.choices;
  const values = valuesOf(schema);
  return values === null ? null : Object.fromEntries(values.map((value) => [value, value]));
}

function valuesOf(schema: Member['schema']): string[] | null {
  if (schema['type'] === 'boolean') return ['true', 'false'];
  const parts = (schema['anyOf'] as Member['schema'][] | undefined) ?? [schema];
  const choices = parts.map((part) => (part['const'] === undefined ? part['enum'] : [part['const']]));
  return choices.every((list) => Array.isArray(list))
    ? [...new Set((choices as unknown[][]).flat().map(textOf))]
    : null;
}

function Field({ member, title }: { readonly member: Member; readonly title: string }) {
  const { name, expected } = member;
  const about = name === 'model.weights' ? start.about : `${member.about}; ${expected}`;
  const invalid = useSignal<string | null>(null);
  const choices = choicesOf(member);
  const value = textOf(name in plan.value.settings ? plan.value.settings[name] : member.default);
  const set = (text: string): void => {
    const read = member.read(text);
    invalid.value = read === undefined ? `${name} is ${JSON.stringify(text)}, expected ${expected}` : null;
    if (read === undefined) return;
    const { data, settings } = plan.value;
    change({ data, settings: changedOf(settingsOf({ data, settings: withSetting(settings, name, read) })) });
  };
  const id = `setting-${name}`;
  const common = { id, 'aria-describedby': `${id}-about`, 'aria-invalid': invalid.value !== null };
  return (
    <div class="studio-field" data-setting={name}>
      <label for={id}>{title}</label>
      {choices === null ? (
        <input {...common} value={value} onChange={(event) => set(event.currentTarget.value)} />
      ) : (
        <select {...common} value={value} onChange={(event) => set(event.currentTarget.value)}>
          {Object.entries(choices).map(([choice, text]) => (
            <option value={choice}>{text}</option>
          ))}
        </select>
      )}
      <small id={`${id}-about`}>{about}</small>
      <span class="studio-invalid" role="alert">
        {invalid.value}
      </span>
    </div>
  );
}
