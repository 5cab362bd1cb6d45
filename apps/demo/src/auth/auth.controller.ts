import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { text } from '../validation/text.js';
import { AuthService } from './auth.service.js';
import { Public } from './public.decorator.js';

const credentials = z.object({ tenant: text(255, 'acme'), user: text(255, 'ada') });

@ApiTags('Users')
@Controller('login')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Public()
  @Post()
  @HttpCode(200)
  async logIn(@Body({ schema: credentials }) { tenant, user }: z.infer<typeof credentials>) {
    return { access_token: await this.auth.logIn(tenant, user) };
  }
}
