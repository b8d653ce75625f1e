#!/usr/bin/env sh
# Build the compiled core with the address and undefined-behaviour sanitizers, in a copy of the source, and run the
# tests that reach it. Usage: sanitize.sh PYTHON [pytest arguments]. Without a compiler that has them, says so and
# succeeds, unless CI is set.
set -eu
python=$(command -v "$1"); shift
root=$(cd "$(dirname "$0")/.." && pwd)
case $python in /*) ;; *) python=$root/$python ;; esac
tests="$root/tests/speed $root/tests/redaction/test_redaction_scanner.py $root/tests/steps $root/tests/core $root/tests/hot"

missing() {
  echo "sanitize: $1; skipped" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
}

compiler=${CC:-gcc}
command -v "$compiler" >/dev/null || missing "there is no $compiler"
asan=$("$compiler" -print-file-name=libasan.so)
ubsan=$("$compiler" -print-file-name=libubsan.so)
[ -f "$asan" ] && [ -f "$ubsan" ] || missing "$compiler has no sanitizers"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT INT TERM
cp "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$copy"
cp -R "$root/src" "$copy/src"
find "$copy/src" -name '*.so' -delete
cd "$copy"
FLIGHTLOG_NEEDS_EXTENSION=1 CC=$compiler \
FLIGHTLOG_CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined" \
FLIGHTLOG_LDFLAGS="-fsanitize=address,undefined" \
  "$python" setup.py --quiet build_ext --inplace

# Python's own allocator is left out, so that every object has its own place with guards around it. Leaks are looked
# for elsewhere (leaks.py): the interpreter itself never frees what it keeps until it exits.
export LD_PRELOAD="$asan $ubsan" PYTHONMALLOC=malloc PYTHONPATH="$copy/src"
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export FLIGHTLOG_HOME="$copy/home" FLIGHTLOG_SANITIZED=1
"$python" -c "
from flightlog._speed import _core
from flightlog.core import engine
assert _core.__file__.startswith('$copy'), _core.__file__
assert engine.NAME == 'compiled', engine.REASON"
cd "$root"
# shellcheck disable=SC2086 # a list of paths
"$python" -m pytest -n 2 --timeout 600 "$@" $tests
