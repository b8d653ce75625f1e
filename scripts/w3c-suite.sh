#!/bin/sh
# Runs the public test suite for W3C trace context, level 2 and strict, against services made of our middleware and the
# recorded HTTP clients. It is somebody else's program and no part of this repository: give it a checkout.
#
#   sh scripts/w3c-suite.sh CHECKOUT      (of github.com/w3c/trace-context)
set -eu
if [ ! -f "${1:-}/test/test.py" ]; then
    echo "usage: sh scripts/w3c-suite.sh CHECKOUT    (a checkout of github.com/w3c/trace-context)" >&2
    exit 2
fi
checkout=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
W3C_TRACE_CONTEXT=$checkout exec "${BIN:-.venv/bin}/python" -m pytest -v tests/propagation/test_propagation_w3c_suite.py
