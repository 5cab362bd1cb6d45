import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { TenantContext } from './tenant-context.js';
import type { Tenant } from './tenant.js';

/** Gives a handler's parameter the tenant in context. A decorator alone has no access to providers. */
@Injectable()
export class CurrentTenantPipe implements PipeTransform<unknown, Tenant> {
  constructor(@Inject(TenantContext) private readonly context: TenantContext) {}

  transform(): Tenant {
    return this.context.require();
  }
}
