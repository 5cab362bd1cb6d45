import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** The OpenAPI page at `/docs`, with a button for the token. */
export function setUpApiDocs(app: INestApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Orders')
    .setDescription('POST /login as "ada" of "acme" (or "gus" of "globex"), then press Authorize and paste the token.')
    .addBearerAuth()
    // For all routes, since those of Prismiq carry no decorator of this application.
    .addSecurityRequirements('bearer')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
    swaggerOptions: { persistAuthorization: true },
  });
}
