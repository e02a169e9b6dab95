import { classifyAttempt, type AttemptOutcome, type Cancellation } from '@tickwire/delivery';
import { composeTest, type LaneTick } from '../callbacks/tick-callback.js';
import type { LaneServices } from '../lanes/lane-services.js';
import type { AgentCommand } from './agent-command.js';

/** A test that was asked for longer ago is not sent: whoever asked has stopped waiting. */
const MOST_AGE_MS = 60_000;

interface ReadyTest {
  command: AgentCommand;
  tick: LaneTick;
  done: () => void;
}

/**
 * The test ticks of one agent: one at a time, one attempt each, outside counters and breaker. How one ended is told by
 * the log of this process; the receiver has seen it.
 */
export class TestTicks {
  private asked = false;
  private next: ReadyTest | undefined;

  /** @param isReady called when there is one to be sent */
  constructor(
    private readonly services: LaneServices,
    private readonly isReady: () => void,
  ) {}

  get ready(): boolean {
    return this.next !== undefined;
  }

  /**
   * Takes a test in and returns at once; the agent's newest tick is read from the log if need be, while its lane goes on.
   * @param latest the newest tick that the lane has taken
   * @param done called once the test has been sent or given up; never if the lane is stopped before
   */
  ask(command: AgentCommand, latest: LaneTick | undefined, done: () => void): void {
    const refusal = this.refusalOf(command);
    if (refusal !== undefined) {
      this.drop(command, refusal);
      done();
      return;
    }
    this.asked = true;
    const { agent } = command;
    if (latest) this.prepare({ command, tick: { ...latest, agent }, done });
    else void this.find(command, done);
  }

  /**
   * Sends the test that is ready, within the time of one attempt, turn included: the agent's ticks wait no longer.
   * @param stopped ends it as if it had never begun: the next owner of the agent sends it
   */
  async send(stopped: Cancellation): Promise<void> {
    const test = this.next;
    if (!test) return;
    this.next = undefined;
    const { command, done } = test;
    try {
      const outcome = await this.attempt(test, stopped);
      if (stopped.cancelled) return;
      if (outcome) this.tell(test, outcome);
      else this.drop(command, 'its turn did not come in time');
    } catch (error) {
      this.drop(command, 'it could not be composed or signed', error);
    } finally {
      this.asked = false;
    }
    done();
  }

  private refusalOf({ agent, requestedAtMs }: AgentCommand): string | undefined {
    if (this.asked) return 'one is on its way';
    if (this.services.now() - requestedAtMs > MOST_AGE_MS) return 'it was asked for too long ago';
    if (!agent.callbackUrl) return 'the agent has no callback';
    // A paused agent may be tried before it is active again.
    return agent.status === 'active' || agent.status === 'paused' ? undefined : `the agent is ${agent.status}`;
  }

  private async find(command: AgentCommand, done: () => void): Promise<void> {
    try {
      const tick = await this.services.newestTicks.of(command);
      if (tick) {
        this.prepare({ command, tick, done });
        return;
      }
      this.drop(command, 'no tick of the agent is known');
    } catch (error) {
      this.drop(command, 'the log gave no tick', error);
    }
    this.asked = false;
    done();
  }

  private prepare(test: ReadyTest): void {
    this.next = test;
    this.isReady();
  }

  /** @returns undefined when the turn has not come in time */
  private async attempt({ command, tick }: ReadyTest, stopped: Cancellation): Promise<AttemptOutcome | undefined> {
    const { client, limiter, secrets, timeoutMs, now } = this.services;
    const nowMs = now();
    const { url, body, headers } = composeTest(tick, command.controlId, secrets.of(tick.agent, nowMs), nowMs);
    const beganAt = performance.now();
    const turn = AbortSignal.timeout(timeoutMs);
    const send = () =>
      client.post({
        url,
        body,
        headers,
        timeoutMs: Math.max(1, Math.round(timeoutMs - (performance.now() - beganAt))),
        cancellation: stopped,
      });
    try {
      const origin = URL.canParse(url) ? new URL(url).origin : url;
      return await limiter.run(origin, send, { endpointKey: tick.agent.id, signal: turn, cancellation: stopped });
    } catch (error) {
      if (turn.aborted || stopped.cancelled) return undefined;
      throw error;
    }
  }

  private tell({ command, tick }: ReadyTest, outcome: AttemptOutcome): void {
    const { delivery, error } = classifyAttempt(outcome);
    this.services.metrics.commanded('test-tick', delivery === 'success' ? 'delivered' : 'failed');
    this.services.logger.info(
      {
        agentId: command.agent.id,
        controlId: command.controlId,
        tick: tick.tick,
        delivery,
        statusCode: outcome.status,
        responseTimeMs: outcome.durationMs,
        ...(error === '' ? {} : { error }),
      },
      'a test tick was sent',
    );
  }

  private drop({ agent, controlId }: AgentCommand, why: string, error?: unknown): void {
    this.services.metrics.commanded('test-tick', 'dropped');
    this.services.logger.warn(
      { agentId: agent.id, controlId, why, ...(error === undefined ? {} : { err: error }) },
      'a test tick is not sent',
    );
  }
}
