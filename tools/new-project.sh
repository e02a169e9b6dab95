#!/usr/bin/env bash
# Usage: tools/new-project.sh apps|libs name type scope: writes the package.json of a new app or lib.
set -eu
mkdir -p "$1/$2/src"
cat > "$1/$2/package.json" <<JSON
{
  "name": "@tickwire/$2",
  "version": "0.1.0",
  "private": true,
  "type": "module",
  "exports": { ".": { "types": "./src/index.ts", "default": "./dist/index.js" } },
  "scripts": {
    "build": "swc src -d dist --strip-leading-paths --config-file ../../.swcrc --copy-files --ignore '**/*.spec.ts' -q"
  },
  "nx": { "tags": ["type:$3", "scope:$4"] }
}
JSON
