import { SetMetadata, type CustomDecorator } from '@nestjs/common';

export const IS_PUBLIC = 'isPublic';

/** Opens a route to everybody. All other routes need a token. */
export const Public = (): CustomDecorator => SetMetadata(IS_PUBLIC, true);
