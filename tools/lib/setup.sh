# Sourced by the scripts in tools/: a virtual environment with edgeq, and the Debian packages that a script needs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# Runs a command quietly; shows what it printed only where it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# Prints the packages among PROBE=PACKAGE... whose probe, a command or a file, is not on this machine.
missing_packages() {
    local pair
    for pair in "$@"; do
        [ -e "${pair%%=*}" ] || command -v "${pair%%=*}" >/dev/null || printf '%s\n' "${pair#*=}"
    done
}

# Installs Debian packages where root and apt allow it; returns 1 where not.
install_packages() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    say "Installing Debian packages: $*"
    quietly apt-get -q update || true # an old package list may still do
    quietly env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
}

# Installs what is missing of PROBE=PACKAGE...; returns 1, and names the packages, where that is not possible.
ensure_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" || {
        say "Missing Debian packages: ${missing[*]}"
        say "  to install them: sudo apt-get install ${missing[*]}"
        return 1
    }
}

# Makes .venv with edgeq and the extras given (such as "test"; none for ""), unless that was done for this setup.cfg.
ensure_venv() {
    local extras=$1 python=${PYTHON:-python3} key
    key=$(cat "$root/setup.cfg" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)
    grep -qs "^$key.*$extras" "$venv/edgeq-installed" && return
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "edgeq needs Python 3.11 or newer; name one in the environment variable PYTHON"
    "$python" -c 'import ensurepip' 2>/dev/null || install_packages python3-venv ||
        die "$python cannot make a virtual environment; to install what it lacks: sudo apt-get install python3-venv"
    say "Installing edgeq and what it needs into $venv"
    quietly "$python" -m venv "$venv" || die "cannot make $venv"
    quietly "$venv/bin/pip" install --disable-pip-version-check -e "$root${extras:+[$extras]}" || die "pip install failed"
    printf '%s %s\n' "$key" "$extras" >>"$venv/edgeq-installed"
}
