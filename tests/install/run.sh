#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into a scratch prefix and uses it as a consumer would.
#
# Usage: run.sh step source-directory build-directory scratch-directory C-compiler
#   install           into scratch/prefix, then look at what has been installed
#   symbols           the libraries there define what the headers declare, and no more
#   find_package      builds and runs tests/install/find_package against it
#   pkg_config        the same with a compiler and pkg-config alone
#   add_subdirectory  builds and runs the library as part of a consumer's project
set -eu

step=$1
source=$2
build=$3
scratch=$4
compiler=$5
cmake=${CMAKE_COMMAND:-cmake}

prefix=$scratch/prefix
work=$scratch/$step
rm -rf "$work"
mkdir -p "$work"

fail()
{
    echo "FAILED: $*"
    exit 1
}

installed()
{
    found=$(find "$prefix" -name "$1")
    [ -n "$found" ] || fail "no $1 below $prefix"
    echo "$found"
}

build_and_run()
{
    "$cmake" -S "$source/tests/install/$step" -B "$work/build" \
        -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release "$@"
    "$cmake" --build "$work/build" --parallel 2 --target run
}

# A library offers what its headers declare, and nothing else.
check_symbols()
{
    shared=$(installed libholdfast.so)
    nm -D --defined-only "$shared" | awk '{ print $3 }' | sort >"$work/exported"
    sed 's://.*::' "$prefix"/include/holdfast/*.h |
        awk '/^HF_API/ && match($0, /hf_[a-z0-9_]+[(;]/) {
            print substr($0, RSTART, RLENGTH - 1) }' | sort >"$work/declared"
    [ -s "$work/declared" ] || fail "no declaration found in the headers"
    if ! diff "$work/declared" "$work/exported"; then
        fail "declared (<) and exported (>) differ"
    fi
    nm --defined-only --extern-only "$(installed libholdfast.a)" 2>/dev/null |
        awk 'NF == 3 && $3 !~ /^hfi?_/ { print $3 }' >"$work/foreign"
    if [ -s "$work/foreign" ]; then
        cat "$work/foreign"
        fail "the static library defines names that are not ours"
    fi
}

# The same files must do for whoever the package is given to.
check_relocatable()
{
    for file in $(installed '*.cmake') $(installed '*.pc'); do
        if grep -n -e "$source" -e "$build" -e "$prefix" "$file"; then
            fail "$file knows where it was built"
        fi
    done
}

check_soname()
{
    name=$(readelf -d "$(installed libholdfast.so)" |
        sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p')
    case $name in
    libholdfast.so.[0-9]*) installed "$name" >/dev/null ;;
    *) fail "soname is '$name'" ;;
    esac
}

case $step in
install)
    rm -rf "$prefix"
    "$cmake" --install "$build" --prefix "$prefix"
    for header in "$source"/include/holdfast/*.h; do
        cmp "$header" "$prefix/include/holdfast/$(basename "$header")"
    done
    check_soname
    check_relocatable
    ;;
symbols)
    check_symbols
    ;;
find_package)
    build_and_run -DCMAKE_PREFIX_PATH="$prefix"
    ;;
pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(installed holdfast.pc)")
    libraries=$(dirname "$(installed libholdfast.so)")
    export PKG_CONFIG_PATH
    consumer=$source/tests/install/consumer.c
    warnings='-std=c11 -Wall -Wextra -Wpedantic -Werror'
    pkg-config --modversion holdfast
    # shellcheck disable=SC2046,SC2086 # flags are meant to be split
    "$compiler" $warnings "$consumer" -o "$work/shared" \
        $(pkg-config --cflags --libs holdfast)
    LD_LIBRARY_PATH=$libraries "$work/shared" "consumer-$$"
    # shellcheck disable=SC2046,SC2086
    "$compiler" $warnings -static "$consumer" -o "$work/static" \
        $(pkg-config --static --cflags --libs holdfast)
    "$work/static" "consumer-$$"
    ;;
add_subdirectory)
    build_and_run -DHOLDFAST_SOURCE="$source"
    ;;
*)
    fail "no such step: $step"
    ;;
esac
echo "$step: ok"
