import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Names of event definitions that the sources of an app consume and produce. */
export interface EventUsage {
  consumed: Set<string>;
  produced: Set<string>;
}

const CONSUMING_DECORATORS = new Set(['OwnedBatches', 'BroadcastEvents']);

/**
 * Reads from an app's sources which events it handles and writes. It matches by syntax, and only these forms:
 * - consumed: `@OwnedBatches({ events: X })` and `@BroadcastEvents({ events: X })`, X being a list of names, or the name of
 *   a `const` list of the same app; lists may be spread into lists;
 * - produced: `encodeEvent(X, …)`, X being a name, or a parameter of the function around it: then what callers in the same
 *   file pass there.
 *
 * @param folder with TypeScript; specs are left out
 * @throws Error naming the place, where an event cannot be read off: the map must not be held against a guess
 */
export function eventUsageIn(folder: string): EventUsage {
  const sources = parseFolder(folder);
  const lists = constantLists(sources);
  const usage: EventUsage = { consumed: new Set(), produced: new Set() };
  for (const source of sources) {
    walk(source, (node) => {
      if (ts.isDecorator(node)) for (const name of consumedBy(node, lists)) usage.consumed.add(name);
      if (isCallOf(node, 'encodeEvent')) for (const name of producedBy(node, source)) usage.produced.add(name);
    });
  }
  return usage;
}

function parseFolder(folder: string): ts.SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(spec|conformance|d)\.ts$/.test(name))
    .map((name) =>
      ts.createSourceFile(
        name,
        readFileSync(join(folder, name), 'utf8'),
        ts.ScriptTarget.Latest,
        /* setParentNodes */ true,
      ),
    );
}

/** Every `const` of the app that is initialised with a list. */
function constantLists(sources: ts.SourceFile[]): Map<string, ts.ArrayLiteralExpression> {
  const lists = new Map<string, ts.ArrayLiteralExpression>();
  for (const source of sources) {
    walk(source, (node) => {
      if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name) || !node.initializer) return;
      const value = withoutAssertion(node.initializer);
      if (ts.isArrayLiteralExpression(value)) lists.set(node.name.text, value);
    });
  }
  return lists;
}

function consumedBy({ expression }: ts.Decorator, lists: Map<string, ts.ArrayLiteralExpression>): string[] {
  if (!ts.isCallExpression(expression) || !CONSUMING_DECORATORS.has(expression.expression.getText())) return [];
  const [options] = expression.arguments;
  const events =
    options && ts.isObjectLiteralExpression(options)
      ? options.properties.find((property) => property.name?.getText() === 'events')
      : undefined;
  if (!events || !ts.isPropertyAssignment(events)) throw unreadable(expression, '`events` has to be written out');
  return namesIn(events.initializer, lists);
}

function namesIn(list: ts.Expression, lists: Map<string, ts.ArrayLiteralExpression>): string[] {
  const value = withoutAssertion(list);
  if (ts.isArrayLiteralExpression(value)) {
    return value.elements.flatMap((element) => {
      if (ts.isSpreadElement(element)) return namesIn(element.expression, lists);
      if (ts.isIdentifier(element)) return [element.text];
      throw unreadable(element, 'not the name of an event definition');
    });
  }
  const known = ts.isIdentifier(value) ? lists.get(value.text) : undefined;
  if (!known) throw unreadable(value, 'not a list of event definitions');
  return namesIn(known, lists);
}

function producedBy(call: ts.CallExpression, source: ts.SourceFile): string[] {
  const [definition] = call.arguments;
  if (!definition || !ts.isIdentifier(definition)) throw unreadable(call, 'its event definition is not a name');
  return valuesOf(definition, source, new Set());
}

/** The name itself, or where it is a parameter, the names that callers in the same file pass. */
function valuesOf(name: ts.Identifier, source: ts.SourceFile, seen: Set<ts.Node>): string[] {
  const place = parameterPlace(name);
  if (!place) return [name.text];
  if (seen.has(place.owner)) return [];
  seen.add(place.owner);
  const calls: ts.CallExpression[] = [];
  walk(source, (node) => {
    if (isCallOf(node, place.functionName)) calls.push(node);
  });
  if (calls.length === 0) throw unreadable(name, `nobody in its file calls ${place.functionName}`);
  return calls.flatMap((call) => {
    const argument = call.arguments[place.index];
    if (!argument || !ts.isIdentifier(argument)) throw unreadable(call, `argument ${place.index + 1} is not a name`);
    return valuesOf(argument, source, seen);
  });
}

/** @returns which parameter of which named function or method around it the name is; undefined for any other name */
function parameterPlace(name: ts.Identifier): { owner: ts.Node; functionName: string; index: number } | undefined {
  for (let node: ts.Node = name.parent; node; node = node.parent) {
    if (!ts.isFunctionLike(node)) continue;
    const index = node.parameters.findIndex((parameter) => parameter.name.getText() === name.text);
    if (index < 0) continue;
    const functionName = nameOf(node);
    if (!functionName) throw unreadable(name, 'a parameter of a function without a name');
    return { owner: node, functionName, index };
  }
  return undefined;
}

function nameOf(node: ts.SignatureDeclaration): string | undefined {
  if (node.name) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : undefined;
}

/** `name(…)` and `this.name(…)`. */
function isCallOf(node: ts.Node, name: string): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  const callee = node.expression.getText();
  return callee === name || callee === `this.${name}`;
}

function withoutAssertion(expression: ts.Expression): ts.Expression {
  if (
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression) ||
    ts.isParenthesizedExpression(expression)
  ) {
    return withoutAssertion(expression.expression);
  }
  return expression;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function unreadable(node: ts.Node, why: string): Error {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return new Error(`${source.fileName}:${line + 1}: cannot tell the event: ${why}`);
}
