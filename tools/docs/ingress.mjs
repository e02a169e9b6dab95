/** What is published for those who send signals: the document of the routes, and vectors to check a signer with. */

/** @param document as `ingressDocument` gives it @returns path below the repository's root -> content */
export function renderIngress(document) {
  return new Map([['docs/openapi/ingress.json', `${JSON.stringify(document, null, 2)}\n`]]);
}

/** @param vectors the text of libs/signing's own, which its specs hold @returns path -> content, the same bytes */
export function renderVectors(vectors) {
  return new Map([['docs/vectors/signing.json', vectors]]);
}
