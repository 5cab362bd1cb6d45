import { Module } from '@nestjs/common';
import { OrderImportService } from './order-import.service.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  controllers: [OrdersController],
  providers: [OrdersService, OrderImportService],
})
export class OrdersModule {}
