// What a link to an experiment holds: the data, and every setting that is not the default. The part after # is not sent to a server.
import { resolveLayers, settingsSchema, type Settings } from 'retinagrad/detector';

/** Settings by name, `group.setting`, as the command line takes them. Others have their defaults. */
export type Changed = Readonly<Record<string, unknown>>;

/** What to train: data, and settings. */
export interface Plan {
  /** `synthetic`, or the id of a data set in storage. */
  readonly data: string;
  readonly settings: Changed;
}

export const SYNTHETIC = 'synthetic';

/** The sample as one click trains it: minutes on a GPU. */
export const samplePlan: Plan = {
  data: SYNTHETIC,
  settings: {
    'data.chips': 160,
    'model.network': 'tiny',
    'train.epochs': 12,
    'train.learningRate': 0.003,
    'train.patience': null,
  },
};

/** Steps of a training on few images (46 on ten images were too few), images of a step by default, and evaluations that show how it does. */
const STEPS = 300;
const STEP_IMAGES = 4;
const EVALUATIONS = 15;
/** The default. */
const EPOCHS = 40;

/** The settings that own data begin with: tiles of large images, and of few images more epochs. */
export function firstSettings({ images, tile }: { readonly images: number; readonly tile: number | null }): Changed {
  if (tile !== null) return { 'data.tile': tile, 'data.overlap': Math.min(64, tile / 4) };
  const epochs = Math.ceil(STEPS / Math.max(1, Math.floor((0.8 * images) / STEP_IMAGES)));
  if (epochs <= EPOCHS) return {};
  return { 'train.epochs': epochs, 'train.evaluateEvery': Math.ceil(epochs / EVALUATIONS) };
}

/** The settings of a plan. Throws a SettingError that names the setting. */
export const settingsOf = ({ settings }: Plan, from = 'settings'): Settings =>
  resolveLayers(settingsSchema, [{ from, values: new Map(Object.entries(settings)) }]);

/** A value as the command line takes it. */
export function textOf(value: unknown): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The settings that differ from the defaults, in the order of the schema. */
export function changedOf(settings: Settings): Changed {
  return Object.fromEntries(
    Object.entries(settingsSchema).flatMap(([group, members]) =>
      Object.entries(members).flatMap(([name, setting]) => {
        const value = (settings as unknown as Record<string, Record<string, unknown>>)[group]![name];
        return textOf(value) === textOf(setting.default) ? [] : [[`${group}.${name}`, value]];
      }),
    ),
  );
}

/** The part of a link after #, which `planOfHash` reads. */
export function hashOf(plan: Plan): string {
  const parts = new URLSearchParams({ data: plan.data });
  for (const [name, value] of Object.entries(changedOf(settingsOf(plan)))) parts.set(name, textOf(value));
  return `#${parts.toString().replaceAll('%2C', ',')}`;
}

/**
 * What a link holds; null if it names no data. A link with data alone has the sample's settings. Throws a SettingError for
 * settings that do not exist or have values that are not legal.
 */
export function planOfHash(hash: string): Plan | null {
  const { data, ...given } = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')));
  if (data === undefined) return null;
  if (Object.keys(given).length === 0 && data === SYNTHETIC) return samplePlan;
  return { data, settings: changedOf(settingsOf({ data, settings: given }, 'the link')) };
}
