import { writeFile } from 'node:fs/promises';
import { readLimited } from '../../imagery/node/read-limited.ts';
import { optionalPackage } from '../../common/optional-package.ts';

// Databases are read and written by Node's own SQLite where Node has it without a flag (22.13 and later), which works on the
// file, and otherwise by the package sql.js, which holds the database in memory.

/** A value of a column. */
type Value = string | number | Uint8Array | null;

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** A database to read; the file is not changed. */
export interface Database {
  rows(sql: string): Iterable<Row>;
  close(): void;
}

/** A new database. */
export interface NewDatabase {
  /** Runs statements without parameters. */
  execute(sql: string): void;
  /** Prepares a statement with a `?` for each value. */
  prepare(sql: string): { run(values: readonly Value[]): void };
  /** Completes the file. */
  close(): Promise<void>;
}

/** Opens a database to read. */
export async function openDatabase(path: string): Promise<Database> {
  const sqlite = nodeSqlite();
  if (sqlite !== undefined) {
    const database = new sqlite.DatabaseSync(path, { readOnly: true });
    return { rows: (sql) => database.prepare(sql).iterate(), close: () => database.close() };
  }
  const { Database } = await loadSqlJs();
  const database = new Database(await readLimited(path));
  return {
    *rows(sql) {
      const statement = database.prepare(sql);
      try {
        while (statement.step()) yield statement.getAsObject();
      } finally {
        statement.free();
      }
    },
    close: () => database.close(),
  };
}

/** Creates a database. With Node's SQLite, the file grows as rows are written. */
export async function createDatabase(path: string): Promise<NewDatabase> {
  const database = createWithNode(path) ?? (await createInMemory(path));
  // The file is moved into place when it is complete: until then there is nothing to recover.
  database.execute('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
  return database;
}

function createWithNode(path: string): NewDatabase | null {
  const sqlite = nodeSqlite();
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
  const { Database } = await loadSqlJs();
  const database = new Database();
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

/** The part of `node:sqlite` that is used; the types of Node 20 do not have it. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    path: string,
    options?: { readonly readOnly: boolean },
  ) => {
    exec(sql: string): void;
    prepare(sql: string): { iterate(): Iterable<Row>; run(...values: Value[]): unknown };
    close(): void;
  };
}

const nodeSqlite = (): NodeSqlite | undefined => process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined;

const loadSqlJs = async () => (await optionalPackage('sql.js', () => import('sql.js'))).default();
