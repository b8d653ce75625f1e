#!/bin/sh
# Record the example program, draw what it did, and say what took the time.
#
#   BIN             directory with `flightlog` and `python`; the checkout's .venv/bin when unset
#   FLIGHTLOG_HOME  where the trace goes; .flightlog in the checkout when unset
#
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

# `show` writes to a pipe below and cannot ask the terminal for its width.
columns=
if [ -t 1 ]; then
    exec 3>&1
    columns=$(stty size <&3 2>/dev/null | cut -d ' ' -f 2)
    exec 3>&-
fi

newest() {
    "$flightlog" list --limit 1 --json 2>/dev/null |
        sed -n 's/.*"trace_id": *"\([0-9a-f]*\)".*/\1/p' | head -n 1
}

before=$(newest)
"$flightlog" run --tree "$root/examples/answers/main.py" "$@"
trace=$(newest)
if [ -z "$trace" ] || [ "$trace" = "$before" ]; then
    echo "demo: no trace was recorded; '$typed doctor' says why" >&2
    exit 1
fi

card=$("$flightlog" show "$trace" ${columns:+--width "$columns"})
slow=$(printf '%s\n' "$card" | awk '/^  [a-z]/ { on = ($1 == "slowest" || $1 == "kinds") } on')
printf '\nWhere the time went\n\n%s\n' "$slow"

printf '\nNext\n'
printf '  %s\n' \
    "$typed show $trace" \
    "$typed trace $trace --all" \
    "$typed export $trace"
