import { Body, Controller, Get, Post, Query, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { TenantGuard } from '@prismiq/nestjs';
import { z } from 'zod';
import { OrderImportService } from './order-import.service.js';
import { orderImport, type OrderImport } from './order-import.js';
import { OrdersService } from './orders.service.js';

const page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) });

/** TenantGuard puts the tenant into context, as Prismiq's own routes do. */
@ApiTags('Orders')
@ApiBearerAuth()
@UseGuards(TenantGuard)
@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly imports: OrderImportService,
  ) {}

  @Get()
  latest(@Query({ schema: page }) { limit }: z.infer<typeof page>) {
    return this.orders.latest(limit);
  }

  @Get('summary')
  summary() {
    return this.orders.summary();
  }

  @Post('import')
  import(@Body({ schema: orderImport }) { batch, orders }: OrderImport) {
    const rows = orders.map(({ ordered_at, ...order }) => ({ ...order, orderedAt: new Date(ordered_at) }));
    return this.imports.import(batch, rows);
  }
}
