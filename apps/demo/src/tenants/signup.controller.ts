import { Body, Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Public } from '../auth/public.decorator.js';
import { name } from '../validation/text.js';
import { SignupService } from './signup.service.js';
import { ADMIN } from './tenant-provisioner.service.js';

const signup = z.object({
  tenant: name('initech'),
  user: name('ivy').refine((user) => user !== ADMIN, `must not be "${ADMIN}", which every tenant has`),
});

@ApiTags('Users')
@Controller('signup')
export class SignupController {
  constructor(private readonly signups: SignupService) {}

  @Public()
  @Post()
  signUp(@Body({ schema: signup }) { tenant, user }: z.infer<typeof signup>) {
    return this.signups.signUp(tenant, user);
  }
}
