import { explainFileError, explainServerOutput } from './embedded-postgres-error.js';

const at = { dataDir: '/data/pg', port: 5433 };

describe('explanations', () => {
  it.each([
    ['PANIC:  could not write to file "pg_wal/xlogtemp.12": No space left on device', 'DISK_FULL'],
    ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', 'PORT_TAKEN'],
    ['DETAIL:  The data directory was initialized by PostgreSQL version 17, which is not compatible', 'OTHER_VERSION'],
    [
      'initdb: error while loading shared libraries: libicuuc.so.60: cannot open shared object file',
      'BINARIES_MISSING',
    ],
    ['FATAL:  could not open file "global/pg_control": Permission denied', 'FOLDER_NOT_USABLE'],
    ['FATAL:  the stars are not aligned', 'START_FAILED'],
  ])('reads %s', (output, code) => {
    const error = explainServerOutput(output, at);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(code === 'PORT_TAKEN' ? /5433/ : /\/data\/pg|npm rebuild/);
  });

  it('keeps the words of the server where it has none of its own', () => {
    expect(explainServerOutput('FATAL:  the stars are not aligned', at).message).toContain('the stars are not aligned');
  });

  it('explains file errors and passes on what it does not know', () => {
    expect(explainFileError({ code: 'ENOSPC' }, '/data')).toMatchObject({ code: 'DISK_FULL' });
    expect(explainFileError({ code: 'EROFS' }, '/data')).toMatchObject({ code: 'FOLDER_NOT_USABLE' });
    const unknown = new Error('?');
    expect(explainFileError(unknown, '/data')).toBe(unknown);
  });
});
