#!/usr/bin/env sh
# The tests in parallel; then those that failed, if they are few, once more and alone. What starts processes, kills
# them and waits for them beside others can fail because the machine is full; what fails alone as well is broken.
# Nothing is hidden: the first failure is printed whole, and the second run names each test that it passed.
# Usage: suite.sh PYTHON [what pytest takes ...]. Exit status: 0 when everything passed, alone at the latest.
set -u
python=$1
shift
few=5
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
pytest() { # the project's options, but for the one that keeps nothing
  "$python" -m pytest -o addopts="-q --strict-markers --strict-config" -o cache_dir="$kept" "$@"
}

pytest -n auto "$@"
status=$?
[ "$status" -eq 1 ] || exit "$status" # interrupted, or nothing to run: no test failed
failed=$("$python" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$kept/v/cache/lastfailed") || exit 1
[ "$failed" -le "$few" ] || exit 1

echo "suite: $failed failed beside the others; once more, alone"
pytest -n 0 -vv --last-failed --last-failed-no-failures none "$@"
status=$?
[ "$status" -ne 0 ] || echo "suite: what is named above FAILED BESIDE OTHERS and passed alone: it is to be mended"
exit "$status"
