# usage: control start | stop | restart
# `stop` is a crash; `start` returns when the server accepts connections. Above stand the server's own
# `name`, `directory`, `signal`, `pidfile`, `launch` and `ready`.

log=$directory/log
# A session of its own: what ends the run at the terminal is not to end the server before its guard does.
detach=$(command -v setsid)

fail() {
    echo "$name $1" >&2
    if [ -s "$log" ]; then
        echo "the end of its log:" >&2
        tail -n 25 "$log" >&2
    fi
    exit 1
}

running() {
    [ -n "$1" ] && kill -0 "$1" 2>/dev/null || return 1
    # Where nobody reaps them, the dead stay in the table of processes.
    case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in Z*) return 1 ;; esac
    # It may have been reaped while we looked: a server that is taken for running is not started.
    kill -0 "$1" 2>/dev/null
}

# The process that was launched, and what the server says of itself: `su` stands between the two.
processes() {
    for file in "$directory/pid" "$pidfile"; do
        [ ! -f "$file" ] || sed -n 1p "$file"
    done
}

alive() {
    for process in $(processes); do
        running "$process" && return 0
    done
    return 1
}

# Waits up to 10 seconds for the named processes to be gone.
gone() {
    tries=0
    for process in "$@"; do
        while running "$process"; do
            tries=$((tries + 1))
            [ "$tries" -le 100 ] || return 1
            sleep 0.1
        done
    done
}

stop() {
    named=$(processes)
    for sent in "$signal" KILL; do
        for process in $named; do
            ! running "$process" || kill -s "$sent" "$process" 2>/dev/null
        done
        if gone $named; then
            rm -f "$directory/pid"
            return 0
        fi
    done
    fail "does not stop"
}

start() {
    ! alive || return 0
    [ ! -e "$directory/closing" ] || fail "is being removed"
    [ ! -f "$log" ] || mv -f "$log" "$log.before"
    launch >"$log" 2>&1 </dev/null &
    echo "$!" >"$directory/pid"
    tries=0
    until ready 2>/dev/null; do
        alive || fail "ended while it was starting"
        tries=$((tries + 1))
        [ "$tries" -le 600 ] || { (stop); fail "does not accept connections after 60 seconds"; }
        sleep 0.1
    done
}

# One at a time: two tests may want the same server to restart.
lock() {
    tries=0
    until mkdir "$directory/lock" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le "$1" ] || return 1
        sleep 0.1
    done
    trap 'rmdir "$directory/lock" 2>/dev/null' EXIT
}

cd / || exit 1
case $1 in
start | stop | restart)
    trap 'exit 1' HUP INT TERM
    lock 900 || fail "is held by another control script"
    [ "$1" = start ] || stop
    [ "$1" = stop ] || start
    ;;
guard)
    # Its input ends when whoever started it ends, in whatever way. That alone ends the guard.
    trap '' HUP INT TERM
    cat >/dev/null
    : >"$directory/closing"
    lock 50
    (stop)
    tries=0
    # What was being written while we came must not stay.
    until rm -rf "$directory" && [ ! -e "$directory" ]; do
        tries=$((tries + 1))
        [ "$tries" -le 50 ] || exit 1
        sleep 0.2
    done
    ;;
*)
    echo "usage: $0 start | stop | restart" >&2
    exit 2
    ;;
esac
