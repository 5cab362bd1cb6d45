import { Module } from '@nestjs/common';
import { SignupController } from './signup.controller.js';
import { SignupService } from './signup.service.js';
import { TenantProvisioner } from './tenant-provisioner.service.js';

@Module({
  controllers: [SignupController],
  providers: [SignupService, TenantProvisioner],
  exports: [TenantProvisioner],
})
export class TenantsModule {}
