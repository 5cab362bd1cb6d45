#!/usr/bin/env bash
# Runs the tests on a PostgreSQL 15 of the system, as a host would with DATABASE_URL.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=/usr/lib/postgresql/15/bin
if [ ! -x "$bin/initdb" ] && [ "${CI:-}" = true ] && [ "$(id -u)" = 0 ]; then
  apt-get update -q && apt-get install -q -y --no-install-recommends postgresql-15
fi
if [ ! -x "$bin/initdb" ]; then
  echo "NOT RUN: the tests on PostgreSQL 15. To run them, install it (Debian's package postgresql-15)."
  exit 0
fi

# PostgreSQL refuses to run as root; the package has made a user for it.
as_server() (
  cd /
  if [ "$(id -u)" = 0 ]; then exec setpriv --reuid postgres --regid postgres --init-groups "$@"; fi
  exec "$@"
)

data=$(as_server mktemp -d)
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
trap 'as_server "$bin/pg_ctl" -D "$data" -m immediate stop >/dev/null || true; as_server rm -rf "$data"' EXIT
as_server "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale C.UTF-8 >/dev/null
as_server "$bin/pg_ctl" -D "$data" -w -l "$data/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 -c fsync=off" start >/dev/null

echo "The tests on PostgreSQL 15:"
DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" npm test
