#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows that check.sh sees each kind of forbidden #include: a small tree that it accepts,
# then the same tree with one line added, for which it must fail with the right words.
# Usage: can_fail.sh scratch-directory
set -eu

here=$(cd "$(dirname "$0")" && pwd)
scratch=$1
tree=$scratch/tree
failures=0

# A file with these lines, in the clean tree.
file()
{
    mkdir -p "$tree/$(dirname "$1")"
    name=$1
    shift
    printf '%s\n' "$@" >"$tree/$name"
}

rm -rf "$tree"
file include/holdfast/common.h '#include <stdint.h>' '#include <sys/types.h>'
file include/holdfast/mutex.h '#include <holdfast/common.h>'
file include/holdfast/segment.h '#include <holdfast/common.h>'
file include/holdfast/cond.h '#include <holdfast/common.h>'
file include/holdfast/holdfast.h '#include <holdfast/mutex.h>'
file src/base/atomics.h '#include <stdatomic.h>'
file src/platform/platform.h '#include "base/atomics.h"'
file src/platform/linux/linux.h '#include <linux/futex.h>'
file src/platform/linux/sleep.c '#include "platform/linux/linux.h"' '#include <unistd.h>'
file src/region/region.h '#include "platform/platform.h"'
file src/participant/member.h '#include <urcu/urcu-bp.h>' '#include <pthread.h>' \
    '#include "region/region.h"'
file src/wait/wait.h '#include "participant/member.h"'
file src/mutex/mutex.h '#include <holdfast/mutex.h>' '#include "wait/wait.h"'
file src/mutex/mutex.c '#include "mutex.h"' '#include <errno.h>'
file src/condvar/condvar.c '#include "mutex/mutex.h"' '#include <holdfast/cond.h>'
file src/sem/sem.h '#include "wait/wait.h"'
file src/segment/segment.h '#include "mutex/mutex.h"' '#include "sem/sem.h"'
file src/containers/vector.c '#include "segment/segment.h"'
file stress/common/clock.h '#include <time.h>'
file stress/torture/main.c '#include "../common/clock.h"' '#include "common/clock.h"' \
    '#include <holdfast/holdfast.h>' '#include <unistd.h>'

if ! output=$(sh "$here/check.sh" "$tree"); then
    printf 'the clean tree is refused:\n%s\n' "$output"
    exit 1
fi

# One more line at the end of a file, and what must be said of it.
must_refuse()
{
    name=$1
    line=$2
    why=$3
    mkdir -p "$tree/$(dirname "$name")"
    existed=no
    if [ -f "$tree/$name" ]; then
        existed=yes
        cp "$tree/$name" "$scratch/saved"
    fi
    printf '%s\n' "$line" >>"$tree/$name"
    at=$(wc -l <"$tree/$name" | tr -d ' ')
    if output=$(sh "$here/check.sh" "$tree"); then
        printf 'not refused: %s in %s\n' "$line" "$name"
        failures=$((failures + 1))
    else
        case $output in
        "$name:$at: "*"$why"*) ;;
        *)
            printf '%s in %s is refused with\n  %s\nbut not with\n  %s\n' \
                "$line" "$name" "$output" "$name:$at: ... $why"
            failures=$((failures + 1))
            ;;
        esac
    fi
    if [ $existed = yes ]; then
        mv "$scratch/saved" "$tree/$name"
    else
        rm "$tree/$name"
    fi
}

must_accept()
{
    cp "$tree/$1" "$scratch/saved"
    printf '%s\n' "$2" >>"$tree/$1"
    if ! output=$(sh "$here/check.sh" "$tree"); then
        printf 'refused: %s\n' "$output"
        failures=$((failures + 1))
    fi
    mv "$scratch/saved" "$tree/$1"
}

must_refuse src/mutex/mutex.c '#include "segment/segment.h"' 'points up, from mutex to'
must_refuse src/base/atomics.h '#include "platform/platform.h"' 'points up, from base to'
must_refuse src/wait/wait.h '  #  include "mutex/mutex.h"' 'points up, from wait to mutex'
must_refuse src/wait/wait.h '#include "../mutex/mutex.h"' 'points up, from wait to mutex'
must_refuse src/wait/wait.h '#include /* so */ "mutex/mutex.h"' 'points up, from wait to'
must_refuse src/region/region.h '#include <holdfast/segment.h>' 'points up, from region'
must_refuse src/wait/wait.h '#include <holdfast/cond.h>' 'points up, from wait to condvar'
must_refuse src/segment/segment.h '#include <holdfast/holdfast.h>' 'umbrella'
must_refuse src/mutex/mutex.c '#include "sem/sem.h"' 'points sideways: mutex and sem'
must_refuse src/mutex/mutex.h '#include <sys/mman.h>' 'a system header outside'
must_refuse src/wait/wait.h '#include <pthread.h>' 'a system header outside'
must_refuse src/mutex/mutex.c '#include <urcu-bp.h>' 'a system header outside'
must_refuse src/segment/segment.h '#include <fcntl.h>' 'a system header outside'
must_refuse src/wait/wait.h '#include "platform/linux/linux.h"' "one system's own header"
must_refuse src/mutex/mutex.c '#include "nowhere.h"' 'no such file'
must_refuse src/mutex/mutex.c '#include <holdfast/nowhere.h>' 'no such public header'
must_refuse src/mutex/mutex.c '#include <wait/wait.h>' 'our own headers are included as "'
must_refuse src/mutex/mutex.c '#include HEADER' 'through a macro'
must_refuse src/novelty/novelty.c '#include "base/atomics.h"' 'no place among the layers'
must_refuse include/holdfast/mutex.h '#include "wait/wait.h"' 'a public header includes'
must_refuse include/holdfast/mutex.h '#include <wait/wait.h>' 'nothing from src/'
must_refuse include/holdfast/mutex.h '#include <pthread.h>' 'a system header in a public'
must_refuse stress/torture/main.c '#include "wait/wait.h"' 'stress/ sees its own headers'
must_refuse stress/torture/main.c '#include <wait/wait.h>' 'stress/ sees its own headers'
must_refuse stress/torture/main.c '#include "../../src/wait/wait.h"' 'stress/ sees'
must_refuse bench/lock.c '#include "../stress/common/clock.h"' 'bench/ sees'
must_refuse examples/a.c '#include "mutex/mutex.h"' 'examples/ sees its own headers'
must_refuse tests/install/a.c '#include "../../src/wait/wait.h"' 'tests/install/ sees'

must_accept src/wait/wait.h '/* #include "mutex/mutex.h" */'
must_accept src/wait/wait.h '// #include "mutex/mutex.h"'

must_accept src/wait/wait.h '/*
#include "mutex/mutex.h"
*/'
must_refuse src/wait/wait.h 'const char *all = "/dev/shm/*";
#include "mutex/mutex.h"' 'points up, from wait to mutex'

if sh "$here/check.sh" "$scratch" >/dev/null 2>&1; then
    echo "a directory without sources is accepted"
    failures=$((failures + 1))
fi

if [ $failures -ne 0 ]; then
    exit 1
fi
echo "each forbidden #include was refused for the right reason"
