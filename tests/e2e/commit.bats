#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Upper directories of overlays as layers: the new image is what was mounted, whatever happened in it; and what is
# different between two images.
load lib
bats_require_minimum_version 1.5.0

setup() {
    start
    lamina init >/dev/null
}
teardown() { finish; }

make_image() { python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" "$@"; }

# A tree without what composefs-rs changes by rule: the root's metadata, what is in /run. And without sockets.
describe_image() { describe "$1" | grep -av '^|d|\|^run/\|^run|\|  \./run/\||s|' | grep -av '^var/socket|'; }

# Layers bring in capabilities only.
capabilities() { (cd "$1" && find . -type f -print0 | sort -z | xargs -0 getfattr -hn security.capability 2>/dev/null) || true; }

# All kinds of changes, to the file tree of make_image. $2: leave out what means something else on a plain directory.
change_tree() {
    (
        cd "$1"
        rm usr/bin/symlink etc/variant
        rm -r var/cache && mkdir var/cache && echo again >var/cache/again
        mv usr/share usr/renamed
        echo added >usr/renamed/added
        rm usr/renamed/note
        mkdir usr/share && echo replaced >usr/share/x
        rm etc/dir-becomes-file && mkdir -p etc/dir-becomes-file/again
        chmod 600 etc/kept
        mkfifo var/pipe
        mknod var/null c 1 3
        mknod var/block b 8 70000
        python3 -c 'import hashlib; print(hashlib.sha256(b"x").hexdigest() * 2000)' >usr/bin/large
        chown 33:44 usr/bin/large
        setcap cap_net_raw+ep usr/bin/large
        ln usr/bin/large usr/bin/zlarge
        touch -d '1969-12-31 23:59:58.25' var/pipe
        touch -- -first '!second'
        touch "$(printf 'n%.0s' {1..250})" "$(printf 'raw\xff')"
        local p
        p=$(printf 'p%.0s' {1..140})
        mkdir -p "$p/$p/$p" && echo deep >"$p/$p/$p/f" && ln -s "$p/$p/$p/f" longlink
        [ "${2:-}" = plain ] && return
        # umoci's layers have whiteouts for what was in it, in what is a file now; lamina refuses those
        rm -r etc/file-becomes-dir && echo file >etc/file-becomes-dir
        chmod 711 usr/bin/tool # of three names, one of which is copied up
        mv usr/bin/third usr/bin/fourth && ln usr/bin/fourth usr/bin/fifth
        mv usr/renamed/a-rather-long-directory-name usr/share/taken
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("var/socket")'
    )
}

# Mount image $1 writable at mnt, with up and work.
mount_upper() {
    mkdir -p up work mnt
    lamina mount --mode "${2:-kernel}" --upper up --work work "$1" mnt
}

# Describe what is mounted at mnt, unmount it, commit it as new with the options given, and compare.
commit_and_compare() {
    describe_image mnt >expected
    capabilities mnt >expected-caps
    lamina umount mnt
    run -0 --separate-stderr lamina commit "$@" up new
    digest=$output
    lamina mount new mnt
    diff expected <(describe_image mnt)
    diff expected-caps <(capabilities mnt)
    lamina umount mnt
    run -0 lamina fsck
}

@test "a new image is what was mounted: whiteouts, renames, metadata, links, devices" {
    need_root
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    mount_upper base
    change_tree mnt
    [ -n "$(getfattr -R -n trusted.overlay.redirect up 2>/dev/null)" ]
    [ -n "$(getfattr -R -n trusted.overlay.metacopy up 2>/dev/null)" ]
    commit_and_compare --base base
    [[ "$stderr" == *"1 sockets were left out"* ]]
    [ "$(lamina inspect --json new | jq '.layers | length')" = 5 ]
    # the base's layers are the same ones
    diff <(lamina inspect --manifest base | jq .layers) <(lamina inspect --manifest new | jq '.layers[:4]')
    [ "$(lamina inspect --manifest new | jq -r '.annotations."org.opencontainers.image.base.digest"')" = \
        "$(lamina inspect --json base | jq -r .manifest)" ]
}

@test "a commit on a commit goes on where that ended" {
    need_root
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    mount_upper base
    change_tree mnt
    commit_and_compare --base base
    lamina tag new first
    rm -rf up work
    mount_upper first
    (cd mnt && mv usr/renamed usr/share/inner && rm var/pipe && mv etc/kept etc/dir-becomes-file/again/)
    commit_and_compare --base first
}

@test "an upper directory of FUSE's overlay, too" {
    need_root
    need_fuse
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    mount_upper base overlay
    change_tree mnt
    commit_and_compare --base base
}

@test "what a container wrote is an image that runs" {
    need_root
    need crun "crun is not installed" command -v crun
    need busybox "a static busybox is not installed" command -v busybox
    mkdir -p tree/bin tree/etc tree/tmp tree/usr
    cp "$(command -v busybox)" tree/bin/busybox
    for name in sh cat mv mkdir chmod rm; do ln -s busybox "tree/bin/$name"; done
    echo one >tree/etc/one && mkdir tree/etc/dir && echo two >tree/etc/dir/two
    lamina import -q tree bb >/dev/null
    mkdir up work
    lamina run --upper up --work work bb sh -c 'mv /etc/dir /etc/moved; rm /etc/one; echo new >/etc/new; chmod 700 /bin/busybox'
    # an imported image becomes a layer of its own
    lamina commit --base bb -c 'CMD ["cat", "/etc/moved/two", "/etc/new"]' -c 'ENV A=b' up new
    [ "$(lamina run new | tr '\n' ' ')" = "two new " ]
    [ "$(lamina run new sh -c 'echo $A')" = b ]
    run lamina run new cat /etc/one
    [ "$status" -eq 1 ]
    [ "$(lamina inspect --json new | jq '.layers | length')" = 2 ]
    [ "$(lamina history --json new | jq -r '.history[0].created_by')" = "lamina commit" ]
}

@test "a container that runs is committed by its name, on the image that it has" {
    need_root
    need crun "crun is not installed" command -v crun
    need busybox "a static busybox is not installed" command -v busybox
    mkdir -p tree/bin tree/etc tree/usr other up work
    cp "$(command -v busybox)" tree/bin/busybox
    for name in sh cat sleep touch; do ln -s busybox "tree/bin/$name"; done
    echo one >tree/etc/one
    lamina import -q tree bb >/dev/null
    lamina run --name box --upper up --work work bb sh -c 'echo new >/etc/new; touch /etc/done; sleep 60' 3>&- &
    local pid=$!
    for _ in $(seq 200); do [ -e up/etc/done ] && break; sleep 0.05; done
    run lamina commit box new
    [ "$status" -eq 0 ]
    [[ "$output" == *"the container goes on"* ]]
    [ "$(lamina run new cat /etc/one /etc/new | tr '\n' ' ')" = "one new " ]
    # a directory of that name is meant before a container
    mkdir box && echo x >box/y
    run -0 lamina commit -q box plain
    [ "$(lamina ls plain | head -n 1)" = "/y" ]
    rmdir box 2>/dev/null || rm -r box
    # its image is the one that it was started with
    lamina rmi bb >/dev/null; lamina import -q other bb >/dev/null
    run -1 lamina commit box again
    [[ "$output" == *"'bb' has become another image"* ]]
    [ "${#lines[@]}" = 1 ]
    pkill -KILL -f 'sleep 60' -P "$(pgrep -P "$pid" crun)" || pkill -KILL -f 'sleep 60'
    wait "$pid" || true
    run -1 lamina commit box again
    [[ "$output" == *"neither a directory nor a container of yours that runs"* ]]
    # what is in memory cannot be had
    lamina run --name box new sleep 60 3>&- &
    pid=$!
    for _ in $(seq 200); do [ -e "$LAMINA_RUNTIME_DIR/lamina/containers/box/runtime/box/status" ] && break; sleep 0.05; done
    run -1 lamina commit box again
    [[ "$output" == *"in memory"* ]]
    pkill -KILL -f 'sleep 60' -P "$(pgrep -P "$pid" crun)" || pkill -KILL -f 'sleep 60'
    wait "$pid" || true
}

@test "user namespaces: a container that runs without privilege is committed by its name" {
    need_fuse
    need_userns
    need crun "crun is not installed" command -v crun
    need busybox "a static busybox is not installed" command -v busybox
    user_folder repo
    user_folder home
    user_folder runtime
    chmod 777 .
    rm -rf repo/* && user_folder repo
    mkdir -p tree/bin tree/usr tree/etc
    cp "$(command -v busybox)" tree/bin/busybox
    for name in sh sleep touch; do ln -s busybox "tree/bin/$name"; done
    chmod -R a+rX tree
    as_user lamina init >/dev/null
    as_user lamina import -q tree bb >/dev/null
    as_user mkdir up work
    as_user lamina run -q --name box --upper up --work work bb sh -c 'echo new >/etc/new; touch /etc/done; sleep 61' 3>&- &
    local pid=$!
    for _ in $(seq 200); do [ -e up/etc/done ] && break; sleep 0.05; done
    run -0 as_user lamina unshare -- lamina commit -q box new
    [ "$(as_user lamina diff bb new | grep new)" = "A /etc/new" ]
    # containers of others are none of root's
    run -1 lamina commit box stolen
    [[ "$output" == *"neither a directory nor a container of yours"* ]]
    pkill -KILL -f 'sleep 61'
    wait "$pid" || true
}

@test "equal files give equal digests with --timestamp, whenever they were written" {
    need_root
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    for i in 1 2; do
        rm -rf up work
        mount_upper base
        change_tree mnt
        lamina umount mnt
        lamina commit -q --timestamp 1700000000 --base base up "new$i" >>digests
        sleep 1.1
    done
    [ "$(sort -u digests | wc -l)" = 1 ]
    lamina mount new1 mnt
    [ "$(stat -c %Y mnt/var/null mnt/usr/renamed/added mnt/var | sort -u)" = 1700000000 ]
    lamina umount mnt
    [ "$(lamina inspect --config new1 | jq -r .created)" = 2023-11-14T22:13:20Z ]
    lamina commit -q --base base up other
    lamina commit -q --timestamp 1700000001 --base base up another
    [ "$(lamina inspect --config other | jq -r .created)" != 2023-11-14T22:13:20Z ]
    [ -n "$(lamina diff new1 another)" ]
}

@test "the same tree as umoci repack makes of the same changes" {
    need_root
    need umoci "package umoci is missing" command -v umoci
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    umoci unpack --image img:it bundle >/dev/null 2>&1
    change_tree bundle/rootfs plain
    umoci repack --no-mask-volumes --image img:changed bundle >/dev/null 2>&1
    lamina pull -q oci:img:changed theirs >/dev/null
    mount_upper base
    change_tree mnt plain
    lamina umount mnt
    lamina commit -q --base base up ours >/dev/null
    # Both ran a clock; what was not given a time has that of its making.
    lamina diff --json theirs ours | jq -e '.differences | map(select(.parts != ["mtime"])) == []' ||
        { lamina diff theirs ours; false; }
    # umoci has whiteouts for the names of what it has not, and neither .wh. files nor marks are seen
    [ -z "$(lamina ls ours | grep '/\.wh\.')" ]
}

@test "user namespaces: a container without privilege, committed from within" {
    need_fuse
    need_userns
    user_folder repo
    user_folder home
    user_folder runtime
    chmod 777 .
    rm -rf repo/* && user_folder repo
    as_user lamina init >/dev/null
    make_image img --name it >/dev/null
    chmod -R a+rX img
    as_user lamina pull -q oci:img:it base >/dev/null
    as_user mkdir up work mnt
    in_userns sh -c 'lamina mount --mode overlay --upper up --work work base mnt &&
        rm mnt/usr/bin/symlink && rm -r mnt/etc/file-becomes-dir && mkdir mnt/etc/file-becomes-dir && echo x >mnt/new && chmod 600 mnt/etc/kept &&
        lamina umount mnt'
    run -0 as_user lamina commit -q --map root --base base up new
    [ "$(as_user lamina diff base new | grep -v '^C /$')" = "C /etc
C /etc/file-becomes-dir
D /etc/file-becomes-dir/inside
C /etc/kept
A /new
C /usr/bin
D /usr/bin/symlink" ]
    [ "$(as_user lamina ls --json new | jq -r '.entries[] | select(.path == "/new") | .uid')" = 0 ]
    # without the map the owner is who made it; a map that lacks him is refused
    run -0 as_user lamina commit -q --base base up new
    [ "$(as_user lamina ls --json new | jq -r '.entries[] | select(.path == "/new") | .uid')" = 1000 ]
    run -1 as_user lamina commit -q --uidmap 0:5000:10 --base base up refused
    [[ "$output" == *"the map does not have its owner, 1000:1000"* ]]
}

@test "another user's upper directory is refused, as its marks cannot be read" {
    need_root
    user_folder repo
    user_folder home
    chmod 777 . runtime
    rm -rf repo/* && user_folder repo
    as_user lamina init >/dev/null
    mkdir up && touch up/x && chmod -R a+rX up
    run -1 as_user lamina commit up new
    [[ "$output" == *"'up': it is not yours"* ]]
}

@test "access control lists and xattrs are in the layer, with ids inside of the map" {
    need_root
    mkdir up && echo x >up/f
    need acl "no access control lists here" setfacl -m u:100033:r up/f
    setfattr -n user.note -v "$(printf 'two\nlines')" up/f
    setfattr -n trusted.overlay.origin -v o up/f
    chown 100000:100001 up/f
    run -0 lamina commit --json --uidmap 0:100000:65536 up new
    # the layer's stream is inline but for files of more than 64 bytes; its chunks are zstd frames
    python3 - repo "$(jq -r .diff_id <<<"$output")" >layer.txt <<'PYTHON'
import pathlib, re, subprocess, sys
path = pathlib.Path(sys.argv[1]) / "streams" / ("oci-layer-" + sys.argv[2])
data = path.read_bytes()
at = data.index(b"\x28\xb5\x2f\xfd")
out = subprocess.run(["zstd", "-dcq"], input=data[at:], stdout=subprocess.PIPE).stdout
sys.stdout.write(out.decode("latin-1"))
PYTHON
    grep -q 'SCHILY.xattr.system.posix_acl_access=' layer.txt
    grep -q 'SCHILY.xattr.user.note=two' layer.txt
    run -1 grep -q 'trusted.overlay' layer.txt
    [ "$(lamina ls --json new | jq -r '.entries[] | "\(.uid):\(.gid)"')" = 0:1 ]
}

@test "what cannot be committed leaves no image" {
    need_root
    make_image img --name it >/dev/null
    lamina pull -q oci:img:it base >/dev/null
    mount_upper base
    mv mnt/usr/share mnt/usr/renamed
    chmod 600 mnt/etc/kept
    lamina umount mnt
    run -1 lamina commit up new
    [[ "$output" == *"image below, which is not named"* ]]
    [ "${#lines[@]}" = 1 ]
    run -1 lamina commit --base nope up new
    [[ "$output" == *"base 'nope'"* ]]
    make_image small --layers 1 --name small >/dev/null
    lamina pull -q oci:small:small small >/dev/null
    run -1 lamina commit --base small up new
    [[ "$output" == *"image below"* ]]
    run -1 lamina commit --base base -c 'NONSENSE x' up new
    run -1 lamina commit --base base none new
    run -1 lamina commit --base base up "sha256:$(printf 'a%.0s' {1..64})"
    mkdir -p up2 && touch up2/.wh.file
    run -1 lamina commit up2 new
    [[ "$output" == *"'/.wh.file': names that begin with .wh."* ]]
    run -2 lamina commit --timestamp yesterday up new
    run -1 lamina ls new
    lamina import -q up2 taken >/dev/null
    run -1 lamina commit --base base up taken
}

@test "gc keeps what a committed image needs, when its base has lost its name" {
    need_root
    make_image img --name it >/dev/null
    lamina pull -q --keep-blobs oci:img:it base >/dev/null
    mount_upper base
    change_tree mnt
    commit_and_compare --base base
    # the base's compressed layers are kept for the new image, too
    [ "$(lamina layers --json new | jq '[.layers[] | select(.blob_is_kept)] | length')" = 4 ]
    before=$(lamina dump new)
    lamina untag base
    lamina gc
    [ -z "$(lamina objects --missing new)" ]
    [ "$before" = "$(lamina dump new)" ]
    run -0 lamina fsck
}

@test "diff: a line for each name, parts as JSON, and a dump of what is new" {
    mkdir -p tree/same tree/changed
    echo a >tree/gone && echo b >tree/changed/f && echo c >tree/same/f && ln tree/same/f tree/same/g
    mkdir tree/old && echo x >tree/old/x
    touch -d @1000 tree tree/*/* tree/*
    lamina import -q tree a >/dev/null
    rm -r tree/gone tree/old
    echo other >tree/changed/f
    mkdir tree/new && echo y >tree/new/y
    touch -d @1000 tree tree/new/y tree/new tree/changed
    chmod 700 tree/same
    lamina import -q tree b >/dev/null
    [ "$(lamina diff a b)" = "C /changed/f
D /gone
A /new
A /new/y
D /old
C /same" ]
    [ -z "$(lamina diff a a)" ]
    lamina diff --json a b | jq -e '.differences == [
        {path: "/changed/f", kind: "changed", parts: ["mtime", "content"]},
        {path: "/gone", kind: "removed"}, {path: "/new", kind: "added"}, {path: "/new/y", kind: "added"},
        {path: "/old", kind: "removed"}, {path: "/same", kind: "changed", parts: ["mode"]}]'
    lamina diff --dump a b >d
    [ "$(cut -d' ' -f1 d | tr '\n' ' ')" = "/ /changed /changed/f /new /new/y /same " ]
    lamina build d d.erofs
    # directories have another size, with less in them
    [ "$(cut -d' ' -f1,3- d)" = "$(lamina dump "$PWD/d.erofs" | cut -d' ' -f1,3-)" ]
    # by digest and by path, too
    diff <(lamina diff a b) <(lamina diff "$(lamina images --json | jq -r '.images[] | select(.name == "a") | .digest')" b)
    run -1 lamina diff a nope
    [[ "$output" == *"'nope'"* ]]
    run -2 lamina diff --json --dump a b
}
