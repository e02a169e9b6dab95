import { BroadcastChannel } from 'node:worker_threads';
import type { LogRecord } from '../port.js';
import { createWakeUps, type ReadHeads, type WakeUps } from './wake-ups.js';

const record = (topic: string, offset = 0): LogRecord => ({
  topic,
  partition: 0,
  offset,
  key: 'k',
  value: Buffer.from('v'),
  headers: {},
  timestampMs: 0,
});
let databases = 0;

describe('wake-ups', () => {
  let database: string;
  const opened: WakeUps[] = [];
  const open = async (readHeads: ReadHeads = () => Promise.resolve([])): Promise<WakeUps> => {
    const wakeUps = await createWakeUps(database, { readHeads });
    opened.push(wakeUps);
    return wakeUps;
  };
  beforeEach(() => (database = `spec/${(databases += 1)}`));
  afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

  it('tell readers of every log of the thread once, and give them the records', async () => {
    const [one, other] = [await open(), await open()];
    const heard: [string, boolean][] = [];
    other.onWake(['t'], (name, inTail) => void heard.push([name, inTail]));
    one.appended([record('t', 0), record('t', 1)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual([['t', true]]);
    expect(other.tail.read({ topic: 't', partition: 0, offset: 0 }, 10)).toHaveLength(2);
  });

  it('wake another thread for what it wants to hear of, and for nothing else', async () => {
    const here = await open();
    const thread = new BroadcastChannel(`tickwire-log:${database}`);
    const news: string[][] = [];
    const wanted: string[] = [];
    thread.onmessage = (message) => {
      const { news: told, want } = (message as { data: { news?: string[]; want?: string[] } }).data;
      if (told) news.push(told);
      wanted.push(...(want ?? []));
    };
    const heard: [string, boolean][] = [];
    here.onWake(['mine'], (name, inTail) => void heard.push([name, inTail]));
    // Messages keep their order: once the news is heard, the wish before it was.
    thread.postMessage({ want: ['theirs'] });
    thread.postMessage({ news: ['mine'] });
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    here.appended([record('theirs'), record('nobody’s')]);
    while (news.length === 0 || wanted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect([wanted, news, heard]).toEqual([
      ['mine'],
      [['theirs']],
      [
        ['mine', false],
        ['theirs', true],
        ['nobody’s', true],
      ],
    ]);
    thread.close();
  });

  it('tell a thread that comes later what was wanted before', async () => {
    const here = await open();
    here.onWake(['mine'], () => undefined);
    const thread = new BroadcastChannel(`tickwire-log:${database}`);
    const wanted = new Promise<string[]>((resolve) => {
      thread.onmessage = (message) => resolve((message as { data: { want?: string[] } }).data.want ?? []);
    });
    thread.postMessage({ ask: true });
    expect(await wanted).toEqual(['mine']);
    thread.close();
  });

  it('find in the heads what nobody told of, and what is in the tail they leave to it', async () => {
    const next = { strange: 1, known: 1 };
    const here = await open(() =>
      Promise.resolve(Object.entries(next).map(([topic, end]) => ({ topic, next: [end] }))),
    );
    here.appended([record('known')]);
    const heard: [string, boolean][] = [];
    here.onWake(['strange', 'known'], (name, inTail) => void heard.push([name, inTail]));
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([['strange', false]]);
    next.strange = 2;
    while (heard.length === 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([
      ['strange', false],
      ['strange', false],
    ]);
  });
});
