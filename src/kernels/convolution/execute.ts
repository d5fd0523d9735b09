import type { Device } from '../../tensor/device.ts';
import { empty, type Tensor } from '../../tensor/tensor.ts';
import type { Tuning } from '../../tensor/tuning.ts';
import { copyStrided } from '../copy.ts';
import { fill } from '../elementwise.ts';
import { reduceAxis } from '../reduce.ts';
import { run, type Slice } from '../run.ts';
import { copySlice } from '../slices.ts';
import { factsOf, tuningOf, type AdapterFacts } from '../tuning.ts';
import { axpby } from '../update.ts';
import type { Plan, Planned, Step } from './plan.ts';

interface PlanCache {
  readonly tuning: Tuning;
  readonly plans: Map<string, Plan>;
}

const caches = new WeakMap<Device, PlanCache>();
/** Plans kept for reuse; a training step of a large network needs a few hundred. */
const MAX_PLANS = 4096;

/** The plan that `make` makes, which is kept under a key: shapes and options, all that it depends on besides the device. */
export function planFor(device: Device, key: string, make: (adapter: AdapterFacts) => Plan): Plan {
  const tuning = tuningOf(device);
  let cache = caches.get(device);
  if (cache === undefined || cache.tuning !== tuning || cache.plans.size >= MAX_PLANS) {
    cache = { tuning, plans: new Map() };
    caches.set(device, cache);
  }
  let plan = cache.plans.get(key);
  if (plan === undefined) {
    plan = make(factsOf(device));
    cache.plans.set(key, plan);
  }
  return plan;
}

/**
 * Carries out a plan. Memory for values in between is taken when a step first writes to them, and released after the last
 * step that needs them.
 *
 * @param operands by the names of the plan
 * @param keeps whether to keep what is derived from one operand alone until it changes, as inference does
 * @returns the result, in memory of its own
 */
export function execute(
  device: Device,
  plan: Plan,
  operands: Readonly<Record<string, Tensor | null>>,
  keeps = false,
): Tensor {
  const { op, steps, ends, result } = plan;
  const made = new Map<Planned, Tensor>();
  const at = (tensor: Planned): Tensor => {
    const known = tensor.isOperand ? operands[tensor.name]! : made.get(tensor);
    if (known !== undefined) return known;
    const fresh = empty(device, tensor.shape, 'float32', op);
    made.set(tensor, fresh);
    return fresh;
  };
  const sliceAt = ({ tensor, start, count }: Slice<Planned>): Slice => ({ tensor: at(tensor), start, count });
  const perform = (step: Step): void => {
    switch (step.kind) {
      case 'launch': {
        const bind: Record<string, Tensor | Slice> = {};
        for (const [name, x] of Object.entries<Planned | Slice<Planned>>(step.launch.bind)) {
          bind[name] = 'tensor' in x ? sliceAt(x) : at(x);
        }
        return run(device, step.kernel, { ...step.launch, op, bind });
      }
      case 'zero':
        return fill(at(step.y), 0);
      case 'copy':
        return copySlice(sliceAt(step.x), sliceAt(step.y));
      case 'walk':
        return copyStrided(op, at(step.x), step.from, at(step.y), step.to, step.shape);
      case 'add':
        return axpby(at(step.x), at(step.y), 1, 1);
      case 'sum': {
        const sum = reduceAxis('sum', at(step.x), ...step.extents);
        made.set(step.y, sum.alias(step.y.shape));
        sum.dispose();
        return;
      }
      case 'derive': {
        const x = at(step.x);
        const derive = (): Tensor => execute(device, step.plan, { [step.x.name]: x });
        made.set(step.y, keeps ? x.storage.derived(step.name, derive) : derive());
      }
    }
  };
  steps.forEach((step, i) => {
    perform(step);
    for (const tensor of ends[i]!) made.get(tensor)!.dispose();
  });
  return at(result);
}
