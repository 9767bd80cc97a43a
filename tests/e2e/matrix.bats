#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Every cell of caller x mode x verity x writing x id map, and of caller x mode x image by x target by: it works, or
# it is refused with a reason. The tables that come out are docs/modes.md; LAMINA_WRITE_DOCS=1 writes it anew.
load lib
bats_require_minimum_version 1.5.0

setup() { start; }
teardown() { finish; }

callers=(root namespace user)
modes=(kernel overlay standalone)
verities=(off try require)
writes=(none upper ephemeral)
maps=(no yes)
images=(name digest file descriptor)
targets=(path descriptor)

as() {
    local caller=$1
    shift
    case $caller in
    root) (cd home && env HOME="$scratch/home" LAMINA_REPO="$scratch/home/repo" "$@") ;;
    namespace) (cd home && in_userns "$@") ;;
    user) (cd home && as_user "$@") ;;
    esac
}

# What all cells begin with. Run by the caller in $scratch/home.
# shellcheck disable=SC2016 # a script for another shell
cell_begin='
    refused() {
        [ -z "$(ls mnt)" ] || { echo "LEFT MOUNTED"; exit; }
        sed -n "1s/^lamina: cannot mount [^ ]* \(at [^ ]*mnt.\|for descriptor [0-9]*\): //p" error.$CALLER
        exit
    }'

