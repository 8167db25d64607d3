# The first hour of somebody who has just installed it: an empty home, no options beyond those
# of the README, and every verb once.  SPDX-License-Identifier: MIT
. tests/system/lib.sh
# The default port must be free, and no real card may be there: a network and an ALSA of its own.
echo "# no card at all" >"$T/asoundrc"
export ALSA_CONFIG_PATH=$T/asoundrc
if is_root && ip netns add "pt$$h" 2>/dev/null; then
    NAMESPACES=pt$$h
    ip netns exec "pt$$h" ip link set lo up
    inside="ip netns exec pt$$h"
elif python3 -c "import socket; socket.create_server(('', 4747))"; then
    inside=
else
    echo "skip newcomer: port 4747 is taken, and no right to make a network namespace"
    exit 0
fi
songs "$T/Music" 6 20
party() { timeout 30 $inside "$PARTY" "$@"; }
# The node is not our child: its process id is what `up` and `host` tell.
adopt() { PIDS="$PIDS $(grep -oE 'process [0-9]+' "$1" | grep -oE '[0-9]+')"; }
says() { # NAME REGEX VERB…: the verb succeeds and prints that
    local name=$1 regex=$2
    shift 2
    if party "$@" >"$T/out" 2>"$T/err" && grep -qE -e "$regex" "$T/out"; then
        ok "$name"
    else
        fail "$name: $(cat "$T/out" "$T/err")"
    fi
}
mode() { [ "$(stat -c %a "$1")" = "$2" ]; }

says "the bare command tells what there is" "party host SONG"
refuse "status before anything" 3 "start one: party up" $inside "$PARTY" status
check "a question leaves no file behind" [ -z "$(find "$HOME" "$XDG_RUNTIME_DIR" -type f)" ]
refuse "host without a sound card" 7 "sound card \"default\".*none" \
    $inside "$PARTY" host "$T/Music/song0.flac"
party host --audio none --wanted 0 --wait "$T/Music" >"$T/out" 2>"$T/err"
check "host FOLDER starts a node, calls, and returns when it plays" [ $? -eq 0 ]
adopt "$T/err"
check "it tells of the five songs that it offers, and of the node" eval \
    "grep -q '6 songs; the first five' '$T/err' && grep -q 'to end it: party down' '$T/err'"
check "the control socket is the user's alone" mode "$XDG_RUNTIME_DIR/party/control.sock" 600
check "and the folder that it is in" mode "$XDG_RUNTIME_DIR/party" 700
check "and the key" mode "$HOME/.local/share/party/key" 600
check "and the folder of the data" mode "$HOME/.local/share/party" 700
check "the log is where XDG says" [ -s "$HOME/.local/state/party/log" ]
check "nothing else is written to the home" [ "$(find "$HOME" -type f | sed "s|$HOME/||" |
    grep -vE '^.local/(share|state)/party/' | wc -l)" -eq 0 ]
if is_root && command -v setpriv >/dev/null; then
    chmod 755 "$T" "$XDG_RUNTIME_DIR" "$XDG_RUNTIME_DIR/party"
    setpriv --reuid 65534 --regid 65534 --clear-groups $inside \
        "$PARTY" down --socket "$XDG_RUNTIME_DIR/party/control.sock" >"$T/out" 2>"$T/err"
    check "another user cannot speak to the node" [ $? -ne 0 ]
    chmod 700 "$T" "$XDG_RUNTIME_DIR" "$XDG_RUNTIME_DIR/party"
fi

says "status tells what plays" "song0" status
says "skip" "[Ss]kip|song1" skip
sleep 1
says "and the second song plays" "song1" status
says "pause" "[Pp]ause" pause
sleep 1
party status --json >"$T/out"
check "and it is paused" grep -q '"phase":"paused"' "$T/out"
says "resume" "[Rr]esume|song1" resume
says "seek" "0:05|[Ss]eek" seek 0:05
says "seek on" "[Ss]eek|0:" seek +3
says "play" "song0" play 1
says "peers" "[Nn]o|peer" peers
says "invites" "[Nn]o|invite" invites
party watch --json >"$T/watch" 2>/dev/null &
watcher=$!
sleep 0.5
says "stop" "[Ss]top" stop
sleep 1
kill $watcher 2>/dev/null
wait $watcher 2>/dev/null
check "watch saw it" python3 -c "
import json, sys
phases = [json.loads(l)['party']['phase'] for l in open(sys.argv[1]) if l.endswith('\n')]
sys.exit(not ('playing' in phases and phases[-1] == 'stopped'))" "$T/watch"
says "leave" "Left" leave
says "status after all" "the party is over" status
id=$(party status --json | grep -oE '"id":"[0-9a-f]+"' | head -n 1)
says "down" "stopped" down
refuse "and then none runs" 3 "start one: party up" $inside "$PARTY" status
says "up in the background" "is up, process [0-9]+" up --audio none
adopt "$T/out"
check "it is the same node as before" \
    [ -n "$id" -a "$(party status --json | grep -oE '"id":"[0-9a-f]+"' | head -n 1)" = "$id" ]
says "down again" "stopped" down
check "its socket is gone" [ ! -e "$XDG_RUNTIME_DIR/party/control.sock" ]
check "every verb of the list has a help with an own usage" eval "
    for v in host invites accept decline status watch peers clock skip pause resume play seek \
        stop volume latency handover leave end down; do
        '$PARTY' help \$v | grep -q \"^usage: party \$v\" || exit 1
    done"
