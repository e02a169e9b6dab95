import { defineConfig } from 'prisma/config';

// No datasource url: `generate`, `validate` and `format` need none, and migrations are applied by migrate().
export default defineConfig({ schema: 'prisma/schema', migrations: { path: 'prisma/migrations' } });
