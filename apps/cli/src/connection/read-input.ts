import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { UsageError } from '../terminal/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';

/** Reads a file, or stdin for `-`. @throws UsageError when it cannot be read or holds nothing */
export async function readInput(place: string, { stdin }: Pick<Terminal, 'stdin'>): Promise<string> {
  let content: string;
  try {
    content =
      place === '-'
        ? await text(stdin as NodeJS.ReadableStream & AsyncIterable<Buffer>)
        : await readFile(place, 'utf8');
  } catch (error) {
    throw new UsageError(`${place} cannot be read: ${(error as Error).message}`);
  }
  if (content.trim() === '') throw new UsageError(`${place === '-' ? 'stdin' : place} is empty.`);
  return content;
}
