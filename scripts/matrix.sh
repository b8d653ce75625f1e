#!/usr/bin/env sh
# The tests of recording and storing on every other CPython from 3.11 up that this machine has, each in a virtual
# environment of its own. Usage: matrix.sh PYTHON, which is the interpreter that has run the tests already.
# Looks for python3.N on the path and in pyenv's versions; a minor version is tried once.
set -eu
done=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

for directory in $(printf %s "$PATH" | tr : ' ') "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
  for python in "$directory"/python3.1[0-9]; do
    [ -x "$python" ] || continue
    # An interpreter without venv, or pyenv's stand-in for one that is not installed, is none.
    minor=$("$python" -c 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    [ "${minor#3.}" -ge 11 ] || continue
    case " $done " in *" $minor "*) continue ;; esac
    done="$done $minor"
    echo "matrix: CPython $("$python" -c 'import platform; print(platform.python_version())')"
    make of-python PYTHON="$python" VENV=".venv-$minor"
  done
done
echo "matrix: passed on $done"
