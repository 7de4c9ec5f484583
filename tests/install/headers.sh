#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles each public header alone, as a consumer with strict warnings would.
# Usage: headers.sh include-directory c11|c++17 compiler...
# Exit status 77: that compiler is not installed; nothing was checked.
set -eu

include=$1
standard=$2
shift 2

case $standard in
c++*) language=c++ ;;
*) language=c ;;
esac

if ! command -v "$1" >/dev/null 2>&1; then
    echo "SKIPPED: no $1 here, so the headers were not compiled with it as $standard"
    exit 77
fi

checked=0
failures=0
for header in "$include"/holdfast/*.h; do
    name=holdfast/$(basename "$header")
    # Twice: the include guard is part of it.
    if ! printf '#include <%s>\n#include <%s>\nint main(void);\n' "$name" "$name" |
        "$@" -std="$standard" -Wall -Wextra -Wpedantic -Wshadow -Werror \
            -I "$include" -fsyntax-only -x $language -; then
        echo "$name does not stand alone as $standard"
        failures=$((failures + 1))
    fi
    checked=$((checked + 1))
done

echo "$checked headers as $standard with $1: $failures failed"
[ "$checked" -gt 0 ] && [ $failures -eq 0 ]
