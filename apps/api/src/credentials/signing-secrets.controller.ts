import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { NewSigningSecret } from './credential-requests.js';
import { SigningSecrets, type NewlyMadeSecret, type SigningSecretFacts } from './signing-secrets.js';

@Controller('signing-secrets')
@Allow('manage')
export class SigningSecretsController {
  constructor(@Inject(SigningSecrets) private readonly secrets: SigningSecrets) {}

  @Post()
  create(@TenantId() tenantId: string, @Body() body: NewSigningSecret): Promise<NewlyMadeSecret> {
    return this.secrets.create(tenantId, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<SigningSecretFacts>> {
    return this.secrets.list(tenantId, query);
  }

  @Post(':id/revoke')
  @HttpCode(200)
  revoke(@TenantId() tenantId: string, @Param('id') id: string): Promise<SigningSecretFacts> {
    return this.secrets.revoke(tenantId, id);
  }
}
