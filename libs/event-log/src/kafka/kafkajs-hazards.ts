import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import fetch, { type FetchedTopic, type FetchResponse } from 'kafkajs/src/protocol/requests/fetch/index.js';
import produce, { type ProduceRequest } from 'kafkajs/src/protocol/requests/produce/index.js';
import type { Position } from '../port.js';
import { produceBody, type ProduceOptions } from './produce/produce-body.js';

/**
 * What kafkajs 2.2.4 does that we cannot live with, put right at its prototypes. The library is unmaintained and pinned;
 * should a method below be missing, the import fails rather than running without its correction.
 *
 * 1. An idle request queue re-arms a timer with a negative delay: a wake-up each millisecond for every connection.
 * 2. A rebalance is joined at once, while our handler may still be running, and nobody heartbeats meanwhile.
 * 3. A position outside the log is reset silently, and the reset is committed.
 * 4. A record is copied nine times on its way into a request, each time into zeroed memory of its own: most of what
 *    an append costs. See `produce/`.
 * 5. A fetch names each topic as often as it asks for partitions of it, in random order, and every partition without records
 *    in the answer is handled as a batch, with a heartbeat: half of what a fetch from 60 partitions costs, on either side.
 */

/** What a group member needs from us; registered for the cluster object that kafkajs gives a partition assigner. */
export interface GroupHooks {
  /** Awaited before each JoinGroup, the first included. May set the member id to join with. */
  beforeJoin(member: GroupMember): Promise<void>;
  /** The broker says that the fetch position is not in the log. In place of the silent reset. */
  positionOutOfRange(topic: string, partition: number): void;
}

/** The member as kafkajs knows it when it is about to join again. */
export interface GroupMember {
  /** Absent before the first join, and after the coordinator has forgotten the member. */
  id: string | null;
  /** Keeps the old membership alive while the handler finishes. @returns false when the membership is over. */
  heartbeat(): Promise<boolean>;
  /** Counts the group's joins; what belongs to an earlier one is refused by the coordinator. */
  readonly generation: number | null;
  /** @throws the coordinator's refusal */
  commit(generation: number, positions: readonly Position[]): Promise<void>;
}

const hooksByCluster = new WeakMap<object, GroupHooks>();

export function hookGroup(cluster: object, hooks: GroupHooks): void {
  hooksByCluster.set(cluster, hooks);
}

/** What a coordinator answers to a heartbeat of somebody whose partitions may already be another's. */
const MEMBERSHIP_OVER = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

function memberOf(group: ConsumerGroup): GroupMember {
  return {
    get id() {
      return group.memberId;
    },
    set id(id) {
      group.memberId = id;
    },
    get generation() {
      return group.generationId;
    },
    async commit(generation, positions) {
      const { groupId, memberId, coordinator } = group;
      if (memberId === null || coordinator === null) throw new Error('not a member');
      const topics = [...new Set(positions.map(({ topic }) => topic))].map((topic) => ({
        topic,
        partitions: positions
          .filter((position) => position.topic === topic)
          .map(({ partition, offset }) => ({ partition, offset: String(offset) })),
      }));
      await coordinator.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics });
    },
    async heartbeat() {
      const { groupId, memberId, generationId, coordinator } = group;
      if (memberId === null || generationId === null || coordinator === null) return false;
      try {
        await coordinator.heartbeat({ groupId, memberId, groupGenerationId: generationId });
        return true;
      } catch (error) {
        // "Rebalance in progress" is the expected answer here, and counts as a heartbeat.
        return !MEMBERSHIP_OVER.has((error as { type?: string }).type ?? '');
      }
    },
  };
}

function existing<T extends object, K extends keyof T & string>(prototype: T, name: K): T[K] {
  if (typeof prototype[name] !== 'function')
    throw new Error(`kafkajs has changed: ${name} is gone; review its hazards`);
  return prototype[name];
}

/** The versions whose body `produceBody` writes. */
const WRITTEN_VERSIONS = new Set([3, 4, 5, 6, 7]);

/** kafkajs' own request, with its body written by us; compressed batches are left to it. */
function withOurBody(request: ProduceRequest, options: ProduceOptions & { compression?: number }): ProduceRequest {
  if (options.compression) return request;
  return {
    ...request,
    encode() {
      const buffer = produceBody(options);
      return Promise.resolve({ buf: buffer, buffer });
    },
  };
}

/**
 * Each topic once. kafkajs has shuffled topics and partitions, so that none is served first for ever; the order of first
 * appearance keeps that.
 */
export function eachTopicOnce(topics: readonly FetchedTopic[]): FetchedTopic[] {
  return [...Map.groupBy(topics, ({ topic }) => topic)].map(([topic, entries]) => ({
    topic,
    partitions: entries.flatMap(({ partitions }) => partitions),
  }));
}

/** Without the partitions that brought nothing and say nothing. An answer of none of them is followed by a heartbeat all the same. */
export function withoutEmptyPartitions<Response extends FetchResponse>(response: Response): Response {
  const responses = response.responses.flatMap(({ partitions, ...topic }) => {
    const telling = partitions.filter(
      ({ messages, preferredReadReplica = -1 }) => messages.length > 0 || preferredReadReplica !== -1,
    );
    return telling.length > 0 ? [{ ...topic, partitions: telling }] : [];
  });
  return { ...response, responses };
}

const MENDED = Symbol.for('tickwire.kafkajs-hazards');

function mend(): void {
  const queue = RequestQueue.prototype;
  const group = ConsumerGroup.prototype;
  if (MENDED in queue) return;
  Object.defineProperty(queue, MENDED, { value: true });

  const scheduleCheck = existing(queue, 'scheduleCheckPendingRequests');
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    // Whoever adds a pending request schedules a check itself, so an empty queue needs none.
    if (this.pending.length > 0) scheduleCheck.call(this);
  };

  const joinAndSync = existing(group, 'joinAndSync');
  group.joinAndSync = async function (this: ConsumerGroup) {
    await hooksByCluster.get(this.cluster)?.beforeJoin(memberOf(this));
    await joinAndSync.call(this);
  };

  const resetPosition = existing(group, 'recoverFromOffsetOutOfRange');
  group.recoverFromOffsetOutOfRange = async function (this: ConsumerGroup, error) {
    const hooks = hooksByCluster.get(this.cluster);
    if (hooks === undefined) return resetPosition.call(this, error);
    hooks.positionOutOfRange(error.topic, error.partition);
  };

  const protocolOf = existing(produce, 'protocol');
  produce.protocol = ({ version }) => {
    const messagesOf = protocolOf.call(produce, { version });
    if (!WRITTEN_VERSIONS.has(Number(version))) return messagesOf;
    return (options) => {
      const { request, response } = messagesOf(options);
      return { request: withOurBody(request, options), response };
    };
  };

  const fetchProtocolOf = existing(fetch, 'protocol');
  fetch.protocol = ({ version }) => {
    const messagesOf = fetchProtocolOf.call(fetch, { version });
    return (options) => {
      const { response, ...rest } = messagesOf({ ...options, topics: eachTopicOnce(options.topics) });
      const parse = async (decoded: unknown): Promise<FetchResponse> =>
        withoutEmptyPartitions(await response.parse(decoded));
      return { ...rest, response: { ...response, parse } };
    };
  };
}

mend();
