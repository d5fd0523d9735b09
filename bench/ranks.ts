// CPU time, bytes and waiting of data-parallel training by number of ranks. Ranks share the cores of this computer, so the measure is
// the CPU time of all of them per image, with the same number of images per rank. In turns, they train together, and each for itself
// at the same time: the efficiency is the ratio of the two CPU times. Sums without a step tell how much of them a step hides.
//   for n in 1 2 4; do mpirun -n $n node --conditions retinagrad-source --import tsx bench/ranks.ts; done
// Arguments: images per rank and step, side of the images, steps of each kind, MiB of a bucket, width of the network, Mb/s of the
// network, for which `stepCost` estimates steps and sums. On simulated hosts:
//   node scripts/simulated-hosts.mjs --rate 50mbit node --conditions retinagrad-source --import tsx bench/ranks.ts 2 256 4 1 16 50
import { init, manualSeed, RetinaNet, retinaNetSpec, tidy } from '../src/node.ts';
import { rgbImage } from '../src/imagery/image.ts';
import { DataParallel, openMpi } from '../src/distributed-node.ts';
import { readLosses, Trainer } from '../src/train.ts';
import { estimates, readArguments } from './ranks-figures.ts';

const { images, side, steps, mib, width, megabits } = readArguments(process.argv.slice(2));
const communicator = await openMpi();
const { rank, size } = communicator;
const bucketBytes = mib * 2 ** 20;
const replicas = new DataParallel(communicator, { bucketBytes });
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
const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
const values = new Float32Array(Math.max(weights, 2 << 20)).fill(1e-3);

/** Sums the numbers of so many bytes in buckets, one after the other. */
async function sum(bytes: number, bucket: number): Promise<void> {
  for (let first = 0; first < bytes; first += bucket) {
    const part = values.subarray(first / 4, Math.min(first + bucket, bytes) / 4);
    await communicator.allReduce(part, part);
  }
}

/** What is measured, in turns. */
const kinds = {
  alone: async () => readLosses(trainer.step(samples)),
  shared: async () => {
    const { numbers } = await trainer.sharedGradients(samples, replicas, { images: images * size, isStopping: false });
    trainer.update();
    await readLosses(numbers);
  },
  forward: async () => {
    const pixels = samples.map(({ image }) => image);
    await tidy(() => model.losses(pixels, samples).total).item();
  },
  sums: () => sum(4 * weights, bucketBytes),
  sum1: () => sum(1 << 20, 1 << 20),
  sum8: () => sum(8 << 20, 8 << 20),
};
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];
const taken = new Map(names.map((name) => [name, { cpu: 0, seconds: [] as number[] }]));

await trainer.warmup(samples);
for (const name of names) await kinds[name]();
const before = replicas.counts;
for (let i = 0; i < steps; i++) {
  for (const name of names) {
    await communicator.barrier();
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    await kinds[name]();
    await device.idle();
    const { user, system } = process.cpuUsage(cpu);
    taken.get(name)!.cpu += (user + system) / 1e6 / steps;
    taken.get(name)!.seconds.push((performance.now() - start) / 1000);
  }
}

const rounded = (value: number): number => Number(value.toPrecision(3));
/** The least of this rank: other work on the computer only adds to it. */
const secondsOf = (name: Kind): number => Math.min(...taken.get(name)!.seconds);
const all = await communicator.gather(new Map(names.map((name) => [name, taken.get(name)!.cpu])));
/** Seconds of all ranks together. */
const cpuOf = (name: Kind): number => all.reduce((sum, cpu) => sum + cpu.get(name)!, 0);
const [alone, shared, sums] = [secondsOf('alone'), secondsOf('shared'), secondsOf('sums')];

const forward = secondsOf('forward');
const backward = alone - forward;
const estimated: Readonly<Record<string, number>> =
  megabits > 0 ? estimates({ ranks: size, weights, forward, backward, bucketBytes, megabits }) : {};
if (rank === 0) {
  console.log(
    JSON.stringify({
      ranks: size,
      transport: communicator.transport,
      adapter: device.adapter.name,
      weights,
      cpuSecondsPerImage: rounded(cpuOf('shared') / (images * size)),
      cpuSecondsPerImageAlone: rounded(cpuOf('alone') / (images * size)),
      efficiency: rounded(cpuOf('alone') / cpuOf('shared')),
      secondsPerStep: rounded(shared),
      secondsPerStepAlone: rounded(alone),
      secondsForward: rounded(forward),
      secondsOfSums: rounded(sums),
      fractionOfSumsHidden: rounded((alone + sums - shared) / sums),
      secondsOf1MiB: rounded(secondsOf('sum1')),
      cpuSecondsOf1MiB: rounded(cpuOf('sum1')),
      secondsOf8MiB: rounded(secondsOf('sum8')),
      cpuSecondsOf8MiB: rounded(cpuOf('sum8')),
      // Each rank sends this fraction of what it sums twice: to those that add it, and the sums to all.
      bytesSentPerStep: (2 * (size - 1) * (replicas.counts.bytes - before.bytes)) / steps / size,
      minimum: (2 * (size - 1) * 4 * weights) / size,
      ...Object.fromEntries(Object.entries(estimated).map(([name, seconds]) => [name, rounded(seconds)])),
    }),
  );
}
await communicator.close();
process.exit();
