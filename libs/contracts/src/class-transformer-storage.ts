// class-transformer keeps what @Type recorded in a storage that only its CommonJS build exposes by path.
import { createRequire } from 'node:module';
import type { IOptions } from 'class-validator-jsonschema/build/options.js';

const require = createRequire(import.meta.url);
const { defaultMetadataStorage: storage } = require('class-transformer/cjs/storage') as {
  defaultMetadataStorage: NonNullable<IOptions['classTransformerMetadataStorage']>;
};

export const defaultMetadataStorage = storage;
