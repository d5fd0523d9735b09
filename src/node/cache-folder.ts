import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of what the library keeps for this user and can make again, by the convention of the system. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env;
  if (xdg) return join(xdg, 'retinagrad');
  if (process.platform === 'win32') return join(local || join(homedir(), 'AppData', 'Local'), 'retinagrad');
  return join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'retinagrad');
}
