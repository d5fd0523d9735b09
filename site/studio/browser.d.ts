// What TypeScript's declarations for pages lack: workers have it.
declare module '*.css';

interface FileSystemFileHandle {
  createSyncAccessHandle(): Promise<unknown>;
}
