import { runProgram } from './program.js';

// A reader that closes early, such as `head`, must not end the command's work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const exitCode = await runProgram(process.argv.slice(2), process.env, process.cwd());

// The host's configuration may have opened something that keeps the process alive, so it exits once the output is flushed.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
process.exit(exitCode);
