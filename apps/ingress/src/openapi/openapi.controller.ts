import { Controller, Get, Header } from '@nestjs/common';
import { ingressDocument } from './ingress-document.js';

/** Where the document is served. */
export const DOCUMENT_PATH = 'openapi.json';

/** Serves the OpenAPI document of this very build, to anybody. */
@Controller()
export class OpenApiController {
  /** Written once: it does not change while the process runs. */
  readonly #document = JSON.stringify(ingressDocument());

  @Get(DOCUMENT_PATH)
  @Header('content-type', 'application/json')
  @Header('cache-control', 'public, max-age=300')
  read(): string {
    return this.#document;
  }
}
