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
/** The trained detector of the site, as `model.weights` names it. */
export const SHIPPED = 'buildings.safetensors';

/** What a training from the detector of the site begins with: its network, and the learning rate that it was trained with. */
const shippedStart = { 'model.network': 'tiny', 'model.weights': SHIPPED, 'train.learningRate': 0.003 } as const;

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

/** Steps of a training on few images (46 on ten images were too few), and from random weights, as the doctor counts them. */
const STEPS = { few: 300, scratch: 3000 };
/** Images of a step and epochs by default, and evaluations that show how a training on few images does. */
const STEP_IMAGES = 4;
const EPOCHS = 40;
const EVALUATIONS = 15;
/** Fraction of the images that is not held out. */
const TRAINED = 0.8;
/** Images of which the default epochs have the steps that random weights take: 375. */
const ENOUGH = Math.ceil((STEPS.scratch * STEP_IMAGES) / (EPOCHS * TRAINED));

/** What the first settings depend on. */
interface OwnFacts {
  /**
   * Images with boxes. Images that are not annotated are not trained on, and those without objects teach only what is none:
   * neither makes a step from which an object is learnt.
   */
  readonly boxed: number;
  readonly tile: number | null;
}

/**
 * The settings that own data begin with, and why, in a sentence. Few images begin with the detector of the site, from which they are
 * learnt in minutes, in more epochs. So many that the default epochs have the steps that random weights take begin with the next
 * larger network, which has no weights to start from; software adapters would take hours for it.
 */
export function firstSettings({ boxed, tile }: OwnFacts, isHardware: boolean): { settings: Changed; why: string } {
  const tiles = tile === null ? {} : { 'data.tile': tile, 'data.overlap': Math.min(64, tile / 4) };
  const isEnough = boxed >= ENOUGH;
  if (isEnough && isHardware) {
    const why = `${boxed} images with boxes are enough to train the larger network “small” from random weights.`;
    return { settings: { 'model.network': 'small', ...tiles }, why };
  }
  const why = isEnough
    ? 'Without a GPU, only the smallest network trains in reasonable time: it starts from the detector of this site.'
    : `The smallest network starts from the detector of this site: random weights take at least ${ENOUGH} images with boxes (here ${boxed}).`;
  const epochs = Math.ceil(STEPS.few / Math.max(1, Math.floor((TRAINED * boxed) / STEP_IMAGES)));
  // An image has several tiles, and an epoch as many times more steps.
  const longer =
    tile !== null || epochs <= EPOCHS
      ? {}
      : { 'train.epochs': epochs, 'train.evaluateEvery': Math.ceil(epochs / EVALUATIONS) };
  return { settings: { ...shippedStart, ...tiles, ...longer }, why };
}

/** Why settings are as they are, if they are the first ones of own data; null if they are others. */
export function whyFirst(settings: Changed, own: OwnFacts, isHardware: boolean): string | null {
  const first = firstSettings(own, isHardware);
  const textOfAll = (of: Changed): string => hashOf({ data: '', settings: of });
  return textOfAll(settings) === textOfAll(first.settings) ? first.why : null;
}

/** Settings with batch norms instead of those of a kind. */
const withoutNorm = (kind: string, settings: Changed): Changed =>
  settings['model.norm'] === kind ? { ...settings, 'model.norm': 'batch' } : settings;

/**
 * Settings after a change of one, and of those that depend on it: the detector of the site has one network, with batch norms.
 * Another network, or group norms, start from random weights, with the learning rate that suits them, and random weights have no
 * statistics to freeze.
 */
export function withSetting(settings: Changed, name: string, value: unknown): Changed {
  const changed = { ...settings, [name]: value };
  if (name === 'model.weights') {
    return value === SHIPPED ? { ...withoutNorm('group', changed), ...shippedStart } : withoutNorm('frozen', changed);
  }
  const isOtherNetwork = name === 'model.network' && value !== shippedStart[name];
  const isOther = isOtherNetwork || (name === 'model.norm' && value === 'group');
  if (!isOther || settings['model.weights'] !== SHIPPED) return changed;
  const {
    'model.weights': _,
    'train.learningRate': rate,
    ...rest
  }: Record<string, unknown> = withoutNorm('frozen', changed);
  return rate === shippedStart['train.learningRate'] ? rest : { ...rest, 'train.learningRate': rate };
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
 * What a link holds; null if it names no data. A link with data alone has the sample's settings. Throws an Error that names a
 * setting that does not exist or has a value that is not legal.
 */
export function planOfHash(hash: string): Plan | null {
  const { data, ...given } = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, '')));
  if (data === undefined) return null;
  if (Object.keys(given).length === 0 && data === SYNTHETIC) return samplePlan;
  const settings = settingsOf({ data, settings: given }, 'the link');
  checkStart(settings.model);
  return { data, settings: changedOf(settings) };
}

/** Throws if a link names weights that the site does not have, or another network or norms than theirs. */
function checkStart({ weights, network, norm }: Settings['model']): void {
  if (weights === null) return;
  if (weights !== SHIPPED) throw new Error(`the link: model.weights is "${weights}", expected none or ${SHIPPED}`);
  const theirs = shippedStart['model.network'];
  if (network !== theirs)
    throw new Error(`the link: model.network is "${network}", expected ${theirs}, the network of ${SHIPPED}`);
  if (norm === 'group') throw new Error(`the link: model.norm is "group", expected batch or frozen for ${SHIPPED}`);
}
