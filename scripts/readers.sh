#!/bin/sh
# Install the programs that the tests give exports and completions to: Mermaid's parser, speedscope's schema and the driver of a
# browser from the registry of node's packages; graphviz, chromium and the shell fish as parts of the system.
#
#   readers.sh DIRECTORY
#
# Parts of the system are installed only by root and only in a pipeline (CI is set). What cannot be had is said, and is no
# failure: the tests that need it are skipped.
set -eu

directory=$1
mkdir -p "$directory"

missing=
command -v dot >/dev/null 2>&1 || missing="$missing graphviz"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v fish >/dev/null 2>&1 || missing="$missing fish"
if [ -n "$missing" ]; then
    if [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update --quiet --quiet && apt-get install --quiet --quiet --yes --no-install-recommends $missing >/dev/null ||
            echo "readers:$missing could not be installed" >&2
    else
        echo "readers: some tests of exports or completion will be skipped; install what they need: apt install$missing" >&2
    fi
fi

for tool in node npm; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "readers: there is no $tool here, so tests of exports will be skipped;" \
            "install node 20 or newer and run: sh scripts/readers.sh $directory" >&2
        exit 0
    fi
done
npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts --prefix "$directory" \
    mermaid jsdom speedscope playwright-core
touch "$directory/.installed"
