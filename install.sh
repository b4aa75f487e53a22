#!/bin/sh
# Makes the environment .venv, or completes it: `make` calls this. It says first what is missing on
# this machine, and while it works, what it does. `sh install.sh fits` only says, by its exit status,
# whether the environment is there, is of this folder, and has an interpreter that still exists.
set -eu
cd "$(dirname "$0")"
here=$(pwd -P)
versions="3.11 3.12 3.13" # the first one that is found is taken

say() { printf 'initsweep: %s\n' "$*"; }
stop() { say "$@" >&2; exit 2; }

# Whether a version such as 3.11 or 3.11.9 is among those.
suits() {
    for one in $versions; do
        case $1. in $one.*) return ;; esac
    done
    return 1
}

fits() {
    asked='import sys; print("%d.%d" % sys.version_info[:2], sys.prefix)'
    known=$(.venv/bin/python -I -c "$asked" 2>/dev/null) || return 1
    suits "${known%% *}" && [ "${known#* }" = "$here/.venv" ] &&
        head -n 2 .venv/bin/pip 2>/dev/null | grep -qF "$here/.venv/bin/python"
}

# Prints version and path, not of an environment but of what it was made from: .venv may go away.
identify() {
    "$1" -I -c 'import sys; print("%d.%d.%d" % sys.version_info[:3], sys._base_executable)' 2>/dev/null
}

find_python() {
    found=
    for name in ${PYTHON:-$(printf 'python%s ' $versions) python3 python}; do
        if known=$(identify "$name"); then
            version=${known%% *} python=${known#* }
            if suits "$version"; then return; fi
            found="$found${found:+, }'$name' is Python $version"
        else
            found="$found${found:+, }there is no '$name' that runs"
        fi
    done
    stop "needs Python 3.11, 3.12 or 3.13; $found. Install one (Debian, Ubuntu: apt install" \
        "python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11"
}

check_machine() {
    find_python
    "$python" -I -c 'import venv, ensurepip' 2>/dev/null ||
        stop "needs Python's modules venv and ensurepip, which $python lacks." \
            "Install them (Debian, Ubuntu: apt install python${version%.*}-venv)."
    command -v git >/dev/null || stop "needs git, which is not installed; DVC keeps results with it."
    command -v g++ >/dev/null ||
        say "there is no g++, so the fast training path will not be built. All else works; when you" \
            "have g++, remove .venv/installed and make again."
    [ ! -e .venv ] || [ -d .venv ] || stop "needs the name .venv for a folder; a file has it. Move it."
    [ -w . ] && { [ ! -e .venv ] || [ -w .venv ]; } ||
        stop "cannot write in $here, where the environment goes. Clone into a folder of your own."
}

# Unpacking a thousand megabytes is silent in pip, and looks like a hang on a busy machine.
tell_progress() {
    seconds=0 all=$(grep -c == constraints.txt)
    while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((seconds + 20))
        there=$(ls -d .venv/lib/python*/site-packages/*.dist-info 2>/dev/null | wc -l)
        [ "$there" -le "$all" ] || there=$all
        say "$seconds seconds; $there of about $all packages are unpacked"
    done
}

install() {
    if [ -d .venv ] && ! fits; then
        say "makes .venv anew: it is unfinished, of another Python, or was made in another folder."
        rm -rf .venv
    fi
    say "installs into .venv with Python $version: 2 to 5 minutes, longer on a busy machine" \
        "or a slow network."
    bar=off quiet=
    [ ! -t 1 ] || bar=on
    [ ! -e .venv/installed ] || quiet=--quiet # what is there already is no news
    rm -f .venv/installed
    fits || "$python" -m venv .venv
    # An unpacking that was cut short lacks what pip writes last, yet pip would call it installed.
    for package in .venv/lib/python*/site-packages/*.dist-info; do
        [ -e "$package/INSTALLER" ] || rm -rf "$package"
    done
    .venv/bin/python -m pip install $quiet --disable-pip-version-check --progress-bar $bar \
        --no-compile --constraint constraints.txt --editable '.[dev]'
    # On all cores, while pip would use one. What is no Python, such as templates, is passed over,
    # and so are the tests of packages, a sixth of all that there is.
    .venv/bin/python -m compileall -qq -j 0 -x '/tests/' .venv/lib || true
    .venv/bin/initsweep list engines | grep compiled
    touch .venv/installed
    say "installed. 'source .venv/bin/activate' makes it a command of the shell; make needs no such."
}

finish() {
    status=$?
    trap - EXIT
    [ -z "${teller:-}" ] || kill "$teller" 2>/dev/null || true
    [ $status = 0 ] || say "the installation did not finish; the reason is above. The same command" \
        "goes on where it stopped." >&2
    exit $status
}

if [ "${1:-}" = fits ]; then
    fits
    exit
fi
check_machine
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tell_progress &
teller=$!
install
