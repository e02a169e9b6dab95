import { SignalNews } from './signal-news.js';

const FAR_AWAY_MS = 600_000;

it('wakes those who wait for that signal, and nobody else', async () => {
  const news = new SignalNews();
  let other = 'waiting';
  const mine = Promise.all([news.next('one', FAR_AWAY_MS), news.next('one', FAR_AWAY_MS)]);
  const theirs = news.next('two', FAR_AWAY_MS).then(() => (other = 'woken'));
  news.tell(['one', 'three']);
  await mine;
  expect(other).toBe('waiting');
  news.tell(['two']);
  await theirs;
});

it('ends every wait when the app stops, and lets nobody begin one', async () => {
  const news = new SignalNews();
  const waiting = news.next('one', FAR_AWAY_MS);
  news.close();
  await waiting;
  await news.next('one', FAR_AWAY_MS);
  expect(news.over).toBe(true);
});

it('ends a wait when its time is up', async () => {
  const news = new SignalNews();
  await news.next('one', 1);
  await news.next('one', 0);
  await news.next('one', -5);
});
