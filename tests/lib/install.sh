# shellcheck shell=bash
# install.sh - sourced: Debian packages that a check or a test needs, when they are missing.

# as_root COMMAND...: as it is when we are root, else through sudo.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# install_packages WHAT-FOR PACKAGE...: says what it does; exit 1 with one line when it cannot.
install_packages() {
    local purpose=$1 package missing=()
    shift
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [[ ${#missing[@]} -eq 0 ]] && return 0
    if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
        echo "error: $purpose need the packages ${missing[*]}: install them as root" >&2
        exit 1
    fi
    echo "installing ${missing[*]} for $purpose"
    if ! { as_root apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends \
            "${missing[@]}" >/dev/null; }; then
        echo "error: could not install ${missing[*]}" >&2
        exit 1
    fi
}
