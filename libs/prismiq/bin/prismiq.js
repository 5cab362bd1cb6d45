#!/usr/bin/env node
// By hand, and not compiled, so that it is there and executable before the package is built; and so plain that an old Node
// understands it and can be told apart.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 17)) {
  await import('../dist/cli/main.js');
} else {
  console.error(`prismiq needs Node 22.17 or newer, and this is ${process.versions.node}. Use a newer one.`);
  process.exitCode = 2;
}
