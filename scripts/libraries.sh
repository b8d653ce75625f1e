#!/usr/bin/env sh
# The tests of libraries that cannot all be installed beside each other, each in a virtual environment of its own.
#
#   libraries.sh PYTHON [LIBRARY ...]
#
# PYTHON is the interpreter of an environment with the development tools (uv makes the others, below it). Of a library,
# `tests/libraries/LIBRARY/requirements.txt` says what is installed; a `requirements-3.N.txt` beside it is one more
# environment, with that Python. Warnings of the libraries are not ours to mend, so none is an error. Prints the versions that were tested. Exit status: 0 when everything passed.
set -eu
python=$1
shift
bin=$(dirname "$python")
root=$(dirname "$bin")
places=$root/libraries
export FLIGHTLOG_TEST_PROVIDER="${FLIGHTLOG_TEST_PROVIDER:-$(cd "$root" && pwd)/provider}"
failed=
missing=

prepare() { # environment, requirements, interpreter: up to date, or made so
    wanted=$(cat "$2" pyproject.toml scripts/libraries.sh | cksum)
    [ "$(cat "$1/.installed" 2>/dev/null || true)" = "$wanted" ] && return
    rm -rf "$1"
    "$bin/uv" venv --quiet --python "$3" "$1"
    # What was compiled stands in the source tree already, for the Python that it was compiled for.
    FLIGHTLOG_NO_EXTENSION=1 "$bin/uv" pip install --quiet --python "$1/bin/python" --editable . --group libraries -r "$2"
    echo "$wanted" >"$1/.installed"
}

[ $# -gt 0 ] || set -- $(cd tests/libraries && ls -d */ | tr -d / | grep -v __pycache__)
for library in "$@"; do
    for requirements in tests/libraries/"$library"/requirements*.txt; do
        [ -e "$requirements" ] || { echo "libraries: there is no $requirements" >&2; exit 2; }
        minor=$(basename "$requirements" .txt)
        minor=${minor#requirements}
        minor=${minor#-}
        interpreter=$python
        if [ -n "$minor" ]; then
            interpreter=$(ls "${PYENV_ROOT:-$HOME/.pyenv}/versions/$minor".*/bin/python 2>/dev/null | tail -n 1)
            [ -n "$interpreter" ] || interpreter=$(command -v "python$minor" || true)
            if [ -z "$interpreter" ]; then
                missing="$missing $library-$minor"
                continue
            fi
        fi
        place=$places/$library${minor:+-$minor}
        echo "libraries: $library${minor:+ with Python $minor}"
        prepare "$place" "$requirements" "$interpreter"
        sh scripts/suite.sh "$place/bin/python" -W default "tests/libraries/$library" || failed="$failed $library${minor:+-$minor}"
    done
done

"$python" scripts/versions.py --print
[ -z "$missing" ] || echo "libraries: not tested, there is no such Python here:$missing" >&2
[ -z "$failed" ] || { echo "libraries: FAILED:$failed" >&2; exit 1; }
