import type { Communicator } from '../../src/distributed/communicator.ts';

/** Ranks that live in this process, to test what needs several of them without MPI. */
export function ranksInProcess(size: number): Communicator[] {
  const meetings = new Map<number, { values: unknown[]; count: number; open: () => void; all: Promise<void> }>();
  const meet = async <T>(number: number, rank: number, value: T): Promise<T[]> => {
    let meeting = meetings.get(number);
    if (meeting === undefined) {
      let open = (): void => undefined;
      const all = new Promise<void>((resolve) => (open = resolve));
      meeting = { values: [], count: 0, open, all };
      meetings.set(number, meeting);
    }
    meeting.values[rank] = structuredClone(value);
    if (++meeting.count === size) meeting.open();
    await meeting.all;
    return meeting.values as T[];
  };
  return Array.from({ length: size }, (_, rank) => {
    let calls = 0;
    const gather = <T>(value: T): Promise<T[]> => meet(calls++, rank, value);
    return {
      rank,
      size,
      localRank: rank,
      transport: 'this process',
      gather,
      async allReduce(values, sums) {
        const all = await gather(values.slice());
        sums.set(all[0]!);
        for (const other of all.slice(1)) other.forEach((value, i) => (sums[i]! += value));
      },
      broadcast: async <T>(value: T | undefined, root = 0) => (await gather(value))[root] as T,
      barrier: async () => void (await gather(null)),
      abort: () => undefined,
      close: async () => undefined,
    };
  });
}
