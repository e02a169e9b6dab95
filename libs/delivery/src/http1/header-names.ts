import { KEPT_HEADERS } from '../callbacks/attempt-outcome.js';
import { IS_TOKEN } from './octets.js';

/** Of an answer, the headers that anybody reads; of all others only the form is checked. */
const READ_HEADERS: readonly string[] = [
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  ...KEPT_HEADERS,
];

/** Where the reading of a name begins. */
export const NAME_START = 1;
/** Instead of a next node: the byte cannot stand in a name. */
export const NOT_IN_A_NAME = 255;
/** The node of all that is no beginning of a name that is read. */
const OTHER = 0;

const nodes = buildTrie();

/**
 * Tells names apart byte by byte, whatever their case and wherever they are cut, without making strings of them:
 * `NEXT_NODE[(node << 8) | byte]` is where the byte leads.
 */
export const NEXT_NODE = Uint8Array.from(nodes.flatMap(({ next }) => [...next]));
/** The name, in lower case, that ends at a node; empty for others. */
export const NAME_AT: readonly string[] = nodes.map(({ name }) => name);

interface Node {
  next: Uint8Array;
  name: string;
}

function buildTrie(): Node[] {
  const newNode = (): Node => ({ next: IS_TOKEN.map((is) => (is === 1 ? OTHER : NOT_IN_A_NAME)), name: '' });
  const trie = [newNode(), newNode()]; // OTHER and NAME_START
  for (const name of READ_HEADERS) {
    let node = trie[NAME_START]!;
    for (const letter of name) {
      const lower = letter.charCodeAt(0);
      if (node.next[lower] === OTHER) {
        node.next[lower] = node.next[letter.toUpperCase().charCodeAt(0)] = trie.length;
        trie.push(newNode());
      }
      node = trie[node.next[lower]!]!;
    }
    node.name = name;
  }
  if (trie.length > NOT_IN_A_NAME) throw new RangeError('too many names for nodes of one byte');
  return trie;
}
