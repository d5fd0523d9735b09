// CPU time, bytes and waiting of data-parallel training by number of ranks. Ranks share the cores of this computer, so the measure is
// the CPU time of all of them per image, with the same number of images per rank. In turns, they train together, and each for itself
// at the same time: the efficiency is the ratio of the two CPU times.
//   for n in 1 2 4; do mpirun -n $n node --conditions retinagrad-source --import tsx bench/ranks.ts; done
// Arguments: images per rank and step, side of the images, steps of each kind, MiB of a bucket, width of the network.
import { init, manualSeed, RetinaNet, retinaNetSpec } from '../src/node.ts';
import { rgbImage } from '../src/imagery/image.ts';
import { DataParallel, openMpi } from '../src/distributed-node.ts';
import { readLosses, Trainer } from '../src/train.ts';

const [images = 2, side = 256, steps = 6, mib = 8, width = 16] = process.argv.slice(2).map(Number);
const communicator = await openMpi();
const { rank, size } = communicator;
const replicas = new DataParallel(communicator, { bucketBytes: mib * 2 ** 20 });
const device = await init();
manualSeed(1);
const model = new RetinaNet(
  1,
  retinaNetSpec('torchvision', {
    backbone: { depth: 18, width, norm: 'batch' },
    pyramid: { channels: 4 * width },
    head: { channels: 4 * width, convs: 2 },
    transform: { minSize: null },
  }),
);
const trainer = new Trainer(model, { totalSteps: 1000 });
const samples = Array.from({ length: images }, (_, i) => ({
  id: `${i}`,
  image: rgbImage(
    side,
    side,
    new Uint8Array(3 * side * side).map((_, k) => (k * (7 + i + rank)) % 251),
  ),
  boxes: Float32Array.of(20, 20, 60, 70),
  labels: Int32Array.of(0),
}));
async function step(isShared: boolean): Promise<void> {
  if (!isShared) {
    await readLosses(trainer.step(samples));
    return;
  }
  const { numbers } = await trainer.sharedGradients(samples, replicas, false);
  trainer.update();
  await readLosses(numbers);
}

/** Takes a step, and adds what it took. */
async function measure(isShared: boolean, into: { cpu: number; seconds: number }): Promise<void> {
  await communicator.barrier();
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await step(isShared);
  await device.idle();
  const { user, system } = process.cpuUsage(cpu);
  into.cpu += (user + system) / 1e6;
  into.seconds += (performance.now() - start) / 1000;
}

await trainer.warmup(samples);
for (const isShared of [false, true]) await step(isShared);
const before = replicas.counts;
const [alone, shared] = [
  { cpu: 0, seconds: 0 },
  { cpu: 0, seconds: 0 },
];
for (let i = 0; i < steps; i++) {
  await measure(false, alone);
  await measure(true, shared);
}
const own = {
  alone: alone.cpu,
  shared: shared.cpu,
  sum: replicas.counts.sumMilliseconds - before.sumMilliseconds,
  wait: replicas.counts.waitMilliseconds - before.waitMilliseconds,
};
const all = await communicator.gather(own);
if (rank === 0) {
  const total = (of: (one: typeof own) => number): number => all.reduce((sum, one) => sum + of(one), 0);
  const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
  const bytes = (replicas.counts.bytes - before.bytes) / steps;
  console.log(
    JSON.stringify({
      ranks: size,
      transport: communicator.transport,
      adapter: device.adapter.name,
      weights,
      cpuSecondsPerImage: Number((total((one) => one.shared) / (steps * images * size)).toPrecision(4)),
      cpuSecondsPerImageAlone: Number((total((one) => one.alone) / (steps * images * size)).toPrecision(4)),
      efficiency: Number((total((one) => one.alone) / total((one) => one.shared)).toPrecision(3)),
      secondsPerStep: Number((shared.seconds / steps).toPrecision(4)),
      secondsPerStepAlone: Number((alone.seconds / steps).toPrecision(4)),
      // Each rank sends this fraction of what it sums twice: to those that add it, and the sums to all.
      bytesSentPerStep: (2 * (size - 1) * bytes) / size,
      minimum: (2 * (size - 1) * 4 * weights) / size,
      sumMillisecondsPerStep: total((one) => one.sum) / steps / size,
      waitMillisecondsPerStep: total((one) => one.wait) / steps / size,
    }),
  );
}
await communicator.close();
process.exit();
