import { BadRequestException, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { TenantContext } from '../../tenancy/tenant-context.js';
import { CacheControl, NO_STORE } from '../cache-control.js';

/**
 * Tells Prismiq's client that there is no language model (query contract 1.7). Like all routes, to users of a tenant only.
 *
 * @publicApi
 */
@CacheControl(NO_STORE)
export abstract class PrismiqLlmController {
  /** @internal */
  static readonly repository = TenantContext;

  constructor(@Inject(TenantContext) protected readonly tenants: TenantContext) {}

  @Get('status')
  status() {
    this.tenants.require();
    return { enabled: false };
  }

  @Post('chat')
  @HttpCode(200)
  chat(): never {
    this.tenants.require();
    throw new BadRequestException('LLM agent is not enabled');
  }
}