# One caller and mode: prints a line "VERITY MAP WRITE: works", or the reason, for each cell.
# shellcheck disable=SC2016 # a script for another shell
cells="$cell_begin"'
    mode=$1
    cell() {
        rm -rf of.$CALLER && mkdir of.$CALLER of.$CALLER/upper of.$CALLER/work && chmod 777 of.$CALLER/*
        set -- --mode "$mode" --verity "$verity"
        case $write in
        upper) set -- "$@" --upper of.$CALLER/upper --work of.$CALLER/work ;;
        ephemeral) set -- "$@" --ephemeral ;;
        esac
        case $map in yes) set -- "$@" --uidmap "$MAP" ;; esac
        lamina mount "$@" a mnt 2>error.$CALLER || refused
        result=works
        read -r content <mnt/file
        [ "$content" = content ] || result="WRONG CONTENT"
        [ "$map" = no ] || [ "$(stat -c %u mnt/file)" = "$OUTSIDE" ] || result="WRONG OWNER"
        if [ "$write" != none ]; then
            # As whoever root of the image is: in the kernel, with a map, that is nobody but him.
            if [ "$map" = yes ] && [ "$OUTSIDE" != "$(id -u)" ]; then
                setpriv --reuid "$OUTSIDE" --regid "$OUTSIDE" --clear-groups sh -c "echo new >mnt/new && echo more >>mnt/file" 2>/dev/null || result="NOT WRITABLE"
            else
                # What belongs to nobody here cannot be copied up.
                { echo new >mnt/new && { [ "$(stat -c %u mnt/file)" = 65534 ] || echo more >>mnt/file; }; } 2>/dev/null || result="NOT WRITABLE"
            fi
        else
            touch mnt/new 2>/dev/null && result="WRITABLE"
        fi
        lamina umount mnt || result="NOT UNMOUNTED"
        echo "$result"
    }
    for verity in $VERITIES; do for map in $MAPS; do for write in $WRITES; do
        echo "$verity $map $write: $(cell)"
    done; done; done'

# The same of "IMAGE TARGET" cells.
# shellcheck disable=SC2016 # a script for another shell
ways="$cell_begin"'
    mode=$1
    cell() {
        case $image in
        name) set -- a ;;
        digest) set -- "$DIGEST" ;;
        file) set -- --objects objects ./image.erofs ;;
        descriptor) set -- --objects objects --image-fd 8 ;;
        esac
        if [ "$target" = path ]; then
            lamina mount --mode "$mode" "$@" mnt 2>error.$CALLER 8<image.erofs || refused
        else
            receive-mount stream attach mnt lamina mount --mode "$mode" --send-fd 9 "$@" 2>error.$CALLER 8<image.erofs || refused
        fi
        result=works
        read -r content <mnt/file
        [ "$content" = content ] || result="WRONG CONTENT"
        lamina umount mnt || result="NOT UNMOUNTED"
        echo "$result"
    }
    for target in $TARGETS; do for image in $IMAGES; do
        echo "$target $image: $(cell)"
    done; done'

# Add the result of a cell to the line of the table, as yes or as the number of its reason.
declare -gA notes=()
note_count=0
row_add() {
    local result=$1
    case $result in
    works) row="$row yes |"; return ;;
    WRONG* | NOT* | WRITABLE | LEFT* | "") return 1 ;;
    esac
    result=${result#mode * is not possible here: }
    if [ -z "${notes[$result]}" ]; then
        note_count=$((note_count + 1))
        notes[$result]=$note_count
        echo "$note_count. $result" >>notes.md
    fi
    row="$row [${notes[$result]}] |"
}

# The rows of one caller and mode, from the lines of cells or ways; $2 is what a row begins with, $3 how many cells
# it has. The first word of a line is put into the row where $4 says so.
rows_add() {
    local lines=$1 count=0 line
    while IFS= read -r line; do
        echo "$2 $line"
        [ $((count % $3)) != 0 ] || row="$2${4:+ ${line%% *} |}"
        row_add "${line#*: }"
        count=$((count + 1))
        [ $((count % $3)) != 0 ] || echo "$row" >>"$table"
    done <"$lines"
    [ $count -gt 0 ] && [ $((count % $3)) = 0 ]
}

# Whether a repository here is made with fs-verity, so that more works than the document says.
has_verity() { lamina features --json | jq -e '.features[] | select(.name == "fs-verity") | .available' >/dev/null; }

@test "each cell of the matrix works or is refused with a reason" {
    need_root
    need_fuse
    need_userns
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    need overlayfs "no overlayfs in the kernel" grep -qw overlay /proc/filesystems
    cp "$LAMINA_BUILD_ROOT/tests/tools/receive-mount" bin/
    user_folder home
    LAMINA_REPO=$scratch/home/repo
    as user sh -c 'mkdir tree mnt && echo content >tree/file && chmod 666 tree/file && chmod 777 tree &&
        lamina init && lamina import tree a >digest && lamina build --objects objects tree image.erofs' >/dev/null
    export VERITIES="${verities[*]}" WRITES="${writes[*]}" MAPS="${maps[*]}" IMAGES="${images[*]}" TARGETS="${targets[*]}"
    DIGEST=$(cat home/digest)
    export DIGEST CALLER MAP OUTSIDE
    : >notes.md
    {
        echo '| caller | `--mode` | `--verity` | read-only | `--upper` | `--ephemeral` | map | map, `--upper` | map, `--ephemeral` |'
        echo '|---|---|---|---|---|---|---|---|---|'
    } >promises.md
    {
        echo '| caller | `--mode` | DIR: name | digest | file | `--image-fd` | `--send-fd`: name | digest | file | `--image-fd` |'
        echo '|---|---|---|---|---|---|---|---|---|---|'
    } >ways.md
    for CALLER in "${callers[@]}"; do
        # The owner in the image is 1000, and what the caller may show him as.
        case $CALLER in
        root) MAP=0:100000:65536 OUTSIDE=101000 ;;
        namespace) MAP=1000:0:1 OUTSIDE=0 ;;
        user) MAP=1000:1000:1 OUTSIDE=1000 ;;
        esac
        for mode in "${modes[@]}"; do
            as "$CALLER" sh -c "$cells" cells "$mode" >cells
            table=promises.md
            rows_add cells "| $CALLER | $mode |" $((${#writes[@]} * ${#maps[@]})) verity
            as "$CALLER" sh -c "$ways" ways "$mode" >cells
            table=ways.md
            rows_add cells "| $CALLER | $mode |" $((${#images[@]} * ${#targets[@]}))
        done
    done
    {
        echo '# Which mount works for whom'
        echo
        echo 'Written by `tests/e2e/matrix.bats` (`LAMINA_WRITE_DOCS=1`), which tries every cell: on Linux 6.18 without fs-verity, on'
        echo 'ext4. *namespace* is root of a user and mount namespace of its own (`unshare -Urm`), *user* has neither. `--mode auto`'
        echo 'takes the first of kernel, overlay, standalone that works.'
        echo
        echo 'An image of the repository, by its name. Without fs-verity, `try` is `off` and `require` cannot be had; what they do'
        echo 'where there is fs-verity is tested by `tests/vm`, under Linux 6.1, 6.12 and 7.2.'
        echo
        cat promises.md
        echo
        echo 'An image by its name, its digest, the path of a file, or a descriptor (`--image-fd`), shown at a directory or handed'
        echo 'over as a descriptor (`--send-fd`):'
        echo
        cat ways.md
        echo
        echo 'Where it does not work, the reason is:'
        echo
        cat notes.md
    } >modes.md
    if [ -n "${LAMINA_WRITE_DOCS:-}" ]; then cp modes.md "$LAMINA_SOURCE_ROOT/docs/modes.md"; fi
    # Reasons are the kernel's of this machine in part; the cells have to be those of the document.
    comparable() { grep '^|' "$1" | sed 's/\[[0-9]*\]/no/g' | if has_verity; then grep -v '| require |'; else cat; fi; }
    diff <(comparable "$LAMINA_SOURCE_ROOT/docs/modes.md") <(comparable modes.md)
}

@test "an image by name, digest, file and descriptor is the same image" {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    make_tree tree
    lamina init
    digest=$(lamina import tree a)
    lamina build --objects objects tree image.erofs
    mkdir mnt
    for mode in kernel overlay standalone; do
        for image in a "$digest" ./image.erofs; do
            lamina mount --mode $mode --objects repo/objects "$image" mnt
            diff <(describe tree) <(describe mnt)
            lamina umount mnt
        done
        lamina mount --mode $mode --objects objects --image-fd 7 mnt 7<image.erofs
        diff <(describe tree) <(describe mnt)
        lamina umount mnt
    done
}

@test "a descriptor that is no image file open for reading is refused" {
    mkdir mnt
    : >file
    run -1 lamina mount --objects . --image-fd 7 mnt 7>file
    [[ "$output" == *"not open for reading"* ]]
    run -1 lamina mount --objects . --image-fd 7 mnt 7</dev/null
    [[ "$output" == *"not of a regular file"* ]]
    run -1 lamina mount --objects . --image-fd 77 mnt
    run -2 lamina mount --image-fd 7 image mnt 7<file
    run -2 lamina mount mnt
    run -1 lamina mount --ephemeral --upper a --work b x mnt
    [[ "$output" == *"--ephemeral"* ]]
}

@test "an ephemeral mount has the root of the image, and forgets" {
    need_root
    need_fuse
    need erofs "no EROFS in the kernel" grep -qw erofs /proc/filesystems
    make_tree tree
    chmod 2751 tree
    chown 5:6 tree
    lamina init
    lamina import tree a
    mkdir mnt
    for mode in kernel overlay; do
        lamina mount --mode $mode --ephemeral a mnt
        [ "$(stat -c '%a %u %g' mnt)" = "2751 5 6" ]
        diff <(describe tree | grep -v '^|d|') <(describe mnt | grep -v '^|d|')
        rm mnt/big && echo new >mnt/new && mv mnt/deep mnt/moved
        lamina umount mnt
        lamina mount --mode $mode --ephemeral a mnt
        [ -e mnt/big ] && [ ! -e mnt/new ]
        lamina umount mnt
    done
}
