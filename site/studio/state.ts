// The state of the page, in signals, and what changes it. All work is the worker's.
import { computed, signal } from '@preact/signals';
import { proxy, wrap, type Remote } from 'comlink';
import type { EvaluationRecord, StepRecord } from 'retinagrad/detector';
import { explain } from './errors.ts';
import type { DataSummary } from './data-store.ts';
import type { GivenFile } from './own-data.ts';
import type { Found, SessionEnd, SessionEvent } from './session.ts';
import { firstSettings, hashOf, planOfHash, samplePlan, SYNTHETIC, whyFirst, type Plan } from './share.ts';
import type { RunSummary } from './store.ts';
import type { Gpu, Studio } from './worker.ts';

const worker = new Worker(new URL('studio-worker.js', import.meta.url), { type: 'module' });
export const studio: Remote<Studio> = wrap<Studio>(worker);

export const gpu = signal<Gpu | null>(null);
/** What stands in the way, in plain words, with what to do; null for nothing. */
export const problem = signal<string | null>(null);
export const plan = signal<Plan>(samplePlan);
/** The own data of the plan; null for the sample, and for data that is not in this browser. */
export const data = signal<DataSummary | null>(null);
/** How far reading own files is, for people; empty for nothing. */
export const importing = signal('');
const dataName = computed(() =>
  plan.value.data === SYNTHETIC ? 'Synthetic buildings' : (data.value?.name ?? 'own data'),
);

/** What a session is doing. */
export type Phase = 'idle' | 'preparing' | 'training' | 'ending';
export const phase = signal<Phase>('idle');
export const isBusy = computed(() => phase.value !== 'idle');
export const activity = signal<Extract<SessionEvent, { kind: 'progress' }> | null>(null);
export const prepared = signal<Extract<SessionEvent, { kind: 'prepared' }> | null>(null);
export const steps = signal<readonly StepRecord[]>([]);
export const evaluations = signal<readonly EvaluationRecord[]>([]);
export const totalSteps = signal(0);
/** Detections on the shown images after the last evaluation. */
export const found = signal<readonly Found[] | null>(null);
export const warnings = signal<readonly string[]>([]);
export const ended = signal<SessionEnd | null>(null);
/** The run that is trained or was trained last in this page. */
export const current = signal<string | null>(null);
export const runs = signal<readonly RunSummary[]>([]);
export const dataSets = signal<readonly DataSummary[]>([]);

/** Seconds until the end of training at the speed so far, as the command estimates it; null before the first step. */
export const secondsLeft = computed(() => {
  const last = steps.value.at(-1);
  if (last === undefined || prepared.value === null) return null;
  return ((totalSteps.value - last.step) * prepared.value.stepImages) / last.imagesPerSecond;
});

export async function refreshRuns(): Promise<void> {
  runs.value = await studio.runs();
}

export async function refreshData(): Promise<void> {
  dataSets.value = await studio.dataSets();
}

/** Runs something that may fail, and shows why it did. */
export async function attempt(what: () => Promise<void>): Promise<void> {
  problem.value = null;
  try {
    await what();
  } catch (error) {
    problem.value = explain(error);
  }
}

/** Reads the link, and looks for the GPU and for earlier runs. */
export async function start(): Promise<void> {
  await attempt(async () => {
    plan.value = planOfHash(location.hash) ?? samplePlan;
    await loadData();
  });
  // Asked once: otherwise the browser may clear the storage when space is scarce.
  void navigator.storage?.persist?.();
  if (!('gpu' in navigator)) {
    problem.value = explain(new DOMException('', 'NoAdapterError'));
    return;
  }
  await Promise.all([refreshRuns(), refreshData()]);
  try {
    gpu.value = await studio.gpu();
  } catch (error) {
    problem.value = explain(error);
  }
}

/** Looks for the data of the plan in the storage. */
async function loadData(): Promise<void> {
  data.value = plan.value.data === SYNTHETIC ? null : await studio.data(plan.value.data);
}

/** Reads own files, which become the data of the plan. */
export const importFiles = (files: readonly GivenFile[]): Promise<void> =>
  attempt(async () => {
    const onProgress = proxy((done: number, total: number) => {
      importing.value = `Reading image ${done} of ${total}…`;
    });
    try {
      useData(await studio.importData(files, onProgress));
      await refreshData();
    } finally {
      importing.value = '';
    }
  });

/** Makes a data set that of the plan. */
export function useData(set: DataSummary): void {
  // Settings of the sample suit the sample, and first settings the data and boxes that they were made for.
  const isChosen = plan.value.data !== SYNTHETIC && whyFirstSettings() === null;
  data.value = set;
  change({ data: set.id, settings: isChosen ? plan.value.settings : firstSettings(set, isHardware()).settings });
}

const isHardware = (): boolean => gpu.value?.isHardware ?? false;

/** Why the settings of own data are as they are; null if somebody chose them. */
export const whyFirstSettings = (): string | null =>
  data.value === null ? null : whyFirst(plan.value.settings, data.value, isHardware());

export const removeData = (set: DataSummary): Promise<void> =>
  attempt(async () => {
    await studio.removeData(set.id);
    if (data.value?.id === set.id) useSample();
    await refreshData();
  });

export function useSample(): void {
  change(samplePlan);
  data.value = null;
}

/** Changes the plan, and the link with it. */
export function change(next: Plan): void {
  plan.value = next;
  history.replaceState(null, '', hashOf(next));
}

function take(event: SessionEvent): void {
  if (event.kind === 'progress') activity.value = event;
  else if (event.kind === 'prepared') {
    prepared.value = event;
    steps.value = event.records.filter((record) => record.kind === 'step');
    evaluations.value = event.records.filter((record) => record.kind === 'evaluation');
    activity.value = { kind: 'progress', text: 'Compiling the kernels', done: 0, total: 0 };
    phase.value = phase.value === 'ending' ? 'ending' : 'training';
  } else if (event.kind === 'step') {
    const { record } = event;
    // After a lost GPU, steps are computed again.
    steps.value = [...steps.value.filter(({ step }) => step < record.step), record];
    totalSteps.value = event.totalSteps;
    activity.value = null;
  } else if (event.kind === 'evaluation') {
    evaluations.value = [...evaluations.value.filter(({ step }) => step < event.record.step), event.record];
    found.value = event.found;
    activity.value = null;
  } else warnings.value = [...warnings.value, event.text];
}

async function session(run: (emit: typeof take) => Promise<SessionEnd>): Promise<void> {
  phase.value = 'preparing';
  [steps.value, evaluations.value, found.value, warnings.value, ended.value] = [[], [], null, [], null];
  prepared.value = null;
  await attempt(async () => {
    ended.value = await run(proxy(take));
  });
  phase.value = 'idle';
  activity.value = null;
  await refreshRuns();
}

/** Begins a run of the plan. */
export async function train(): Promise<void> {
  const name = `Run ${runs.value.length + 1}`;
  current.value = null;
  await session((emit) => studio.begin(plan.value, { name, dataName: dataName.value }, emit));
  current.value = runs.value[0]?.id ?? null;
}

/** Continues a run from its last state. */
export async function resume(run: RunSummary): Promise<void> {
  current.value = run.id;
  change({ data: run.data, settings: run.settings });
  await attempt(loadData);
  await session((emit) => studio.resume(run.id, emit));
}

export function pause(): void {
  phase.value = 'ending';
  void studio.pause();
}

export function stop(): void {
  phase.value = 'ending';
  void studio.stop();
}
