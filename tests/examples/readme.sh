#!/bin/sh
# SPDX-License-Identifier: MIT
# What README.md shows as a program is the file that the build compiles, but for its
# licence line. A line "<!-- examples/01_shared_counter.c -->" goes before the ```c block.
# Usage: readme.sh project-directory
set -eu

cd "$1"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The block after the marker of this file.
block_of()
{
    awk -v marker="<!-- $1 -->" '
        state == 2 && $0 == "```" { exit }
        state == 2 { print; next }
        state == 1 && $0 == "```c" { state = 2; next }
        state == 1 && $0 != "" { exit }
        $0 == marker { state = 1 }' README.md
}

without_licence_line()
{
    sed '/SPDX-License-Identifier/d'
}

failures=0
required=examples/01_shared_counter.c
quoted=$(sed -n 's/^<!-- \(examples\/.*\.c\) -->$/\1/p' README.md)
# shellcheck disable=SC2086 # the list is meant to be split
for file in $(printf '%s\n' $required $quoted | sort -u); do
    if ! [ -f "$file" ]; then
        echo "README.md quotes $file, which does not exist"
        failures=$((failures + 1))
        continue
    fi
    if ! grep -qxF "<!-- $file -->" README.md; then
        echo "README.md lacks the line <!-- $file --> before a block with that program"
        failures=$((failures + 1))
        continue
    fi
    block_of "$file" | without_licence_line >"$scratch/readme"
    without_licence_line <"$file" >"$scratch/file"
    if ! diff "$scratch/readme" "$scratch/file"; then
        echo "README.md (<) and $file (>) differ"
        failures=$((failures + 1))
    fi
done
[ $failures -eq 0 ]
