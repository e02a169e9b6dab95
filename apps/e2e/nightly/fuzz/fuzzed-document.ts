import type { GivenToSender } from '../../src/guides/signal-system.js';

interface Fuzzed {
  paths: Record<string, Record<string, { security: object[]; parameters: { name: string; schema: object }[] }>>;
  components: { schemas: Record<string, { properties: Record<string, object> }>; securitySchemes?: object };
}

/**
 * The document as it holds for one tenant: its ids and its alert address where any would do. Without that, all but a few
 * made-up requests would end at the door's first question, and prove nothing about the rest. Answers are left as they
 * are, and so are the examples of bodies, which name a tenant of nobody's.
 *
 * The ways to prove oneself are taken out: a second credential beside the given one is refused for being a second one.
 */
export function fuzzedDocument(published: string, given: GivenToSender, alertToken: string): string {
  const document = JSON.parse(published) as Fuzzed;
  const { tenantId, accountId, botId } = given;
  const { SignalRequest, BatchRequest } = document.components.schemas;
  Object.assign(SignalRequest!.properties, {
    tenantId: { enum: [tenantId] },
    accountId: { enum: [accountId, 'MT-1001', 'MT-404'] },
    botId: { enum: [botId] },
  });
  Object.assign(BatchRequest!.properties, { tenantId: { enum: [tenantId] }, botId: { enum: [botId] } });
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations)) {
      operation.security = [];
      for (const parameter of operation.parameters) {
        if (parameter.name === 'token')
          Object.assign(parameter, { schema: { enum: [alertToken] }, example: alertToken });
      }
    }
  }
  delete document.components.securitySchemes;
  return JSON.stringify(document);
}
