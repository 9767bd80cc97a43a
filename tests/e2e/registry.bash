# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later
# Registries on loopback: Debian's docker-registry, and one that behaves as its URLs say.

need_registry() { need registry "package docker-registry is missing" command -v docker-registry; }
need_skopeo() { need skopeo "package skopeo is missing" command -v skopeo; }
make_image() { python3 "$LAMINA_SOURCE_ROOT/tests/tools/make-oci-image.py" "$@"; }

# docker-registry, the first time on a free port: $host is where, $registry its process; its log of
# requests is registry.log. Further lines of its configuration are the argument.
start_registry() {
    if [ -z "${host:-}" ]; then
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        host=localhost:$port
    fi
    cat >registry.yml <<YAML
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $scratch/registry}}
http: {addr: "127.0.0.1:$port", secret: x}
${1:-}
YAML
    # its own settings may be overridden by the environment, where REGISTRY_AUTH_FILE is ours
    env -u REGISTRY_AUTH_FILE docker-registry serve registry.yml >>registry.log 2>&1 3>&- &
    registry=$!
    for _ in $(seq 100); do
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null && return 0
        sleep 0.1
    done
    cat registry.log
    return 1
}

stop_registry() {
    [ -z "${registry:-}" ] || { kill "$registry" && wait "$registry" || true; }
    registry=
}

# The line of its configuration that lets in user with the password pw only.
password_config() {
    echo 'user:$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q' >htpasswd
    echo "auth: {htpasswd: {realm: test, path: $scratch/htpasswd}}"
}

# tests/tools/http-fixture.py: $web is where.
start_web() {
    coproc web_server { exec python3 "$LAMINA_SOURCE_ROOT/tests/tools/http-fixture.py" 3>&-; }
    read -r -u "${web_server[0]}" web_port
    web=127.0.0.1:$web_port
}

stop_web() {
    [ -z "${web_server_PID:-}" ] || { kill "$web_server_PID" && wait "$web_server_PID" || true; }
}

# Requests of a method and a part of the URL that the registry has answered since the last call.
requests() {
    local all
    all=$(grep -c "\"$1 [^ ]*$2" registry.log) || true
    echo $((all - ${requests_before:-0}))
}

# The manifest of a reference, as skopeo reads it.
manifest_digest() { echo "sha256:$(skopeo inspect --raw --tls-verify=false "$1" | sha256sum | cut -d' ' -f1)"; }
