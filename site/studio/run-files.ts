// Opens the files of a run in the browser's private file system.
import { METRICS, slotNames, type Replaced, type RunFiles } from './opfs-run.ts';
import { SlotFile, type Handle } from './slot-file.ts';

/** Opens the files of a run, which no other tab can open until they are closed. */
export async function openRunFiles(folder: FileSystemDirectoryHandle): Promise<RunFiles> {
  const opened: Handle[] = [];
  const open = async (name: string): Promise<Handle> => {
    const file = await folder.getFileHandle(name, { create: true });
    const handle = (await file.createSyncAccessHandle()) as Handle;
    opened.push(handle);
    return handle;
  };
  try {
    const slots = async (name: Replaced): Promise<SlotFile> => {
      const [a, b] = slotNames(name);
      return new SlotFile([await open(a), await open(b)]);
    };
    return {
      state: await slots('state'),
      best: await slots('best'),
      last: await slots('last'),
      metrics: await open(METRICS),
    };
  } catch (error) {
    for (const handle of opened) handle.close();
    throw error;
  }
}
