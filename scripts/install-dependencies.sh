#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what the build needs and is not there (Debian, Ubuntu). Leaves alone a machine
# that has it all, whatever system that is.
#
# Usage: install-dependencies.sh [build | test | bench | models]
#   build   compiler, cmake, make, pkg-config, liburcu: the library and the programs
#   test    also Criterion, and Spin
#   bench   also what it is measured beside: a C++ compiler, Boost
#   models  compiler, Spin
set -eu

purpose=${1:-test}
packages=

# Wanted unless the command that follows succeeds.
want()
{
    package=$1
    shift
    if ! "$@" >/dev/null 2>&1; then
        packages="$packages $package"
    fi
}

compiles()
{
    echo 'int main(void) { return 0; }' | ${CC:-cc} -x c -o /dev/null -
}

has_boost()
{
    echo '#include <boost/interprocess/sync/interprocess_mutex.hpp>' |
        ${CXX:-c++} -fsyntax-only -x c++ -
}

want 'gcc libc6-dev' compiles
if [ "$purpose" != models ]; then
    want cmake command -v cmake
    if ! command -v ninja >/dev/null 2>&1 || [ -z "${CMAKE_GENERATOR:-}" ]; then
        want make command -v make
    fi
    want pkg-config command -v pkg-config
    want liburcu-dev pkg-config --exists liburcu-bp
fi
if [ "$purpose" = test ]; then
    want libcriterion-dev pkg-config --exists criterion
fi
if [ "$purpose" = bench ]; then
    want g++ command -v "${CXX:-c++}"
    want libboost-dev has_boost
fi
if [ "$purpose" = test ] || [ "$purpose" = models ]; then
    want spin command -v spin
fi

if [ -z "$packages" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "missing, and there is no apt-get to install it with:$packages" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "missing, and installing it takes root or sudo:$packages" >&2
        exit 1
    fi
    as_root=sudo
fi

echo "installing:$packages"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends $packages >/dev/null
