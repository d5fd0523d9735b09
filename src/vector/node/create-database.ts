import { writeFile } from 'node:fs/promises';
import { optionalPackage } from '../../imagery/node/optional-package.ts';

/** A value of a column. */
type Value = string | number | Uint8Array | null;

/** A new SQLite database. */
export interface NewDatabase {
  /** Runs statements without parameters. */
  execute(sql: string): void;
  /** Prepares a statement with a `?` for each value. */
  prepare(sql: string): { run(values: readonly Value[]): void };
  /** Completes the file. */
  close(): Promise<void>;
}

/**
 * Creates a database: with Node's own SQLite where Node has it (22.13 and later), which writes to the file as it goes, and
 * otherwise with the package sql.js, which writes it from memory when it is closed.
 */
export async function createDatabase(path: string): Promise<NewDatabase> {
  const database = createWithNode(path) ?? (await createInMemory(path));
  // The file is moved into place when it is complete: until then there is nothing to recover.
  database.execute('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
  return database;
}

/** The part of `node:sqlite` that is used; the types of Node 20 do not have it. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void;
    prepare(sql: string): { run(...values: Value[]): unknown };
    close(): void;
  };
}

function createWithNode(path: string): NewDatabase | null {
  const sqlite = process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined;
  if (sqlite === undefined) return null;
  const database = new sqlite.DatabaseSync(path);
  return {
    execute: (sql) => database.exec(sql),
    prepare(sql) {
      const statement = database.prepare(sql);
      return { run: (values) => void statement.run(...values) };
    },
    close: () => Promise.resolve(database.close()),
  };
}

async function createInMemory(path: string): Promise<NewDatabase> {
  const { default: initialize } = await optionalPackage('sql.js', () => import('sql.js'));
  const database = new (await initialize()).Database();
  return {
    execute: (sql) => void database.run(sql),
    prepare(sql) {
      const statement = database.prepare(sql);
      return { run: (values) => statement.run([...values]) };
    },
    async close() {
      const bytes = database.export(); // It also frees all statements.
      database.close();
      await writeFile(path, bytes);
    },
  };
}
