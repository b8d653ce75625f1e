#!/bin/sh
# Install the stand-in for model providers that the tests of the integrations talk to.
#
#   provider.sh DIRECTORY
#
# It is a program for node, a process of its own that speaks the providers' protocols on loopback and keeps a
# journal of what it served. Where there is no node, this says so and is no failure: those tests are skipped.
set -eu

package=@copilotkit/aimock@1.43.0
directory=$1

for tool in node npm; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "provider: there is no $tool here, so the tests of the integrations will be skipped;" \
            "install node 20 or newer and run: sh scripts/provider.sh $directory" >&2
        exit 0
    fi
done

mkdir -p "$directory"
npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
    --prefix "$directory" "$package"
touch "$directory/.installed"
