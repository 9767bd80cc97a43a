# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# What every end-to-end test starts from: a scratch folder, the program under all its names, an unprivileged
# user, and a check that nothing is left behind.

LAMINA_SOURCE_ROOT=${LAMINA_SOURCE_ROOT:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
LAMINA_BUILD_ROOT=${LAMINA_BUILD_ROOT:-$LAMINA_SOURCE_ROOT/build}

# Skip unless the command succeeds; where LAMINA_MUST_RUN names what, that is a failure.
#   need WHAT REASON COMMAND...
need() {
    local what=$1 reason=$2
    shift 2
    "$@" >/dev/null 2>&1 && return 0
    case ",${LAMINA_MUST_RUN:-}," in
    *",$what,"*)
        echo "$what must run here: $reason" >&2
        return 1
        ;;
    esac
    skip "$what: $reason"
}

need_root() { need root "not root" test "$(id -u)" -eq 0; }
need_fuse() { need fuse "/dev/fuse is not there, or not ours to open" fuse_openable; }
# Root gives his unprivileged user a device of his own (as_user); anybody else needs that of the machine.
fuse_openable() { [ -e /dev/fuse ] && { [ "$(id -u)" -eq 0 ] || { [ -r /dev/fuse ] && [ -w /dev/fuse ]; }; }; }
need_userns() { need userns "no unprivileged user namespaces" as_user unshare -Urm true; }

# A folder of its own, readable for others, and the program in it (the build folder may not be readable).
start() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/lamina-e2e.XXXXXX")
    chmod 755 "$scratch"
    mkdir "$scratch/bin"
    cp "$LAMINA_BUILD_ROOT/lamina" "$scratch/bin/"
    ln -s lamina "$scratch/bin/mkcomposefs"
    ln -s lamina "$scratch/bin/composefs-info"
    ln -s lamina "$scratch/bin/mount.composefs"
    PATH=$scratch/bin:$PATH
    export LAMINA_REPO=$scratch/repo
    # records of mounts without a repository: not among those of the machine
    mkdir -m 1777 "$scratch/runtime"
    export LAMINA_RUNTIME_DIR=$scratch/runtime
    unset XDG_DATA_HOME
    cd "$scratch" || return 1
    servers_before=$(servers)
}

# The servers that this test has started: they have its environment. One that hides it, or that is just ending and has
# none any more, counts, too: gone() waits for it.
servers() {
    local pid
    for pid in $(pgrep -x 'lamina-.*' | sort); do
        if environment_is_foreign "$pid"; then continue; fi
        printf '%s ' "$pid"
    done
}
environment_is_foreign() {
    local text
    { text=$(tr '\0' '\n' <"/proc/$1/environ"); } 2>/dev/null || { [ ! -e "/proc/$1" ]; return; }
    [ -n "$text" ] && [[ "$text" != *"$scratch"* ]]
}

# Wait until a process has ended, be it reaped or not. Ten seconds are more than anything takes here.
gone() {
    for _ in $(seq 200); do
        case $(ps -o stat= -p "$1") in Z* | '') return 0 ;; esac
        sleep 0.05
    done
    echo "process $1 is still there"
    return 1
}

# Nothing may be left: no mount below the scratch folder, no server process.
finish() {
    local left waited=0
    left=$(awk -v p="$scratch/" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo | tac)
    for mount in $left; do umount -l "$mount" || true; done
    # A server ends when the kernel has told it that its mount is gone: wait for the process itself.
    for pid in $(servers); do
        case " $servers_before " in *" $pid "*) continue ;; esac
        gone "$pid" || waited=1
    done
    cd /
    # overlayfs leaves a directory of mode 000 in its work directory, which only root could empty as it is
    chmod -R u+rwx "$scratch" 2>/dev/null || true
    rm -rf "$scratch"
    [ ! -e "$scratch" ] || { echo "left in the file tree: $scratch"; return 1; }
    [ -z "$left" ] || { echo "left mounted: $left"; return 1; }
    [ "$waited" = 0 ] || { echo "a server is left"; return 1; }
}

# Run a command as an unprivileged user who may open /dev/fuse, in a mount namespace of its own where the
# device had to be made accessible (facts of this machine: it is 0600 in some containers).
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        env HOME="$scratch/home" "$@"
        return
    fi
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare -m sh -c '
        if [ -e /dev/fuse ]; then
            [ -e "$0/fuse" ] || mknod -m 666 "$0/fuse" c 10 229
            mount --bind "$0/fuse" /dev/fuse
        fi
        exec setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all "$@"' "$scratch" \
        env HOME="$scratch/home" LAMINA_REPO="$LAMINA_REPO" "$@"
}

# The same, as root of a user and mount namespace of its own.
in_userns() { as_user unshare -Urm "$@"; }

# A folder for the unprivileged user, who owns it.
user_folder() {
    mkdir -p "$1"
    [ "$(id -u)" -ne 0 ] || chown 1000:1000 "$1"
}

# A small tree with one of everything that anybody may make, and what only root may where we are root.
make_tree() {
    local dir=$1
    mkdir -p "$dir/empty" "$dir/deep/er"
    printf 'hello\n' >"$dir/inline"
    : >"$dir/none"
    head -c 100000 /dev/zero | tr '\0' 'x' >"$dir/big"
    head -c 65 /dev/zero | tr '\0' 'y' >"$dir/deep/just-external"
    head -c 64 /dev/zero | tr '\0' 'z' >"$dir/deep/just-inline"
    cp "$dir/big" "$dir/deep/er/copy"
    ln "$dir/big" "$dir/deep/link"
    ln -s ../big "$dir/deep/symlink"
    mkfifo "$dir/fifo"
    printf 'odd' >"$dir/$(printf 'odd \001\377name')"
    chmod 4755 "$dir/deep/just-external"
    setfattr -n user.note -v value "$dir/big" 2>/dev/null || true
    if [ "$(id -u)" -eq 0 ]; then
        mknod "$dir/device" c 1 3
        chown 12:34 "$dir/inline"
        setfattr -n trusted.note -v value "$dir/deep"
    fi
    touch -d '2020-01-02 03:04:05.123456789' "$dir/inline" "$dir/deep/er"
}

# Every name with its metadata and content digest, so that two trees can be compared with diff.
describe() {
    (cd "$1" && find . -printf '%P|%y|%m|%U|%G|%s|%l|%T@\n' | grep -v '|d|' | sort
     find . -type d -printf '%P|d|%m|%U|%G|%T@\n' | sort
     find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# Every xattr that is listed, of every name.
xattrs() { (cd "$1" && find . -print0 | sort -z | xargs -0 getfattr -hd -m - 2>/dev/null); }

# Give the repository the default format $1 and the extra ones $2, as bootc makes it: an older program that
# knows no formats goes by the feature.
set_formats() {
    local features='[]'
    [ "$1" != 1 ] || features='["v1_erofs"]'
    jq ".erofs_formats = {default: $1, extra: [$2]} | .features[\"read-only-compatible\"] = $features" \
        repo/meta.json >"$scratch/meta.json"
    cat "$scratch/meta.json" >repo/meta.json
}
