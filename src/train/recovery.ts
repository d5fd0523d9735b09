import { reasonOf } from '../common/check.ts';
import { readStateDict, type HostTensor } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Device } from '../tensor/device.ts';
import { DeviceLostError } from '../tensor/errors.ts';
import type { TrainOptions } from './run-options.ts';

/** A loss of the device that ended a session of a run. */
export interface Loss {
  readonly error: DeviceLostError;
  /** Steps taken until then. */
  readonly steps: number;
  /** Steps of the newest saved state; 0 if there is none. */
  readonly saved: number;
}

/** What to do about a GPU that is lost again and again. */
const REMEDIES =
  'If this happens again: drivers reset a GPU that computes one thing for longer than a few seconds, so lower train.batchSize, ' +
  'data.tile or model.imageSize; update the driver; or use another adapter (--adapter)';

/**
 * Takes a run to a new device after its own was lost: the model gets memory there, and the run is resumed from the newest
 * state in its store. The steps since then are computed again, with the same bits on the same adapter. Before the first
 * state, the run starts again from the initial weights, of which a copy is kept on the host.
 *
 * A second loss before the run has gone beyond the step of the first has the same cause, and ends it.
 */
export class Recovery {
  readonly #model: RetinaNet;
  readonly #options: TrainOptions;
  readonly #weights: ReadonlyMap<string, HostTensor>;
  readonly #sampler: string | null;
  /** The furthest step at which the device was lost. */
  #lostAt = -1;

  private constructor(model: RetinaNet, options: TrainOptions, weights: ReadonlyMap<string, HostTensor>) {
    this.#model = model;
    this.#options = options;
    this.#weights = weights;
    this.#sampler = options.sampler?.state() ?? null;
  }

  /** Keeps what a run starts from. */
  static async begin(model: RetinaNet, options: TrainOptions): Promise<Recovery> {
    return new Recovery(model, options, await readStateDict(model.stateDict()));
  }

  /** Moves the model to a new device. Throws a DeviceLostError if there is none, or if that would not help. */
  async recover(loss: Loss): Promise<void> {
    const { steps, saved, error } = loss;
    if (steps <= this.#lostAt) throw this.#final(loss, `lost again at step ${steps}, on a new device, too`);
    this.#lostAt = steps;
    const before = this.#model.parameters()[0]!.device;
    let device: Device;
    try {
      device = await before.reopen();
    } catch (cause) {
      throw this.#final(loss, `lost at step ${steps}, and no new device could be opened (${reasonOf(cause)})`);
    }
    this.#model.moveTo(device, this.#weights);
    const { sampler, onWarning } = this.#options;
    // Resuming restores it, if there is a state.
    if (this.#sampler !== null) sampler?.restore(this.#sampler);
    const { name } = device.adapter;
    const where =
      name === before.adapter.name
        ? `a new device of ${name}`
        : `${name}, which rounds otherwise than ${before.adapter.name}`;
    onWarning?.(
      `The GPU was lost at step ${steps} (${error.reason}: ${error.detail}). The training goes on ` +
        `${saved > 0 ? `from step ${saved}, its last saved state,` : 'from its beginning'} on ${where}.`,
    );
  }

  #final({ saved, error }: Loss, what: string): DeviceLostError {
    const { path } = this.#options.folder;
    const kept =
      saved > 0 ? `${path} holds its state of step ${saved}: resume it` : 'Nothing was saved: start it again';
    const message = `the GPU was ${what} (${error.reason}: ${error.detail}).\n  ${kept}. ${REMEDIES}`;
    return new DeviceLostError('trainDetector', message, error, { cause: error });
  }
}
