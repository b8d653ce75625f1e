#!/bin/sh
# Record the example agent, draw what it did, and say what it took.
#
#   BIN             directory with `flightlog` and `python`; the checkout's .venv/bin when unset
#   FLIGHTLOG_HOME  where the trace goes; .flightlog in the checkout when unset
#
# With OPENAI_API_KEY or OPENAI_BASE_URL set it talks to that; otherwise to a small provider on loopback.
# Works from any directory. The exit code is not 0 when anything failed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
bin=${BIN:-$root/.venv/bin}
flightlog=$(CDPATH='' cd -- "$bin" && pwd)/flightlog

# Typed in the checkout, the commands at the end find the trace; elsewhere they need to be told more.
typed=$flightlog
[ "$PWD" != "$root" ] || typed=$bin/flightlog
[ -n "${FLIGHTLOG_HOME:-}" ] || [ "$PWD" = "$root" ] || typed="FLIGHTLOG_HOME=$root/.flightlog $typed"
FLIGHTLOG_HOME=${FLIGHTLOG_HOME:-$root/.flightlog}
export FLIGHTLOG_HOME

newest() {
    "$flightlog" list --limit 1 --json 2>/dev/null |
        sed -n 's/.*"trace_id": *"\([0-9a-f]*\)".*/\1/p' | head -n 1
}

before=$(newest)
"$flightlog" run --tree "$root/examples/agent/main.py" "$@"
trace=$(newest)
if [ -z "$trace" ] || [ "$trace" = "$before" ]; then
    echo "demo: no trace was recorded; '$typed doctor' says why" >&2
    exit 1
fi

printf '\nWhat the last hour adds up to\n\n'
"$flightlog" stats --by kind --since 1h
echo
"$flightlog" stats --by model --since 1h
echo
"$flightlog" cost --since 1h

printf '\nNext\n'
printf '  %s\n' \
    "$typed show $trace" \
    "$typed failures" \
    "$typed trace $trace --kind llm --preview 200" \
    "$typed export $trace"
