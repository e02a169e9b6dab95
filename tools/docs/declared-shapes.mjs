/** Reads the docstrings that JSON Schema does not carry out of the sources of the contracts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * Classes, interfaces and format constants that a folder of TypeScript declares.
 *
 * @param folder with sources; specs are left out
 * @returns `shapes`: name -> `{doc, fields: Map<name, {doc, type, isOptional}>}` with types as they are written;
 *   `constants`: name -> docstring of each exported `const`
 * @throws {Error} when two shapes share a name: the catalogue could not tell them apart
 */
export function readDeclarations(folder) {
  const shapes = new Map();
  const constants = new Map();
  for (const file of sourceFiles(folder)) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements) {
      if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
        const name = statement.name.text;
        if (shapes.has(name)) throw new Error(`${name} is declared twice in ${folder}`);
        shapes.set(name, { doc: docOf(statement), fields: fieldsOf(statement, source) });
      } else if (ts.isVariableStatement(statement)) {
        for (const { name } of statement.declarationList.declarations) {
          if (ts.isIdentifier(name)) constants.set(name.text, docOf(statement));
        }
      }
    }
  }
  return { shapes, constants };
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => join(folder, name));
}

function fieldsOf(declaration, source) {
  const members = declaration.members.filter(
    (member) => (ts.isPropertyDeclaration(member) || ts.isPropertySignature(member)) && member.type,
  );
  return new Map(
    members.map((member) => [
      member.name.getText(source),
      {
        doc: docOf(member),
        type: member.type.getText(source).replace(/\s+/g, ' '),
        isOptional: member.questionToken !== undefined,
      },
    ]),
  );
}

/** The docstring as one line; `{@link X}` becomes `X`. */
function docOf(node) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comment?.comment) ?? '';
  return text
    .replace(/\{@link\s+([^}]+)\}/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}
