import { reasonOf } from '../common/check.ts';
import { readStateDict } from '../nn/module.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { Device } from '../tensor/device.ts';
import { DeviceLostError } from '../tensor/errors.ts';

/** What detects objects in a batch of images: a `RetinaNet`, or what stands in for it. */
export type BatchDetector = Pick<RetinaNet, 'detect' | 'spec'>;

/** Called after a loss, with the device on which detection goes on. */
export type OnLoss = (loss: DeviceLostError, device: Device) => void;

/** What to do about a GPU that is lost again and again. */
const REMEDY =
  'A driver resets a GPU that computes one thing for longer than a few seconds: use smaller tiles (predict --tile), ' +
  'or another adapter (--adapter)';

/**
 * A stand-in for a model whose weights do not change any more. If the device is lost, a new one is opened, the model moves
 * there with the copy of its weights that is kept on the host, and the batch is detected on again. A batch that loses the new
 * device as well is the cause, and ends it.
 */
export async function survivingLoss(model: RetinaNet, onLoss: OnLoss): Promise<BatchDetector> {
  const weights = await readStateDict(model.stateDict());
  const moveOn = async (loss: DeviceLostError): Promise<void> => {
    let device: Device;
    try {
      device = await model.parameters()[0]!.device.reopen();
    } catch (cause) {
      throw new DeviceLostError(
        'detect',
        `the GPU was lost (${loss.reason}: ${loss.detail}), and no new device could be opened (${reasonOf(cause)})`,
        loss,
        { cause },
      );
    }
    model.moveTo(device, weights);
    onLoss(loss, device);
  };
  return {
    spec: model.spec,
    async detect(images, options) {
      try {
        return await model.detect(images, options);
      } catch (error) {
        if (!(error instanceof DeviceLostError)) throw error;
        await moveOn(error);
      }
      try {
        return await model.detect(images, options);
      } catch (cause) {
        if (!(cause instanceof DeviceLostError)) throw cause;
        const { reason, detail } = cause;
        const what = `the GPU was lost again on the same images, on a new device, too (${reason}: ${detail})`;
        throw new DeviceLostError('detect', `${what}. ${REMEDY}`, cause, { cause });
      }
    },
  };
}
