# shellcheck shell=bash
# Sourced by the scripts beside it. `setup GROUP...` makes an environment with the project (editable) and these
# dependency groups, one for each Python version (.venv-3.13 and so on), and leaves its interpreter in $py.
# PYTHON chooses the interpreter; else it is the first on the PATH that is 3.11 or newer.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
me=$(basename "$0")

say() { printf '%s: %s\n' "$me" "$*" >&2; }
stop() { say "$*"; exit 1; }

setup() {
    local began=$SECONDS python version home requirements venv log group missing=()
    local home_was='' requirements_was='' groups_was=''
    python=$(find_python)
    cd "$top" || exit
    # The home is what an environment cannot survive a change of; a change of the requirements only needs pip again.
    { read -r version && read -r home && read -r requirements; } < <("$python" -c '
import hashlib, os, sys
print("{}.{}".format(*sys.version_info) + ("t" if "t" in getattr(sys, "abiflags", "") else ""))
base = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
print(sys.version.split()[0], sys.platform, base, os.getcwd())
wanted = "pyproject.toml", "src/compile.py", *(f"src/asyncwatch/hooks/_{part}.c" for part in ("record", "doze", "table"))
print(hashlib.sha256(b"".join(open(name, "rb").read() for name in wanted)).hexdigest())')
    venv=$top/.venv-$version
    log=$venv/setup.log
    py=$venv/bin/python

    exec 9<"$top" # two scripts at once: the second waits, and finds the work done
    if command -v flock >/dev/null; then flock 9; fi
    if [ -e "$venv/setup.stamp" ]; then
        { read -r home_was && read -r requirements_was && read -r groups_was; } <"$venv/setup.stamp" || home_was=''
    fi
    if [ "$home" != "$home_was" ] || ! "$py" -c '' 2>/dev/null; then
        say "making .venv-$version with Python ${home%% *}"
        make_environment
    elif [ "$requirements" != "$requirements_was" ]; then
        groups_was=''
    fi
    for group in "$@"; do
        [[ " $groups_was " == *" $group "* ]] || missing+=(--group "$group")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        say "installing asyncwatch and what is in: $*"
        run_pip install --editable . "${missing[@]}"
        printf '%s\n' "$home" "$requirements" "$(echo "$groups_was" "$@" | xargs -n 1 | sort -u | xargs)" >"$venv/setup.stamp"
        say "ready after $((SECONDS - began)) s, in .venv-$version"
    fi
    exec 9<&-
}

find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        whereabouts "$PYTHON" || stop "PYTHON=$PYTHON is no Python 3.11 or newer; name one, or unset PYTHON"
        return
    fi
    for name in python3 python python3.13 python3.14 python3.12 python3.11; do
        if whereabouts "$name"; then return; fi
    done
    stop "no Python 3.11 or newer is on the PATH; install one (Debian 12: apt-get install python3) or name it with PYTHON=…"
}

VERSIONS=(3.11 3.12 3.13 3.14 3.15)

# The interpreter of a version: from the PATH, else one of pyenv's.
interpreter() {
    local candidate
    for candidate in "python$1" "$(pyenv root 2>/dev/null || true)"/versions/"$1".*/bin/python; do
        if [ "$(version_of "$candidate")" = "$1" ]; then
            whereabouts "$candidate"
            return
        fi
    done
    return 1
}

version_of() { "$1" -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null || true; }

# Prints where this interpreter really is; fails when it is none, or too old.
whereabouts() {
    "$1" -c 'import sys; print(sys.executable) if sys.version_info >= (3, 11) else sys.exit(1)' 2>/dev/null
}

make_environment() {
    if [ -e "$venv" ] && [ ! -e "$log" ]; then
        stop "$venv was not made by this script; move it away and run $me again"
    fi
    rm -rf "$venv"
    mkdir "$venv" 2>/dev/null || stop "$top cannot be written to; run $me where it can, or as its owner"
    "$python" -c 'import ensurepip' 2>"$log" || install_ensurepip
    groups_was=''
    "$python" -m venv "$venv" >>"$log" 2>&1 || stop "$python cannot make an environment; mend what $log says and run $me again"
    run_pip install 'pip>=25.1' # the first that knows dependency groups
}

# packages NAME PACKAGE...: sets py to a Python of its own that has these, what a table puts beside us; kept for the next time.
packages() {
    local name=$1 python=${python:-} version=${version:-}
    shift
    if [ -z "$python" ]; then python=$(find_python) || exit; fi
    if [ -z "$version" ]; then version=$(version_of "$python"); fi
    venv=$top/.venv-$name-$version
    log=$venv/setup.log
    py=$venv/bin/python
    if [ "$(cat "$venv/packages.stamp" 2>/dev/null)" = "$python $*" ] && "$py" -c '' 2>/dev/null; then return; fi
    say "installing $*"
    make_environment
    run_pip install "$@"
    echo "$python $*" >"$venv/packages.stamp"
}

# Debian keeps a part of the standard library in a package of its own.
install_ensurepip() {
    local package=python${version%t}-venv
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        stop "this Python cannot make environments; install the rest of it (Debian: sudo apt-get install $package) and run $me again"
    fi
    say "installing the system's package $package"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package"; } >>"$log" 2>&1 ||
        stop "apt-get could not install $package, without which this Python makes no environments; mend what $log says and run $me again"
}

run_pip() {
    "$py" -m pip --disable-pip-version-check --no-input "$@" >>"$log" 2>&1 && return
    if grep -qE 'Failed to establish a new connection|Name or service not known|name resolution|ConnectTimeout' "$log"; then
        stop "pip reached no package index; check the network or pip's own configuration and run $me again (all of it: $log)"
    fi
    stop "pip could not install what is needed; see the last lines of $log and run $me again"
}
