/** A sample payload as the event that a producer would write. */

/** Where a sample carries no time of its own. */
const SAMPLE_TIME_MS = Date.UTC(2026, 10, 22, 8);

/**
 * @param contracts  the module of the contracts
 * @param definition of the event
 * @returns the full envelope, the same at every run
 */
export function sampleEnvelope({ createEvent, derivedId }, definition) {
  const { sample, type, producers } = definition;
  const { webhookId, tenantId, accountId } = sample;
  const isFirstOfItsSignal = type === 'webhook.received';
  return createEvent(definition, {
    id: isFirstOfItsSignal ? webhookId : derivedId(webhookId ?? definition.key(sample), type),
    source: producers[0],
    subject: subjectOf(definition),
    timeMs: timeOf(sample),
    tenantId,
    accountId,
    correlationId: webhookId,
    causationId: isFirstOfItsSignal ? undefined : webhookId,
    data: sample,
  });
}

/** Whom the event is about: a signal, an agent, a world, an account, or the entity that was configured. */
function subjectOf({ type, sample }) {
  const agentId = type.startsWith('agent.') ? sample.agentId : undefined;
  const { signalId, webhookId, worldId, source, accountId, suspicionId, id } = sample;
  return signalId ?? webhookId ?? agentId ?? worldId ?? source ?? accountId ?? suspicionId ?? id;
}

/** The latest time that the sample names. */
function timeOf(sample) {
  const times = Object.entries(sample)
    .filter(([name]) => name.endsWith('At'))
    .map(([, value]) => Date.parse(value))
    .filter(Number.isFinite);
  return times.length > 0 ? Math.max(...times) : SAMPLE_TIME_MS;
}
