import { runProgram } from './program.js';

// A reader that has seen enough, such as `head`, is no fault; what the command does must not end with it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const exitCode = await runProgram(process.argv.slice(2), process.env, process.cwd());

// The host's configuration may have opened something that keeps a process alive. What was written goes out first.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
process.exit(exitCode);
