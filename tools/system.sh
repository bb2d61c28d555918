#!/bin/sh
# Install the system packages that are missing: sh tools/system.sh check|run|test
#
#   check   Python and its venv module
#   run     what Qt loads besides
#   test    besides: a display and an ssh server for the tests, a compiler for the extension
#
# What is there already is found by what it does, not by package names, so that other Linux systems
# and other Pythons pass. As root on Debian the rest is installed; otherwise it is named in one
# line, by Debian's names, and the status is 3.
set -eu

missing=
for_python=
here=$(dirname "$0")
PATH=$PATH:/usr/sbin:/sbin

need() {
    case " $missing " in
        *" $1 "*) ;;
        *) missing="$missing $1" ;;
    esac
}

need_command() { # command, package
    command -v "$1" >/dev/null 2>&1 || need "$2"
}

need_library() { # soname, package
    case $libraries in
        *"$1"*) ;;
        *) need "$2" ;;
    esac
}

check_python() {
    python=$("$here/find_python.sh")
    if [ -z "$python" ]; then
        for_python=" (or any Python from 3.11 to 3.13; PYTHON=... names one)"
        need python3
        need python3-venv
    elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        need python3-venv
    fi
}

check_run() {
    command -v ldconfig >/dev/null 2>&1 || return 0 # nobody here can tell; Qt will
    libraries=$(ldconfig -p)
    need_library libEGL.so.1 libegl1
    need_library libGL.so.1 libgl1
    need_library libxkbcommon.so.0 libxkbcommon0
    need_library libxkbcommon-x11.so.0 libxkbcommon-x11-0
    need_library libX11-xcb.so.1 libx11-xcb1
    need_library libxcb-cursor.so.0 libxcb-cursor0
    need_library libxcb-icccm.so.4 libxcb-icccm4
    need_library libxcb-image.so.0 libxcb-image0
    need_library libxcb-keysyms.so.1 libxcb-keysyms1
    need_library libxcb-randr.so.0 libxcb-randr0
    need_library libxcb-render-util.so.0 libxcb-render-util0
    need_library libxcb-shape.so.0 libxcb-shape0
    need_library libxcb-sync.so.1 libxcb-sync1
    need_library libxcb-xfixes.so.0 libxcb-xfixes0
    need_library libxcb-xkb.so.1 libxcb-xkb1
    need_library libfontconfig.so.1 libfontconfig1
    need_library libdbus-1.so.3 libdbus-1-3
    need_library libglib-2.0.so.0 libglib2.0-0
}

check_test() {
    need_command Xvfb xvfb
    need_command sshd openssh-server
    need_command ssh openssh-client
    need_command c++ g++
    headers='import os, sysconfig as s; assert os.path.exists(s.get_path("include") + "/Python.h")'
    if [ -z "$python" ] || ! "$python" -c "$headers" >/dev/null 2>&1; then
        need python3-dev
    fi
}

case ${1:-} in
    check) check_python ;;
    run) check_python; check_run ;;
    test) check_python; check_run; check_test ;;
    *) echo "usage: sh tools/system.sh check|run|test" >&2; exit 2 ;;
esac

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing system packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null
    # shellcheck disable=SC2086 # one word a package
    apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null
else
    echo "Missing system packages$for_python; as root: apt-get install$missing" >&2
    exit 3
fi
