/** What stands in the way of the embedded Postgres. Callers may match on it; the message is for people. */
export type EmbeddedPostgresProblem =
  | 'FOLDER_NOT_USABLE'
  | 'FOLDER_IN_USE'
  | 'FOLDER_NOT_A_DATABASE'
  | 'OTHER_VERSION'
  | 'DISK_FULL'
  | 'PORT_TAKEN'
  | 'BINARIES_MISSING'
  | 'START_FAILED';

/** The embedded Postgres cannot run here. The message is one clear sentence on the cause and one on the way out. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  constructor(
    readonly code: EmbeddedPostgresProblem,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Turns a file system error on `path` into a sentence that says what to do. Errors it does not know come back as they are. */
export function explainFileError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new EmbeddedPostgresError(
        'FOLDER_NOT_USABLE',
        `This process may not write to ${path}. Give its user write access there, or choose another data folder.`,
        { cause: error },
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new EmbeddedPostgresError(
        'FOLDER_NOT_USABLE',
        `${path} (or a part of that path) is a file, not a folder. Choose another data folder.`,
        { cause: error },
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(path, error);
    default:
      return error;
  }
}

/**
 * Turns what `initdb` or `postgres` printed before they gave up into a sentence that says what to do.
 *
 * @param output the last lines of their log, in English (`LC_ALL=C`)
 */
export function explainServerOutput(output: string, at: { dataDir: string; port?: number }): EmbeddedPostgresError {
  if (/No space left on device|Disk quota exceeded/i.test(output)) return diskFull(at.dataDir);
  if (/Address already in use|could not bind|could not create any TCP\/IP sockets/i.test(output)) {
    return new EmbeddedPostgresError(
      'PORT_TAKEN',
      `Port ${at.port} on 127.0.0.1 is taken by another program. Choose another port, or leave the choice to Tickwire.`,
    );
  }
  const foreign = /initialized by PostgreSQL version (\S+?),/.exec(output);
  if (foreign) return otherVersion(at.dataDir, foreign[1] ?? 'unknown');
  if (/error while loading shared libraries|Library not loaded/i.test(output)) {
    return new EmbeddedPostgresError(
      'BINARIES_MISSING',
      `The Postgres binaries are incomplete: the install script of their npm package did not run. ` +
        `Run "npm rebuild" in the project's folder.\n${output.trim()}`,
    );
  }
  if (/Permission denied|Operation not permitted/i.test(output)) {
    return new EmbeddedPostgresError(
      'FOLDER_NOT_USABLE',
      `Postgres may not read or write ${at.dataDir}. Give the folder back to the user that runs Tickwire, or choose another.\n${output.trim()}`,
    );
  }
  return new EmbeddedPostgresError(
    'START_FAILED',
    `The embedded Postgres on ${at.dataDir} did not start.\n${output.trim()}`,
  );
}

/** @param found the version that wrote the data folder, as its PG_VERSION says */
export function otherVersion(dataDir: string, found: string, ours = 'another one'): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'OTHER_VERSION',
    `${dataDir} was written by PostgreSQL ${found}; the embedded one is version ${ours}. ` +
      `Dump the data with the old version and load it into a new folder (pg_dump, psql), or choose another data folder.`,
  );
}

function diskFull(path: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'DISK_FULL',
    `The disk that holds ${path} is full. Free some space (at least 200 MB) and start again; what was committed is safe.`,
    { cause },
  );
}
