import type { HostTensor } from '../nn/module.ts';
import { resumeRun, type Progress } from './progress.ts';
import { checkAlike, type Replicas } from './replicas.ts';
import { changeableSettings, resumeFingerprint, type RunPlan, type TrainOptions } from './run-options.ts';
import type { EpochSampler } from './sampler.ts';
import type { Trainer } from './trainer.ts';

/** The progress of a new run or of the one to resume, whose session begins. */
export async function openProgress(trainer: Trainer, options: TrainOptions, plan: RunPlan): Promise<Progress> {
  const { folder, sampler, resume = false } = options;
  const { settings, onWarning } = plan;
  const fresh: Progress = {
    settings: await resumeFingerprint(trainer.model, options, plan),
    changeable: changeableSettings(settings),
    steps: 0,
    best: null,
    lastEvaluatedStep: 0,
    evaluationsSinceBest: 0,
    sampler: null,
  };
  const { replicas } = options;
  if (replicas !== undefined) await checkAlike(replicas, { ...fresh.settings, ...fresh.changeable, resume });
  const isFirst = (replicas?.rank ?? 0) === 0;
  const own = resume && isFirst ? resumeRun(trainer, folder, fresh, { sampler, onWarning }) : fresh;
  const progress = replicas === undefined ? own : await shareState(replicas, trainer, own, sampler);
  const { tensorboard, keepStates } = settings;
  const { adapter } = trainer.model.parameters()[0]!.device;
  folder.begin(adapter, { steps: trainer.steps, tensorboard, keepStates, onWarning });
  return progress;
}

/** Gives all processes the weights, the optimizer and the progress of process 0. */
async function shareState(
  replicas: Replicas,
  trainer: Trainer,
  progress: Progress,
  sampler: EpochSampler | undefined,
): Promise<Progress> {
  const isFirst = replicas.rank === 0;
  const own = isFirst ? await trainer.snapshot() : new Map<string, HostTensor>();
  const head = isFirst ? { progress, steps: trainer.steps, names: [...own.keys()] } : undefined;
  const { progress: shared, steps, names } = await replicas.broadcast(head);
  const state = new Map<string, HostTensor>();
  for (const name of names) state.set(name, await replicas.broadcast(own.get(name)));
  if (isFirst) return progress;
  trainer.restore(state, steps);
  if (sampler !== undefined && typeof shared.sampler === 'string') sampler.restore(shared.sampler);
  return shared;
}
