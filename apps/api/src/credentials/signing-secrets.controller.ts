import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { NewSigningSecret, SecretRotation } from './credential-requests.js';
import {
  SigningSecrets,
  type NewlyMadeSecret,
  type RotatedSecret,
  type SigningSecretFacts,
} from './signing-secrets.js';

@Controller('signing-secrets')
@Allow('manage')
export class SigningSecretsController {
  constructor(@Inject(SigningSecrets) private readonly secrets: SigningSecrets) {}

  @Post()
  create(@By() by: Author, @Body() body: NewSigningSecret): Promise<NewlyMadeSecret> {
    return this.secrets.create(by, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<SigningSecretFacts>> {
    return this.secrets.list(tenantId, query);
  }

  /** Answers with the new secret; the id stays the old one's. */
  @Post(':id/rotate')
  rotate(@By() by: Author, @Param('id') id: string, @Body() body: SecretRotation): Promise<RotatedSecret> {
    return this.secrets.rotate(by, id, body);
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.secrets.revoke(by, id);
  }
}
