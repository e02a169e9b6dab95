import { migrate } from './migrate.js';

// The one-shot job of a deployment: brings the database of DATABASE_URL to the version of this code.
const url = process.env['DATABASE_URL'];
if (!url) {
  process.stderr.write('DATABASE_URL is not set: postgresql://user:password@host:port/database\n');
  process.exit(1);
}
try {
  const { applied } = await migrate(url);
  process.stdout.write(applied.length > 0 ? `Applied ${applied.join(', ')}\n` : 'The database is up to date\n');
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
